/** The figures of one migration, from its raw measurement alone. */
import type { MigrationMeasurement } from "../model/measurement.ts";
import type { Results } from "../model/trial.ts";
import { brownout } from "./brownout.ts";
import { timeLine, type TimeLine } from "./clock.ts";
import { firstForwardedUs, lossDerived, openGap, packetGap, type PacketGap } from "./downtime.ts";
import { offeredFps } from "./harness.ts";
import { rttSummary, steadyRttUs } from "./rtt.ts";

export interface MigrationMeasures {
  readonly results: Results;
  readonly doubts: readonly string[];
}

/** The host whose clock stamps the offered load. */
const sender = "A";
const mib = 2 ** 20;
/** The sink keeps this many lost ranges. */
const lostRangesKept = 1000;
/** The two ends of the migration link may differ by this share before it is worth a word. */
const linkEndsRatio = 0.05;

/** `completed`: by the trial's outcome. Of no other is it said that its downtime was too short to be seen. */
export function migrationMeasures(
  measurement: MigrationMeasurement,
  { completed }: { readonly completed: boolean },
): MigrationMeasures {
  const { migration, sink, offered, clocks, rtt } = measurement;
  const line = timeLine(clocks);
  const fps = offeredFps(measurement);
  const onSink = (host: string, us: number) => line.at(host, us) - line.at(sink.host, 0);
  const commandUs = onSink(migration.source, migration.commandUs);
  const running = destinationRuns(measurement, line);
  const runsUs = onSink(running.host, running.atUs);
  const uncertaintyUs = Math.max(
    line.uncertaintyUs(migration.source, sink.host),
    line.uncertaintyUs(running.host, sink.host),
  );
  const startUs = onSink(sender, offered.startUs);
  const endUs = onSink(sender, offered.endUs);
  const window = { commandUs, destinationRunsUs: runsUs, uncertaintyUs };
  const open = openGap(sink, { startUs, endUs, frames: offered.frames });
  const gap = packetGap(sink, window, fps, open);
  const destinationRan = running.told || migration.status === "completed";
  const loss = lossDerived(sink, { frames: offered.frames, startUs, fps }, commandUs);
  const gapSpan =
    gap.startUs === null || gap.endUs === null || gap.belowResolution
      ? null
      : { startUs: gap.startUs, endUs: gap.endUs };

  const rttShiftUs = line.at(rtt.host, 0) - line.at(sink.host, 0);
  const onRtt = (us: number) => us - rttShiftUs;
  const overUs = Math.max(runsUs, gapSpan?.endUs ?? runsUs);
  const before = rttSummary(rtt, onRtt(startUs), onRtt(commandUs));
  const during = rttSummary(rtt, onRtt(commandUs), onRtt(overUs));
  const after = rttSummary(rtt, onRtt(overUs), onRtt(endUs));
  const steadyUs = before.p99Ms === null ? null : steadyRttUs(rtt, onRtt(overUs), before.p99Ms);
  const worse = brownout({
    sink,
    fps,
    fromUs: commandUs,
    toUs: endUs,
    gap: gapSpan,
    rtt,
    rttBoundMs: before.p99Ms,
    rttShiftUs,
  });
  // Of an open gap only a lower bound is known.
  const downtimePacketGapMs = gap.belowResolution || gap.open ? null : gap.gapMs;
  const since = (us: number | null) => (us === null ? null : (us - commandUs) / 1000);
  const volume = transferred(measurement);

  return {
    results: {
      totalTimeMs: migration.totalTimeMs,
      setupTimeMs: migration.setupTimeMs,
      downtimeHypervisorMs: migration.downtimeMs,
      downtimePacketGapMs,
      downtimePacketGapControlMs: gap.controlMs,
      downtimeResolutionMs: gap.resolutionMs,
      downtimeBelowResolution: completed ? gap.belowResolution : null,
      packetGapLongestMs: gap.gapMs,
      packetGapOpen: gap.open,
      downtimeLossMs: loss.downtimeMs,
      reconvergenceShareMs:
        downtimePacketGapMs === null || migration.downtimeMs === null
          ? null
          : downtimePacketGapMs - migration.downtimeMs,
      brownoutMs: worse.totalMs,
      brownoutRateMs: worse.rateMs,
      brownoutRttMs: worse.rttMs,
      timeToForwardingMs: since(destinationRan ? firstForwardedUs(sink, window, open) : null),
      timeToSteadyRttMs: since(steadyUs === null ? null : steadyUs + rttShiftUs),
      staleFrames: gap.stale,
      lostBeforeFrames: loss.lostBefore,
      lostFromCommandFrames: loss.lostFrom,
      rttMedianMs: during.medianMs,
      rttP99Ms: during.p99Ms,
      rttMaxMs: during.maxMs,
      rttLossRatio: during.lossRatio,
      rttProbes: during.probes,
      rttBeforeMedianMs: before.medianMs,
      rttBeforeP99Ms: before.p99Ms,
      rttBeforeMaxMs: before.maxMs,
      rttBeforeLossRatio: before.lossRatio,
      rttAfterMedianMs: after.medianMs,
      rttAfterP99Ms: after.p99Ms,
      rttAfterMaxMs: after.maxMs,
      rttAfterLossRatio: after.lossRatio,
      ...volume.results,
      iterations: most(migration.progress.map(({ iteration }) => iteration)),
      dirtyRateMaxPagesPerSecond: most(
        migration.progress.map(({ dirtyRatePagesPerSecond }) => dirtyRatePagesPerSecond),
      ),
    },
    doubts: [
      ...gapDoubts(gap, completed),
      ...volume.doubts,
      ...(running.told
        ? []
        : [
            "the platform did not tell when the destination ran; its end of migration stands for it",
          ]),
      ...(loss.downtimeMs === null
        ? [
            `${loss.lostBefore} of ${loss.sentBefore} frames were lost before the migration: the load is not lossless without it, so no downtime is derived from loss`,
          ]
        : []),
      ...(sink.lostRanges.length >= lostRangesKept
        ? [
            "more ranges of frames were lost than the sink keeps: loss before the migration is a lower bound",
          ]
        : []),
    ],
  };
}

