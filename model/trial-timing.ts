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

/**
 * The detection bound is the judges' own (model/hang.ts), but never shorter than a phase that is
 * silent by design.
 */
export function trialTiming(campaign: Timed, kind: TrialKind): TrialTiming {
  const { phases, migrationDeadlineMs, migrationMarginMs } = campaign;
  const { windowMs, questionTimeoutMs, probeIntervalMs } = hangRule(campaign);
  const around = phases.settleMs + phases.learnMs + phases.drainMs + phases.restMs;
  const measured =
    kind === "forwarding"
      ? phases.trialMs + healthOf(campaign).durationMs
      : 2 * migrationMarginMs + migrationDeadlineMs + abortMs;
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
