/** All acts, put together for a worker. */
import type { Client } from "@temporalio/client";
import type { Acts, RecoveryActs, TrialActs } from "../workflows/acts.ts";
import { campaignActs } from "./campaign.ts";
import { resolveCapacity } from "./capacity.ts";
import type { TrialDeps } from "./deps.ts";
import { lockActs } from "./lock.ts";
import { recoveryActs } from "./recovery/acts.ts";
import { alive, recorded } from "./steps.ts";
import { trialActs } from "./trials.ts";

export interface ActivityDeps extends TrialDeps {
  readonly client: Client;
}

export const createActivities = (deps: ActivityDeps): Acts => ({
  ...campaignActs(deps.store),
  ...lockActs(deps.client, deps.store),
  resolveCapacity: alive((order) => resolveCapacity(deps, order)),
  ...recordedActs(deps),
  ...livingRungs(deps),
});

function livingRungs(deps: ActivityDeps): RecoveryActs {
  const acts = recoveryActs(deps);
  return {
    ...acts,
    collectEvidence: alive(acts.collectEvidence),
    cancelMigration: alive(acts.cancelMigration),
    destroyBothCopies: alive(acts.destroyBothCopies),
    recreateRouter: alive(acts.recreateRouter),
    restartToolstack: alive(acts.restartToolstack),
    rebootHosts: alive(acts.rebootHosts),
    powerCycleHosts: alive(acts.powerCycleHosts),
    quarantineHosts: alive(acts.quarantineHosts),
    healthTrial: alive(acts.healthTrial),
  };
}

function recordedActs(deps: ActivityDeps): TrialActs {
  const acts = trialActs(deps);
  const { store } = deps;
  return {
    prepare: recorded(store, "prepare", (ref) => acts.prepare(ref)),
    measure: recorded(store, "measure", (ref) => acts.measure(ref)),
    collect: recorded(store, "collect", (ref) => acts.collect(ref)),
    locate: recorded(store, "locate", (ref) => acts.locate(ref)),
    judge: recorded(store, "judge", (ref, options) => acts.judge(ref, options)),
    // Its row is the attempt's own.
    rejectAttempt: (ref, rejection) => acts.rejectAttempt(ref, rejection),
    restore: recorded(store, "restore", (ref) => acts.restore(ref)),
  };
}