/** When the destination ran, by the platform's own word or, failing that, by the migration's end. */
function destinationRuns({ migration, offered }: MigrationMeasurement, line: TimeLine) {
  const { destination, source, phases, endUs, totalTimeMs, commandUs } = migration;
  const told = phases.find(
    ({ name, host }) => host === destination && /^(destination[- ]running|resume)$/i.test(name),
  );
  // A clock that was not read cannot place the stamp; the source's own clock always can.
  if (told && line.knows(told.host)) return { host: told.host, atUs: told.atUs, told: true };
  const atUs =
    endUs ??
    (totalTimeMs === null
      ? line.at(sender, offered.endUs) - line.at(source, 0)
      : commandUs + totalTimeMs * 1000);
  return { host: source, atUs, told: false };
}

function gapDoubts(gap: PacketGap, completed: boolean): readonly string[] {
  return [
    ...(gap.open
      ? [
          `no new frame came until the end of the load: the packet gap is at least ${ms(gap.gapMs)}, its end was not seen`,
        ]
      : []),
    ...(completed && gap.belowResolution
      ? [
          `the longest gap of the migration (${ms(gap.gapMs)}) is not clearly longer than the longest one before it (${ms(gap.controlMs)}): below resolution, no downtime`,
        ]
      : []),
    ...(gap.controlCoverRatio < 0.99
      ? [
          `the stream ran before the command for only ${Math.round(gap.controlCoverRatio * 100)} % of the time that the migration took: the control of the packet gap is a lower bound (raise migrationMarginMs)`,
        ]
      : []),
    ...(gap.stale > 0
      ? [
          `${gap.stale} frames sent before the switch-over arrived late inside the gap; they do not end it`,
        ]
      : []),
  ];
}

/** Bytes on the migration link, the idle baseline subtracted, and the platform's own count. */
function transferred({ migration, migrationLink }: MigrationMeasurement): MigrationMeasures {
  const ends = migrationLink.map(({ bytes, baselineBytes }) => Math.max(0, bytes - baselineBytes));
  const onLink = most(ends);
  const least = ends.length === 0 ? null : Math.min(...ends);
  const differ =
    onLink !== null && least !== null && onLink > 0 && (onLink - least) / onLink > linkEndsRatio;
  return {
    results: {
      transferredMib: onLink === null ? null : onLink / mib,
      transferredHypervisorMib:
        migration.transferredBytes === null ? null : migration.transferredBytes / mib,
      transferredToMemoryRatio: onLink === null ? null : onLink / migration.memoryBytes,
    },
    doubts: differ
      ? [
          `the ends of the migration link counted ${migrationLink.map(({ host }, end) => `${Math.round((ends[end] ?? 0) / mib)} MiB (${host})`).join(" and ")}`,
        ]
      : [],
  };
}

function most(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

const ms = (value: number) => `${Math.round(value * 10) / 10} ms`;
