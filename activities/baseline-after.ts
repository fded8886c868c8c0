/** After the load of a forwarding trial: whether the router still meets the baseline, asked where something casts doubt on it. */
import { healthOf } from "../model/health.ts";
import type { BaselineFound } from "../model/measurement.ts";
import type { RouterFindings } from "../model/watch.ts";
import type { Fence } from "../remote/agent.ts";
import { meetsBaseline } from "../stats/baseline.ts";
import { timeLine } from "../stats/clock.ts";
import { judgeRouter } from "../stats/lockup-judge.ts";
import { rttSummary } from "../stats/rtt.ts";
import type { Begun } from "./begun.ts";
import { baselineFps, measureBaseline } from "./baseline.ts";
import type { TrialDeps } from "./deps.ts";
import type { Probed } from "./probes.ts";
import { progress } from "./progress.ts";
import type { Setup } from "./setup.ts";
import { routerHostsOf } from "./taking-part.ts";
import { storeEvidence } from "./watch-evidence.ts";

interface Known {
  readonly begun: Begun;
  readonly endUs: number;
  readonly probed: Probed;
  readonly router: RouterFindings | null;
}

/** Probes sent so shortly before the end of the side flow may still be under way. */
const underWayUs = 200_000;

/**
 * null: nothing casts doubt on it, or it was found to hang, to be gone or another boot anyway. In a
 * trial right after a recovery it is always asked; otherwise when it was silent at the end of the load,
 * or lost probes of the side flow after it.
 */
export async function baselineAfter(
  deps: TrialDeps,
  setup: Setup,
  fence: Fence,
  known: Known,
): Promise<BaselineFound | null> {
  if (known.router !== null && judgeRouter(known.router).verdict !== "running") return null;
  const lost = lossAfterLoad(known);
  const afterRecovery = await deps.store.isAfterRecovery(setup.ref);
  if (!afterRecovery && known.router === null && (lost === null || lost === 0)) return null;

  progress({ asking: "baseline" });
  const { campaign, driver, ref, stream } = setup;
  const { frameSizeBytes } = stream;
  const health = healthOf(campaign);
  const place = { store: deps.store, testbed: ref.testbed, driver, frameSizeBytes };
  const found = await measureBaseline(setup.bench, fence, {
    ...health,
    fps: await baselineFps(health, place),
    frameSizeBytes,
    unit: (what) => setup.unit(`baseline.${what}`),
  });
  if (meetsBaseline(found)) return found;
  const evidence = await storeEvidence(deps, setup, routerHostsOf(fence), "of the baseline", {
    baseline: found,
    sideFlowLossRatio: lost,
    afterRecovery,
  });
  return { ...found, evidence };
}

/** Of the side flow's probes between the end of the load and its own; null: none was sent then. */
function lossAfterLoad({ begun, endUs, probed: { rtt } }: Known): number | null {
  const line = timeLine(begun.clocks);
  const lastUs = rtt.sentUs.at(-1);
  if (lastUs === undefined || !line.knows("A") || !line.knows(rtt.host)) return null;
  const fromUs = line.at("A", endUs) - line.at(rtt.host, 0);
  return rttSummary(rtt, fromUs, lastUs - underWayUs).lossRatio;
}
