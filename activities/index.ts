/** All acts, put together for a worker. */
import type { Client } from "@temporalio/client";
import type { Acts, TrialActs } from "../workflows/acts.ts";
import { campaignActs } from "./campaign.ts";
import { resolveCapacity } from "./capacity.ts";
import type { TrialDeps } from "./deps.ts";
import { lockActs } from "./lock.ts";
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
});

function recordedActs(deps: ActivityDeps): TrialActs {
  const { prepare, measure, collect, locate, judge, rejectAttempt, restore } = trialActs(deps);
  const { store } = deps;
  return {
    prepare: recorded(store, "prepare", prepare),
    measure: recorded(store, "measure", measure),
    collect: recorded(store, "collect", collect),
    locate: recorded(store, "locate", locate),
    judge: recorded(store, "judge", judge),
    // Its row is the attempt's own.
    rejectAttempt,
    restore: recorded(store, "restore", restore),
  };
}
