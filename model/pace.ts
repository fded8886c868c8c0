/** How long a campaign still takes, from the trials that it has behind it. */
import type { TrialKind } from "./trial.ts";

/** What a campaign has left of one kind of trial, and how long those with a verdict took. */
export interface KindPace {
  readonly kind: TrialKind;
  /** Trials without a verdict. */
  readonly open: number;
  /** The lower median, skipped trials left out; null: none of this kind has ended yet. */
  readonly medianSeconds: number | null;
}

/**
 * Seconds for the trials without a verdict at the median pace of those of their kind that have one
 * (of the other kind, where theirs has none yet). null: none has. Pauses and what lies between trials
 * are not in it.
 */
export function etaSeconds(paces: readonly KindPace[]): number | null {
  const known = paces.flatMap(({ medianSeconds }) => medianSeconds ?? []);
  if (known.length === 0) return null;
  const anyPace = Math.max(...known);
  return Math.round(
    paces.reduce((sum, { open, medianSeconds }) => sum + open * (medianSeconds ?? anyPace), 0),
  );
}
