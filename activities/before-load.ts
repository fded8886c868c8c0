/** Phases a and b of RFC 2544 §23, with all that must run before the load; the same for both kinds of trial. */
import type { Fence } from "../remote/agent.ts";
import type { LedgerPath } from "../model/measurement.ts";
import type { Begun } from "./begun.ts";
import { clockOffsets } from "./clocks.ts";
import { part } from "./parts.ts";
import type { PhaseLog } from "./phase-log.ts";
import { startLoadProbes, startProbes } from "./probes.ts";
import { phase } from "./progress.ts";
import { routerSilence } from "./router-answers.ts";
import type { Setup } from "./setup.ts";
import { snapshot } from "./snapshot.ts";
import { hostsOf } from "./taking-part.ts";

/** Learning frames are answered within milliseconds by a router that was prepared. */
const learnDeadlineMs = 5000;

/**
 * Settles, learns, starts the probes, readies the generator and reads the counters, in this order for the path: nothing is
 * started on any host after this but the load and the migration.
 */
export async function beforeLoad(
  setup: Setup,
  fence: Fence,
  path: LedgerPath,
  phases: PhaseLog,
): Promise<Begun> {
  const { bench, campaign } = setup;
  const [clocks] = await Promise.all([
    part("clocks", () => clockOffsets(bench, hostsOf(fence))),
    part("start probes", () => startProbes(setup, fence)),
    // Loading since `prepare`, and held back while the router settles: its own start is no part of the load phase.
    part("generator", () => bench.generator.prepare(fence, setup.unit("load"), setup.stream)),
    settleAndLearn(),
  ]);
  const [{ counters: before, guestBootId }] = await Promise.all([
    snapshot(setup, path, { routerOn: setup.host, silence: "is a failure" }),
    startLoadProbes(setup, fence),
  ]);
  return { path, clocks, before, phases: [...phases.entries], guestBootId };

  async function settleAndLearn(): Promise<void> {
    phases.enter("settle");
    await phase(campaign.phases.settleMs);
    phases.enter("learn");
    const silence = await part("learning frames", () =>
      routerSilence(bench, fence, setup.unit("learn"), learnDeadlineMs),
    );
    if (silence !== null) throw new Error(`the router stopped answering: ${silence}`);
    await phase(campaign.phases.learnMs);
  }
}
