/**
 * The verdict on an attempt and its figures, from what was measured. Pure: judging again from the
 * stored measurement gives the same. Only a fault of harness or testbed makes it invalid: what hung,
 * locked up or crashed is an outcome (migration-outcome.ts, lockup-judge.ts).
 */
import type { Campaign } from "../model/campaign.ts";
import type { RouterLocation } from "../model/guest.ts";
import type {
  ForwardingMeasurement,
  Measurement,
  MigrationMeasurement,
} from "../model/measurement.ts";
import type { AttemptVerdict, LedgerRow, Results, TrialOutcome } from "../model/trial.ts";
import { baselineWords, meetsBaseline } from "./baseline.ts";
import { timeLine } from "./clock.ts";
import { detectionOf } from "./detection.ts";
import type { DetectionRuled } from "./detection.ts";
import { busiestHost, inspectHarness, offeredFps, senderFindings } from "./harness.ts";
import { judgeRouter } from "./lockup-judge.ts";
import {
  largestHop,
  lossLedger,
  noiseBound,
  noiseFrames,
  vanishedInRouter,
  type Ledger,
} from "./ledger.ts";
import { hostWords, migrationOutcome } from "./migration-outcome.ts";
import { migrationMeasures } from "./migration-measures.ts";
import { rttSummary } from "./rtt.ts";

export interface JudgeContext {
  readonly campaign: Pick<Campaign, "tolerance"> & DetectionRuled;
}

export interface Judgement {
  readonly verdict: AttemptVerdict;
  /** Units in the keys; null is missing, zero is measured zero. */
  readonly results: Results;
  readonly ledger: readonly LedgerRow[];
  /** What decided the outcome, for people; null: it is `completed`, or the attempt invalid. */
  readonly words: string | null;
  /** Sentences that belong beside the figures. */
  readonly doubts: readonly string[];
}

export function judgeForwarding(
  measurement: ForwardingMeasurement,
  { campaign }: JudgeContext,
): Judgement {
  const { offered, rtt, clocks, sink } = measurement;
  const harness = inspectHarness(measurement, campaign.tolerance);
  const unread = missingClocks(measurement, ["A", rtt.host]);
  if (unread.length > 0) return unplaced(measurement, [...harness.faults, ...unread]);
  const ledger = lossLedger(measurement);
  const line = timeLine(clocks);
  const onRtt = (us: number) => line.at("A", us) - line.at(rtt.host, 0);
  const [start, end] = [onRtt(offered.startUs), onRtt(offered.endUs)];
  const [before, during, after] = [
    rttSummary(rtt, -Infinity, start),
    rttSummary(rtt, start, end),
    rttSummary(rtt, end, Infinity),
  ];
  const { outcome, faults: lost, words } = routerOutcome(measurement);
  // The counters of a router that hung or died cannot be complete: its ledger is no fault then. What
  // vanishes in one that is degraded, without a count, is part of that; outside of it, it is not.
  const ledgerCounts =
    outcome === "completed" ||
    (outcome === "degraded" && !vanishedInRouter(ledger, measurement.path));
  const ledgerHolds = ledgerCounts ? ledgerFaults(ledger, campaign.tolerance) : [];
  const sender = senderFindings(ledger, campaign.tolerance);
  const bound = noiseBound(ledger.sent, campaign.tolerance.unexplainedRatio);
  const verdict = verdictOf([...harness.faults, ...sender.faults, ...lost, ...ledgerHolds], {
    verdict: "valid",
    outcome,
  });
  return {
    verdict,
    words: wordsOf(verdict, words),
    results: finite({
      ...loadResults(measurement),
      rttMedianMs: during.medianMs,
      rttP99Ms: during.p99Ms,
      rttMaxMs: during.maxMs,
      rttLossRatio: during.lossRatio,
      rttProbes: during.probes,
      rttBeforeMedianMs: before.medianMs,
      rttAfterMedianMs: after.medianMs,
      unexplainedBoundFrames: Math.floor(bound),
      ...baselineResults(measurement),
      ...detectionResults(measurement, campaign),
    }),
    ledger: ledger.rows,
    doubts: [
      ...harness.doubts,
      ...sender.doubts,
      ...withinNoise(ledger, campaign.tolerance),
      ...words,
      ...(sink.frames === 0 ? ["not one frame came through the router"] : []),
    ],
  };
}

/** `location` as both hosts told it after the migration, relative to the order's source and destination. */
export function judgeMigration(
  measurement: MigrationMeasurement,
  location: RouterLocation,
  { campaign }: JudgeContext,
): Judgement {
  const { sink, rtt, migration } = measurement;
  const harness = inspectHarness(measurement, campaign.tolerance);
  const unread = missingClocks(measurement, ["A", sink.host, rtt.host, migration.source]);
  if (unread.length > 0) return unplaced(measurement, [...harness.faults, ...unread]);
  const found = migrationOutcome(measurement, location, campaign);
  const completed = found.verdict.verdict === "valid" && found.verdict.outcome === "completed";
  const measures = migrationMeasures(measurement, { completed });
  const { doubts } = found;
  const { watch, path } = measurement;
  const ledger = path ? lossLedger({ ...measurement, path }, "a router that moves") : null;
  const sender = ledger ? senderFindings(ledger, campaign.tolerance) : { faults: [], doubts: [] };
  const verdict = verdictOf([...harness.faults, ...sender.faults], found.verdict);
  return {
    verdict,
    words: wordsOf(verdict, doubts),
    results: finite({
      ...loadResults(measurement),
      ...measures.results,
      ...detectionResults(measurement, campaign),
      abortTimeMs: watch?.endedAfterMs ?? null,
    }),
    // What was on its way in the router when it stopped is counted nowhere: it stays unexplained, and no fault.
    ledger: ledger?.rows ?? endsOnly(measurement),
    doubts: [
      ...harness.doubts,
      ...sender.doubts,
      ...doubts,
      ...measures.doubts,
      ...(ledger?.gaps ?? []).map((gap) => `not counted, part of what is unexplained: ${gap}`),
    ],
  };
}

