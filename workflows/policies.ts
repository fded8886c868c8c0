/**
 * How each act is timed and retried: every option explicit, none left to a default. The SDK's default
 * cancellation type is TRY_CANCEL, whatever its documentation says (1.24.0), so it is always set.
 *
 * Acts of the campaign retry without limit: a store or a server that is away stops nothing. Acts of a
 * trial retry a bounded number of times and then make the attempt invalid; what measures never retries.
 */
import { ActivityCancellationType, proxyActivities } from "@temporalio/workflow";
import type { ActivityOptions } from "@temporalio/workflow";
import type { Acts, TrialActs, TrialBrief } from "./acts.ts";

const waits = { cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED } as const;
const backoff = { initialInterval: "1s", backoffCoefficient: 2, maximumInterval: "30s" } as const;

const withoutLimit: ActivityOptions = {
  ...waits,
  startToCloseTimeout: "30s",
  retry: { ...backoff, maximumInterval: "1m", maximumAttempts: Infinity },
};
/** The heartbeat of these acts says only that the worker lives; a killed one is noticed within it. */
const bounded = (
  startToCloseTimeout: "2m" | "5m" | "10m" | "25m" | "1h",
  maximumAttempts: number,
) =>
  ({
    ...waits,
    startToCloseTimeout,
    heartbeatTimeout: "20s",
    retry: { ...backoff, maximumAttempts },
  }) satisfies ActivityOptions;

const policies = {
  acquireTestbed: withoutLimit,
  releaseTestbed: withoutLimit,
  openCapacities: withoutLimit,
  nextElements: withoutLimit,
  campaignProgress: withoutLimit,
  setCampaignState: withoutLimit,
  skipTrial: withoutLimit,
  extendCampaign: { ...withoutLimit, startToCloseTimeout: "2m" },
  closeCancelled: withoutLimit,
  isClosed: withoutLimit,
  // It measures: what was cut is begun again by the workflow, under another token.
  resolveCapacity: bounded("1h", 1),
  prepare: bounded("10m", 3),
  /** Timeouts are the trial's own: see `timesOf`. */
  measure: { ...waits, retry: { maximumAttempts: 1 } },
  // A host that has power and answers nobody takes up to half a minute for each try.
  collect: bounded("10m", 5),
  locate: bounded("2m", 10),
  judge: bounded("2m", 10),
  rejectAttempt: { ...withoutLimit, startToCloseTimeout: "1m" },
  restore: bounded("10m", 3),
  // A rung tells its failure as an answer: what is tried again here is one that a killed worker cut.
  collectEvidence: bounded("2m", 3),
  cancelMigration: bounded("2m", 3),
  destroyBothCopies: bounded("2m", 3),
  recreateRouter: bounded("5m", 3),
  restartToolstack: bounded("5m", 3),
  rebootHosts: bounded("25m", 3),
  powerCycleHosts: bounded("1h", 3),
  quarantineHosts: bounded("2m", 10),
  healthTrial: bounded("2m", 3),
  failedRung: withoutLimit,
  closeRecovery: withoutLimit,
  healthDoubt: withoutLimit,
  quarantines: withoutLimit,
  leftRecoveries: withoutLimit,
  releaseHosts: withoutLimit,
} satisfies Record<keyof Acts, ActivityOptions>;

/** Margin of the heartbeat over a trial's detection bound: the judges inside `measure` are the first net. */
const heartbeatMarginMs = 20_000;

/** A trial's own times: of `measure`, and of `collect`, which may have to wait for what still runs. */
export function timesOf(name: keyof TrialActs, brief: TrialBrief): ActivityOptions {
  if (name === "collect") return { startToCloseTimeout: brief.measureTimeoutMs + 60_000 };
  if (name !== "measure") return {};
  return {
    startToCloseTimeout: brief.measureTimeoutMs,
    heartbeatTimeout: brief.detectionBoundMs + heartbeatMarginMs,
  };
}

/** An act by its name, under its policy; `more` adds a summary or a trial's own times. */
export const act = <Name extends keyof Acts>(name: Name, more: ActivityOptions = {}): Acts[Name] =>
  proxyActivities<Acts>({ ...policies[name], ...more })[name];
