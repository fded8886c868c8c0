/** How long it took to find that a trial came to something else than its completion. Pure. */
import type { Campaign } from "../model/campaign.ts";
import type { Hang, HangRule } from "../model/hang.ts";
import { hangRule } from "../model/hang.ts";
import type { Measurement, MigrationMeasurement, RttSeries } from "../model/measurement.ts";
import { longestLoadMs } from "../model/trial-timing.ts";
import { timeLine } from "./clock.ts";

export interface Detection {
  /** null: nothing was found. */
  readonly timeMs: number | null;
  readonly boundMs: number | null;
}

/** Deadlines of all that a silent router and its host are asked, one after another where each stays unanswered. */
const routerQuestionsMs = 40_000;
/** Probes sent so shortly before the end of the side flow may still be under way. */
const underWayUs = 200_000;
const nothing: Detection = { timeMs: null, boundMs: null };

export type DetectionRuled = Pick<
  Campaign,
  "guest" | "phases" | "migrationMarginMs" | "migrationDeadlineMs"
> & { readonly hang?: Hang };

/**
 * A hang: from the last progress (or answer) to its judge's verdict. A router that fell silent: from the
 * last that came through it to the findings; it is asked after phase d, so that its bound is the longest
 * load, phase d and the deadlines of all questions. A migration whose platform said by itself that it
 * failed: from its last progress to that word. The clocks of the measurement's hosts must be known.
 */
export function detectionOf(measurement: Measurement, campaign: DetectionRuled): Detection {
  const watch = measurement.kind === "migration" ? measurement.watch : null;
  if (watch != null && watch.verdict !== "progressing")
    return { timeMs: watch.detectionTimeMs, boundMs: watch.boundMs };
  if (measurement.router) return ofRouter(measurement, campaign);
  if (measurement.kind === "migration" && measurement.migration.status !== "completed")
    return ofPlatform(measurement.migration, hangRule(campaign));
  return watch ? { timeMs: null, boundMs: watch.boundMs } : nothing;
}

function ofRouter(measurement: Measurement, campaign: DetectionRuled): Detection {
  const { kind, router, clocks } = measurement;
  const since = silenceBegan(measurement);
  if (since === null || router?.atUs === undefined) return nothing;
  return {
    timeMs: (router.atUs - timeLine(clocks).at(since.host, since.us)) / 1000,
    boundMs: longestLoadMs(campaign, kind) + campaign.phases.drainMs + routerQuestionsMs,
  };
}

/** The last that came through a router that forwards nothing; of one that forwards again, before its longest silence. */
function silenceBegan({ router, rtt, sink }: Measurement): { host: string; us: number } | null {
  const onRtt = (us: number | null) => (us === null ? null : { host: rtt.host, us });
  if (router?.forwarding !== "silent") return onRtt(longestSilence(rtt));
  const last = rtt.sentUs.findLast((_, index) => rtt.rttMs[index] != null) ?? null;
  const endUs = rtt.sentUs.at(-1);
  // The side flow crosses other NICs: where it lives, the load tells.
  const lives = last !== null && endUs !== undefined && endUs - last < underWayUs;
  if (!lives) return onRtt(last);
  return sink.lastUs === null ? null : { host: sink.host, us: sink.lastUs };
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
