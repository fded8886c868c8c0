/** How long it took to find that a trial came to something else than its completion. Pure. */
import type { HangRule } from "../model/hang.ts";
import type { Measurement, MigrationMeasurement, RttSeries } from "../model/measurement.ts";
import { timeLine } from "./clock.ts";

export interface Detection {
  /** null: nothing was found. */
  readonly timeMs: number | null;
  readonly boundMs: number | null;
}

/** Deadlines of all that a silent router and its host are asked, one after another where each stays unanswered. */
const routerQuestionsMs = 40_000;
const nothing: Detection = { timeMs: null, boundMs: null };

/**
 * A hang: from the last progress (or answer) to its judge's verdict. A router that fell silent: from the
 * last reply of the side flow to the findings; it is asked after phase d, so the rest of the load is
 * part of the bound. A migration whose platform said by itself that it failed: from its last progress to
 * that word. The clocks of the measurement's hosts must be known.
 */
export function detectionOf(measurement: Measurement, rule: HangRule): Detection {
  const watch = measurement.kind === "migration" ? measurement.watch : null;
  if (watch != null && watch.verdict !== "progressing")
    return { timeMs: watch.detectionTimeMs, boundMs: watch.boundMs };
  if (measurement.router) return ofRouter(measurement);
  if (measurement.kind === "migration" && measurement.migration.status !== "completed")
    return ofPlatform(measurement.migration, rule);
  return watch ? { timeMs: null, boundMs: watch.boundMs } : nothing;
}

function ofRouter({ router, rtt, clocks, phases }: Measurement): Detection {
  const since = longestSilence(rtt);
  const askedUs = phases.find(({ name }) => name === "collect")?.atUs;
  if (since === null || router?.atUs === undefined || askedUs === undefined) return nothing;
  const sinceUs = timeLine(clocks).at(rtt.host, since);
  return {
    timeMs: (router.atUs - sinceUs) / 1000,
    boundMs: (askedUs - sinceUs) / 1000 + routerQuestionsMs,
  };
}

function ofPlatform(
  { progress, endUs }: MigrationMeasurement["migration"],
  { apiBoundMs }: HangRule,
): Detection {
  const last = progress.at(-1);
  return last === undefined || endUs === null
    ? nothing
    : { timeMs: Math.max(0, endUs - last.atUs) / 1000, boundMs: apiBoundMs };
}

/** Send time of the last answered probe before the longest run of unanswered ones; null: none was ever answered, or all were. */
export function longestSilence({ sentUs, rttMs }: RttSeries): number | null {
  let longest = { us: 0, since: null as number | null };
  let answered: number | null = null;
  for (const [index, us] of sentUs.entries()) {
    if (rttMs[index] != null) answered = us;
    else if (answered !== null && us - answered > longest.us)
      longest = { us: us - answered, since: answered };
  }
  return longest.since;
}
