/**
 * Counting attempts. An attempt that Longhaul's own death cut does not count toward the limit, up to
 * `cutLimit` in a row; a trial that still has no verdict then is one that kills the worker.
 */

/** Cut attempts in a row after which a trial becomes invalid. */
export const cutLimit = 5;

export interface AttemptTally {
  /** Highest number of an attempt made so far; the next attempt is this + 1. */
  readonly attempts: number;
  /** Invalid attempts that count toward the limit. */
  readonly spent: number;
  readonly cutInARow: number;
  /** The newest attempt has no verdict: its end is unknown and must be looked up before another starts. */
  readonly open: boolean;
}

export const noAttempts: AttemptTally = { attempts: 0, spent: 0, cutInARow: 0, open: false };

/** The tally with one more attempt begun. */
export const begun = (tally: AttemptTally): AttemptTally => ({
  ...tally,
  attempts: tally.attempts + 1,
  open: true,
});

/** The tally after the open attempt was found invalid. */
export const ended = (tally: AttemptTally, cut: boolean): AttemptTally => ({
  attempts: tally.attempts,
  spent: tally.spent + (cut ? 0 : 1),
  cutInARow: cut ? tally.cutInARow + 1 : 0,
  open: false,
});

/** Whether the trial has spent what it may: no attempt follows. */
export const isSpent = (tally: AttemptTally, attemptLimit: number): boolean =>
  tally.spent >= attemptLimit || tally.cutInARow >= cutLimit;

/** Why a trial became invalid, from the reason of its last attempt. */
export const spentReason = (tally: AttemptTally, lastReason: string): string =>
  tally.cutInARow >= cutLimit
    ? `kills the worker: ${cutLimit} attempts in a row were cut; the last: ${lastReason}`
    : lastReason;

/** Most attempts that a trial can make: cut ones between any two that count. */
export const mostAttempts = (attemptLimit: number): number => attemptLimit * cutLimit;

/** The tally of a trial's stored attempts, ascending by number. */
export function tallyOf(
  attempts: readonly { attempt: number; verdict: "valid" | "invalid" | null; cut: boolean }[],
): AttemptTally {
  return attempts.reduce<AttemptTally>((tally, { attempt, verdict, cut }) => {
    const opened = { ...tally, attempts: attempt, open: true };
    return verdict === null ? opened : ended(opened, cut);
  }, noAttempts);
}
