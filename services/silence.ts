/** Telling a process that hangs from one that is slow. */
import { setTimeout as delay } from "node:timers/promises";

export interface Listening {
  readonly lookEveryMs: number;
  /** So many looks in a row without an answer are silence. */
  readonly silentLooks: number;
}

/**
 * True as soon as `ask` was not answered in so many looks in a row; false when `signal` aborts before.
 * What it throws, and what it has not said when the next look is due, is no answer. Looks are counted,
 * not seconds: where the machine was suspended, or has no time for anybody, nobody asks either.
 */
export async function untilSilent(
  ask: () => Promise<boolean>,
  { lookEveryMs, silentLooks }: Listening,
  signal: AbortSignal,
): Promise<boolean> {
  for (let unanswered = 0; unanswered < silentLooks;) {
    const nextLook = delay(lookEveryMs, false, { signal }).catch(() => false);
    const answered = await Promise.race([ask().catch(() => false), nextLook]);
    await nextLook;
    if (signal.aborted) return false;
    unanswered = answered ? 0 : unanswered + 1;
  }
  return true;
}
