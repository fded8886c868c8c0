/** How long a campaign still takes, from the trials that it has behind it. */
import type { TrialKind, TrialState } from "./trial.ts";

interface Timed {
  readonly kind: TrialKind;
  readonly state: TrialState;
  /** ISO 8601. */
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

/**
 * Seconds for the trials without a verdict at the median pace of those of their kind that have one
 * (of any kind, where theirs has none yet). null: none has. Pauses and what lies between trials are
 * not in it.
 */
export function etaSeconds(trials: readonly Timed[]): number | null {
  const durations = (kind: TrialKind | null): number[] =>
    trials
      .filter((trial) => kind === null || trial.kind === kind)
      .flatMap(({ state, startedAt, endedAt }) =>
        state !== "skipped" && startedAt !== null && endedAt !== null
          ? [(Date.parse(endedAt) - Date.parse(startedAt)) / 1000]
          : [],
      );
  const anyPace = median(durations(null));
  if (anyPace === null) return null;
  const left = (kind: TrialKind) =>
    trials.filter(
      (trial) => trial.kind === kind && (trial.state === "pending" || trial.state === "running"),
    ).length;
  const seconds = (["forwarding", "migration"] as const).map(
    (kind) => left(kind) * (median(durations(kind)) ?? anyPace),
  );
  return Math.round(seconds.reduce((sum, each) => sum + each, 0));
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
