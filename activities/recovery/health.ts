/** The trial after a rung: far below saturation, where loss is not noise. */
import { healthOf } from "../../model/health.ts";
import { unitName } from "../../model/unit-name.ts";
import { baselineWords, meetsBaseline } from "../../stats/baseline.ts";
import { baselineFps, measureBaseline } from "../baseline.ts";
import { notReached, reach } from "./reach.ts";
import type { Climbed, RungSetup } from "./rung.ts";

/** Both flows answer (A–B and C–D), and of a light load no more is lost than the campaign allows. */
export async function healthTrial(setup: RungSetup): Promise<Climbed> {
  const { bench, deps, driver, order, trial } = setup;
  const reached = await reach(setup);
  const silent = notReached(reached);
  if (silent !== null) return silent;
  const { fence } = reached;
  const health = healthOf(setup.campaign);
  const { frameSizeBytes } = trial.scenario;
  const place = { store: deps.store, testbed: order.ref.testbed, driver, frameSizeBytes };
  const found = await measureBaseline(bench, fence, {
    ...health,
    fps: await baselineFps(health, place),
    frameSizeBytes,
    unit: (what) => unitName(order.ref, `health-${order.ref.token}.${what}`),
  });
  return {
    status: meetsBaseline(found) ? "verified" : "failed",
    words: baselineWords(found),
    details: { ...found },
  };
}
