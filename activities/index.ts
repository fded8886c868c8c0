/** All acts, put together for a worker. */
import type { Client } from "@temporalio/client";
import type { Acts, RecoveryActs, RungActs, TrialActs } from "../workflows/acts.ts";
import { campaignActs } from "./campaign.ts";
import { resolveCapacity } from "./capacity.ts";
import type { TrialDeps } from "./deps.ts";
import { lockActs } from "./lock.ts";
import { recoveryActs } from "./recovery/acts.ts";
import { alive, oneAtATime, recorded } from "./steps.ts";
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

export function livingRungs(deps: TrialDeps): RecoveryActs {
  const acts = recoveryActs(deps);
  const living = (name: keyof RungActs): RungActs[typeof name] =>
    alive((order) =>
      oneAtATime(`${order.id}#${order.ref.token}:${order.step}`, () => acts[name](order)),
    );
  return {
    ...acts,
    collectEvidence: living("collectEvidence"),
    cancelMigration: living("cancelMigration"),
    destroyBothCopies: living("destroyBothCopies"),
    recreateRouter: living("recreateRouter"),
    restartToolstack: living("restartToolstack"),
    rebootHosts: living("rebootHosts"),
    powerCycleHosts: living("powerCycleHosts"),
    quarantineHosts: living("quarantineHosts"),
    healthTrial: living("healthTrial"),
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
