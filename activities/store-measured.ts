import type { Measurement } from "../model/measurement.ts";
import type { Store } from "../store/store.ts";
import { part } from "./parts.ts";
import type { Probed } from "./probes.ts";
import type { Setup } from "./setup.ts";

/** Everything of one attempt that is long, each under its own key. May be repeated. */
export async function storeSeries(
  store: Store,
  { ref }: Setup,
  { series, raw, sink }: Probed,
): Promise<void> {
  await Promise.all([
    store.putSeries(ref, series),
    raw === null ? null : store.putArrivals(ref, sink.host, raw),
  ]);
}

/** Last of all: an attempt that has its measurement has its series. */
export const storeMeasurement = (
  store: Store,
  { ref }: Setup,
  measurement: Measurement,
): Promise<void> => part("store", () => store.putMeasurement(ref, measurement));
