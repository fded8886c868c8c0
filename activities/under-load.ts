/** What both kinds of trial do around their load: all that must run before it, the fault planned for the trial, and phase e. */
import type { LedgerPath } from "../model/measurement.ts";
import type { Fence } from "../remote/agent.ts";
import { beforeLoad } from "./before-load.ts";
import type { Begun } from "./begun.ts";
import { storeBegun } from "./begun.ts";
import type { TrialDeps } from "./deps.ts";
import { givenUp } from "./given-up.ts";
import { part } from "./parts.ts";
import type { PhaseLog } from "./phase-log.ts";
import { phaseLog } from "./phase-log.ts";
import type { FaultWatch } from "./planned-fault.ts";
import { plannedFault } from "./planned-fault.ts";
import { orCancelled, phase } from "./progress.ts";
import { refusalStored } from "./refused.ts";
import type { Setup } from "./setup.ts";

export interface LoadBegun {
  readonly begun: Begun;
  readonly phases: PhaseLog;
  readonly fault: FaultWatch;
}

/** Calls `measure` as soon as frames leave the generator. Not idempotent: a second run in one attempt would be a second load. */
export async function underLoad(
  deps: TrialDeps,
  setup: Setup,
  fence: Fence,
  path: LedgerPath,
  measure: (load: LoadBegun) => Promise<void>,
): Promise<void> {
  const { bench, campaign, stream } = setup;
  const fault = plannedFault(deps, setup);
  const phases = phaseLog([], (name) => fault.entered(name));
  try {
    const begun = await orCancelled(
      refusalStored(deps, setup, beforeLoad(setup, fence, path, phases)),
    );
    phases.enter("load");
    await part("start load", () =>
      Promise.all([
        bench.generator.start(fence, setup.unit("load"), stream),
        storeBegun(deps.store, setup, begun),
      ]),
    );
    await measure({ begun, phases, fault });
    phases.enter("rest");
    await phase(campaign.phases.restMs);
  } catch (error) {
    await givenUp(setup, fence, error);
    throw error;
  } finally {
    await fault.end();
  }
}
