import type { Measurement } from "../model/measurement.ts";
import type { Store } from "../store/store.ts";
import { part } from "./parts.ts";
import type { Probed } from "./probes.ts";
import type { Setup } from "./setup.ts";

/** Everything of one attempt into the store, each under its own key. May be repeated. */
export async function storeMeasured(
  store: Store,
  { ref }: Setup,
  measurement: Measurement,
  { series, raw }: Probed,
): Promise<void> {
  await part("store", async () => {
    await Promise.all([
      store.putSeries(ref, series),
      raw === null
        ? null
        : store.putEvent({
            key: `${ref.trialId}#${ref.attempt} raw arrivals`,
            testbed: ref.testbed,
            campaign: ref.campaignId,
            trial: ref.trialId,
            attempt: ref.attempt,
            host: measurement.sink.host,
            kind: "raw-arrivals",
            content: { ...raw },
            at: new Date().toISOString(),
          }),
    ]);
    // Last: whoever finds it takes the attempt's measurement for whole.
    await store.putMeasurement(ref, measurement);
  });
}
