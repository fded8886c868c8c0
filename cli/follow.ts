/** Follows a campaign by reading the store: no workflow is asked, so a dead worker is no silence. */
import { setTimeout as delay } from "node:timers/promises";
import { etaSeconds } from "../model/pace.ts";
import { durationText } from "../report/number-text.ts";
import {
  type CampaignStatus,
  type Store,
  StoreUnavailable,
  type TrialRow,
} from "../store/store.ts";
import { isOpen } from "./campaign-json.ts";
import { barText, type ProgressScreen } from "./progress-screen.ts";
import { inTheirWords } from "./say.ts";
import { trialLine } from "./trials.ts";

export interface FollowOptions {
  readonly screen: ProgressScreen;
  /** Aborted when the person leaves; the campaign goes on. */
  readonly leave: AbortSignal;
  /** The plan's own estimate, until the pace is known. */
  readonly estimateSeconds: number | null;
  readonly intervalMs?: number;
  readonly now?: () => number;
}

/** Finished trials that are shown when one attaches to a campaign under way. */
const shownAtFirst = 5;
/** At most so many at a time; a campaign cannot end more of them between two looks but by a cancel. */
const shownAtOnce = 100;
/** A verdict bears the time at which its transaction began, and may be seen after a later one. */
const overlapMs = 60_000;

/** @returns the last status, or null when the person left first. @throws the testbed was taken by another campaign meanwhile. */
export async function follow(
  store: Pick<Store, "status" | "pace" | "endedTrials">,
  id: string,
  options: FollowOptions,
): Promise<CampaignStatus | null> {
  const { screen, leave, estimateSeconds, intervalMs = 500, now = Date.now } = options;
  const shown = new Set<string>();
  let newest: string | null = null;
  let left: number | null = null;
  let done = -1;
  let away = false;
  try {
    while (!leave.aborted) {
      const status = await read(() => store.status(id));
      if (status !== null) {
        if (done !== doneOf(status)) {
          const which = whichEnded(newest);
          const ended: readonly TrialRow[] | null = await read(() => store.endedTrials(id, which));
          const paces = await read(() => store.pace(id));
          if (ended !== null && paces !== null) {
            [left, done] = [etaSeconds(paces), doneOf(status)];
            showNew(ended, shown, screen);
            newest = ended.at(-1)?.endedAt ?? newest;
          }
        }
        screen.bar(progressText(status, left ?? estimateSeconds, now()));
        if (!isOpen(status)) return status;
        if (status.state === "planned" && status.reason !== null)
          throw new Error(`campaign ${id} was not begun: ${status.reason}`);
      }
      await delay(intervalMs, undefined, { signal: leave }).catch(() => undefined);
    }
    return null;
  } finally {
    screen.close();
  }

  /** null while PostgreSQL is away: the campaign waits for it, and so does who follows it. */
  async function read<Result>(ask: () => Promise<Result>): Promise<Result | null> {
    try {
      const answer = await ask();
      if (away) screen.line("PostgreSQL answers again");
      away = false;
      return answer;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      if (!away) screen.line(inTheirWords(`${error.message}; waiting for it`));
      away = true;
      return null;
    }
  }
}

/** All that is new since the newest one seen; before the first look, a few to begin with. */
const whichEnded = (newest: string | null) =>
  newest === null
    ? { newest: shownAtFirst }
    : { since: new Date(Date.parse(newest) - overlapMs).toISOString(), newest: shownAtOnce };

function showNew(ended: readonly TrialRow[], shown: Set<string>, screen: ProgressScreen): void {
  for (const trial of ended) {
    if (!shown.has(trial.id)) screen.line(trialLine(trial));
    shown.add(trial.id);
  }
}

const doneOf = ({ verdicts }: CampaignStatus): number =>
  verdicts.valid + verdicts.invalid + verdicts.skipped;

/** Bar, rate, what is left, and what runs now. */
export function progressText(
  status: CampaignStatus,
  etaInSeconds: number | null,
  nowMs: number,
): string {
  const done = doneOf(status);
  const minutes = status.startedAt === null ? 0 : (nowMs - Date.parse(status.startedAt)) / 60_000;
  const { invalid, skipped } = status.verdicts;
  const words = [
    barText(done, status.planned),
    ...(invalid + skipped > 0 ? [`${invalid} invalid, ${skipped} skipped`] : []),
    ...(done > 0 && minutes > 0 ? [`${(done / minutes).toFixed(1)}/min`] : []),
    ...(etaInSeconds !== null && isOpen(status) ? [`${durationText(etaInSeconds)} left`] : []),
    ...(status.state === "running"
      ? []
      : [`${status.state}${status.reason === null ? "" : `: ${status.reason}`}`]),
    ...(status.current === null
      ? []
      : [`${status.current.trial.split("/").slice(1).join("/")}: ${status.current.step}`]),
  ];
  return words.join("  ");
}
