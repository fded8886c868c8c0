/**
 * A campaign whose workflow ends again and again though it is not at its end: a defect that time does not
 * mend. It is begun anew ever more rarely, and soon waits for a person, or for another Longhaul.
 */
import type { EventRow } from "../store/store.ts";

const hourMs = 3_600_000;
/** So many within an hour call for a person. */
const failureLimit = 3;
const firstPauseMs = 10_000;
const longestPauseMs = 600_000;

/** What `begun-anew` says of one. */
export interface BegunAnew {
  readonly why: string;
  /** Its workflow had ended by itself; false: Temporal had lost it. */
  readonly hadEnded: boolean;
  /** Of the worker that began it anew. */
  readonly version: string;
}

/** Since when failures count. */
export const failuresSince = (nowMs: number): string => new Date(nowMs - hourMs).toISOString();

/** Those of this campaign under this Longhaul: what failed under another one may be mended. */
export const failuresOf = (
  events: readonly EventRow[],
  campaign: string,
  version: string,
): readonly EventRow[] =>
  events.filter((event) => {
    const content = event.content as Partial<BegunAnew>;
    return event.campaign === campaign && content.hadEnded === true && content.version === version;
  });

/** False: it has been begun anew too lately. */
export function isDue(failures: readonly EventRow[], nowMs: number): boolean {
  const last = failures.at(-1);
  if (last === undefined) return true;
  const pauseMs = Math.min(firstPauseMs * 2 ** (failures.length - 1), longestPauseMs);
  return nowMs - Date.parse(last.at) >= pauseMs;
}

/** Why it waits for a person; null: it need not yet. */
export const failingWords = (
  failures: readonly EventRow[],
  version: string,
  why: string,
): string | null =>
  failures.length < failureLimit
    ? null
    : `${why}, ${failures.length + 1} times within an hour under Longhaul ${version}`;

/** The Longhaul under which it failed, of such words; null: it waits for something else. */
export const failedUnder = (reason: string | null): string | null =>
  / times within an hour under Longhaul (\S+)$/.exec(reason ?? "")?.[1] ?? null;