/** A forwarding trial's own outcome, from the router that was asked when it fell silent. */
function routerOutcome({ router, baseline }: ForwardingMeasurement): {
  readonly outcome: TrialOutcome;
  readonly faults: readonly string[];
  readonly words: readonly string[];
} {
  const degraded = baseline != null && !meetsBaseline(baseline);
  const baselineSaid = degraded
    ? [`after the load the router did not meet the baseline: ${baselineWords(baseline)}`]
    : [];
  const runs = degraded ? "degraded" : "completed";
  if (!router) return { outcome: runs, faults: [], words: baselineSaid };
  const { verdict, contradictions } = judgeRouter(router);
  // What runs by every other word and forwards nothing is not what was measured before.
  const silent = router.forwarding === "silent";
  const outcome = verdict === "running" ? (silent ? "degraded" : runs) : verdict;
  return {
    outcome,
    faults: router.hosts.flatMap(hostWords),
    words: [
      ...baselineSaid,
      ...(contradictions.length === 0
        ? []
        : [`the router on ${router.host}: ${contradictions.join("; ")}`]),
    ],
  };
}

const wordsOf = (verdict: AttemptVerdict, said: readonly string[]): string | null =>
  verdict.verdict === "invalid" || verdict.outcome === "completed" || said.length === 0
    ? null
    : said.join("; ");

/** Only of a trial that was asked for it. */
const baselineResults = ({ baseline }: ForwardingMeasurement): Results =>
  baseline == null
    ? {}
    : {
        baselineFps: baseline.fps,
        baselineLossRatio:
          baseline.offeredFrames === 0
            ? null
            : (baseline.offeredFrames - baseline.receivedFrames) / baseline.offeredFrames,
      };

const invalid = (reason: string): AttemptVerdict => ({ verdict: "invalid", reason, cut: false });

/** A fault of the harness comes before any outcome: what was measured under it is no data. */
const verdictOf = (faults: readonly string[], otherwise: AttemptVerdict): AttemptVerdict =>
  faults.length > 0 ? invalid(faults.join("; ")) : otherwise;

function ledgerFaults(ledger: Ledger, tolerance: Campaign["tolerance"]): readonly string[] {
  const gaps = ledger.gaps.map((gap) => `ledger incomplete: ${gap}`);
  const bound = noiseBound(ledger.sent, tolerance.unexplainedRatio);
  if (Math.abs(ledger.unexplained) <= bound) return gaps;
  const hop = largestHop(ledger);
  return [
    ...gaps,
    `ledger out of balance: ${ledger.unexplained} of ${ledger.sent} frames are unexplained (at most ${Math.floor(bound)} may be)${hop === null ? "" : `; ${hop}`}`,
  ];
}

/** More than the campaign's tolerance, and no more than counters are off by themselves: in a short trial one frame is. */
const withinNoise = (
  { unexplained, sent }: Ledger,
  { unexplainedRatio }: Campaign["tolerance"],
): readonly string[] =>
  Math.abs(unexplained) > unexplainedRatio * sent && Math.abs(unexplained) <= noiseFrames
    ? [
        `${unexplained} of ${sent} frames are unexplained: beyond the tolerance of ${unexplainedRatio * 100} %, but within the ${noiseFrames} frames by which counters are off`,
      ]
    : [];

/** Stamps of different hosts cannot be compared without their clocks. */
const missingClocks = ({ clocks }: Measurement, hosts: readonly string[]): readonly string[] =>
  [...new Set(hosts)]
    .filter((host) => !timeLine(clocks).knows(host))
    .map((host) => `${host}: no clock offset was measured, its stamps cannot be placed`);

const unplaced = (measurement: Measurement, faults: readonly string[]): Judgement => ({
  verdict: invalid(faults.join("; ")),
  words: null,
  results: finite(loadResults(measurement)),
  ledger: endsOnly(measurement),
  doubts: [],
});

function detectionResults(measurement: Measurement, campaign: JudgeContext["campaign"]): Results {
  const { timeMs, boundMs } = detectionOf(measurement, campaign);
  return { detectionTimeMs: timeMs, detectionBoundMs: boundMs };
}

const endsOnly = ({ offered, sink }: Measurement): readonly LedgerRow[] => [
  { place: "sent", frames: offered.frames },
  { place: "received", frames: sink.frames },
  { place: "unexplained", frames: offered.frames - sink.frames },
];

function loadResults(measurement: Measurement): Results {
  const { offered, sink, hostLoad } = measurement;
  const seconds = (offered.endUs - offered.startUs) / 1e6;
  return {
    intendedFps: offered.intendedFps,
    offeredFps: offeredFps(measurement),
    forwardedFps: sink.frames / seconds,
    sentFrames: offered.frames,
    receivedFrames: sink.frames,
    lossRatio: offered.frames === 0 ? null : (offered.frames - sink.frames) / offered.frames,
    duplicateFrames: sink.duplicates,
    lateFrames: sink.late,
    trialDurationMs: seconds * 1000,
    hostLoadMaxRatio: busiestHost(hostLoad)?.ratio ?? null,
    hostLoadMaxHost: busiestHost(hostLoad)?.host ?? null,
  };
}

/** A figure that cannot be computed is missing. */
const finite = (results: Results): Results =>
  Object.fromEntries(
    Object.entries(results).map(([key, value]) => [
      key,
      typeof value === "number" && !Number.isFinite(value) ? null : value,
    ]),
  );
