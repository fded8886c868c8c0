/** How long a trial may take before somebody must look. */
import type { Campaign } from "./campaign.ts";
import type { Hang } from "./hang.ts";
import { hangRule } from "./hang.ts";
import { healthOf } from "./health.ts";
import type { TrialKind } from "./trial.ts";

/** Starting and collecting units on all hosts, on a machine under load. */
const startAndCollectMs = 60_000;
/** Cancelling a migration past its deadline and seeing both hosts agree. */
const abortMs = 30_000;

export interface TrialTiming {
  /** The longest the measuring activity can rightly take. */
  readonly measureTimeoutMs: number;
  /** No progress for this long is a hang; the heartbeat timeout is this + 20 s. */
  readonly detectionBoundMs: number;
}

type Timed = Pick<
  Campaign,
  "phases" | "guest" | "migrationDeadlineMs" | "migrationMarginMs" | "health"
> & {
  readonly hang?: Hang;
};

/** A migration's load goes on until the migration has ended, at the latest past its deadline. */
export function longestLoadMs(
  {
    phases,
    migrationMarginMs,
    migrationDeadlineMs,
  }: Pick<Timed, "phases" | "migrationMarginMs" | "migrationDeadlineMs">,
  kind: TrialKind,
): number {
  return kind === "forwarding"
    ? phases.trialMs
    : 2 * migrationMarginMs + migrationDeadlineMs + abortMs;
}

/**
 * The detection bound is the judges' own (model/hang.ts), but never shorter than a phase that is
 * silent by design.
 */
export function trialTiming(campaign: Timed, kind: TrialKind): TrialTiming {
  const { phases, migrationMarginMs } = campaign;
  const { windowMs, questionTimeoutMs, probeIntervalMs } = hangRule(campaign);
  const around = phases.settleMs + phases.learnMs + phases.drainMs + phases.restMs;
  const measured =
    longestLoadMs(campaign, kind) + (kind === "forwarding" ? healthOf(campaign).durationMs : 0);
  const silent = Math.max(
    phases.settleMs,
    phases.learnMs,
    phases.drainMs,
    phases.restMs,
    kind === "migration" ? migrationMarginMs : 0,
  );
  return {
    measureTimeoutMs: around + measured + startAndCollectMs,
    detectionBoundMs: Math.max(windowMs, questionTimeoutMs, silent) + probeIntervalMs,
  };
}
