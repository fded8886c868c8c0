/**
 * The packet gap of a migration (RFC 6201, timestamp method) and the loss-derived downtime. All
 * times are µs on the clock of the sink's host; the stream is sequenced and of constant rate.
 */
import type { SinkGap, SinkSummary } from "../model/measurement.ts";

export interface MigrationWindow {
  readonly commandUs: number;
  /** The destination runs; the end of the migration where the platform does not tell. */
  readonly destinationRunsUs: number;
  /** Error of the two stamps against the sink's clock. */
  readonly uncertaintyUs: number;
}

export interface PacketGap {
  /** Nominal interval of the stream. */
  readonly resolutionMs: number;
  /** The longest gap that overlaps the window, less one interval; 0 when frames came without a gap. */
  readonly gapMs: number;
  /** The longest gap of the same stream in as long a time before the command. */
  readonly controlMs: number;
  /** The gap is not clearly longer than its control: it is no downtime. */
  readonly belowResolution: boolean;
  readonly startUs: number | null;
  readonly endUs: number | null;
  /** No new frame came until the end of the load: the gap is at least so long. */
  readonly open: boolean;
  /** Frames with older sequence numbers that arrived inside the gap; they do not end it. */
  readonly stale: number;
  /** How much of the control window the stream covered, 0..1. */
  readonly controlCoverRatio: number;
}

/** A gap below twice its control plus one interval cannot be told from the stream's own unrest. */
const clearlyLonger = (gapMs: number, controlMs: number, resolutionMs: number) =>
  gapMs > 2 * controlMs + resolutionMs;

/**
 * The gap from the last new frame (or the begin of the load, where none came) to the end of the load.
 * null: the stream was there to its end.
 */
export function openGap(
  sink: Pick<SinkSummary, "lastUs" | "lastSequence" | "gapThresholdUs">,
  load: { readonly startUs: number; readonly endUs: number; readonly frames: number },
): SinkGap | null {
  const startUs = sink.lastUs ?? load.startUs;
  const lost = load.frames - 1 - (sink.lastSequence ?? -1);
  if (lost <= 0 || load.endUs - startUs <= sink.gapThresholdUs) return null;
  return { startUs, endUs: load.endUs, lost, stale: 0 };
}

/** `open`: as `openGap` has it. */
export function packetGap(
  sink: Pick<SinkSummary, "gaps" | "firstUs" | "gapThresholdUs">,
  window: MigrationWindow,
  fps: number,
  open: SinkGap | null,
): PacketGap {
  const resolutionUs = 1e6 / fps;
  const gaps = open === null ? sink.gaps : [...sink.gaps, open];
  const from = window.commandUs - window.uncertaintyUs;
  const to = window.destinationRunsUs + window.uncertaintyUs;
  const anchored = longest(gaps.filter((gap) => gap.endUs > from && gap.startUs < to));
  const lengthUs = to - from;
  const controlFrom = from - lengthUs;
  // A gap that is anchored is not its own control, even when it began before the command.
  const control = longest(
    sink.gaps.filter((gap) => gap !== anchored && gap.endUs <= from && gap.endUs > controlFrom),
  );
  const ms = (gap: SinkGap | null) =>
    gap === null ? unlistedGapMs(sink, resolutionUs) : excessMs(gap, resolutionUs);
  const [gapMs, controlMs] = [ms(anchored), ms(control)];
  const resolutionMs = resolutionUs / 1000;
  const covered = Math.max(0, from - Math.max(controlFrom, sink.firstUs ?? from));
  return {
    resolutionMs,
    gapMs,
    controlMs,
    belowResolution: anchored === null || !clearlyLonger(gapMs, controlMs, resolutionMs),
    startUs: anchored?.startUs ?? null,
    endUs: anchored?.endUs ?? null,
    open: anchored !== null && anchored === open,
    stale: anchored?.stale ?? 0,
    controlCoverRatio: lengthUs <= 0 ? 1 : Math.min(1, covered / lengthUs),
  };
}

const excessMs = (gap: SinkGap, resolutionUs: number) =>
  Math.max(0, (gap.endUs - gap.startUs - resolutionUs) / 1000);

/** No gap is listed in a window: none there was longer than the sink's threshold. The bound is the honest figure. */
const unlistedGapMs = (sink: Pick<SinkSummary, "gapThresholdUs">, resolutionUs: number) =>
  Math.max(0, (sink.gapThresholdUs - resolutionUs) / 1000);

const longest = (gaps: readonly SinkGap[]): SinkGap | null =>
  gaps.reduce<SinkGap | null>(
    (most, gap) =>
      most === null || gap.endUs - gap.startUs > most.endUs - most.startUs ? gap : most,
    null,
  );

/**
 * Arrival of the first new frame after the destination ran. Where no gap is listed around that moment the
 * next frame came within the sink's threshold, which is then the bound. null: none came any more.
 */
export function firstForwardedUs(
  sink: Pick<SinkSummary, "gaps" | "lastUs" | "gapThresholdUs">,
  { destinationRunsUs, uncertaintyUs }: MigrationWindow,
  open: SinkGap | null,
): number | null {
  const around = (gap: SinkGap) =>
    gap.startUs <= destinationRunsUs + uncertaintyUs && gap.endUs > destinationRunsUs;
  if (sink.lastUs === null || (open !== null && around(open))) return null;
  const gap = longest(sink.gaps.filter(around));
  return gap?.endUs ?? destinationRunsUs + sink.gapThresholdUs;
}

/** Loss before the command above this share: the load is not lossless without migration. */
const losslessRatio = 0.001;

export interface LossDerived {
  /** Frames lost from the command on / rate. null: the load loses frames without migration, too. */
  readonly downtimeMs: number | null;
  readonly lostBefore: number;
  readonly lostFrom: number;
  readonly sentBefore: number;
}

/**
 * Effective blocked time: frames lost / rate (CSIT's name). Which frames were sent before the command
 * follows from their sequence numbers; of the lost ranges the sink keeps the 1000 longest. They begin with
 * the first frame that came: those before it are a range of their own.
 */
export function lossDerived(
  sink: Pick<SinkSummary, "frames" | "firstSequence" | "lostRanges">,
  sent: { readonly frames: number; readonly startUs: number; readonly fps: number },
  commandUs: number,
): LossDerived {
  const sentBefore = Math.min(
    sent.frames,
    Math.max(0, Math.floor(((commandUs - sent.startUs) * sent.fps) / 1e6)),
  );
  const neverBegun = [0, (sink.firstSequence ?? sent.frames) - 1] as const;
  const lostBefore = [neverBegun, ...sink.lostRanges].reduce(
    (sum, [first, last]) => sum + Math.max(0, Math.min(last, sentBefore - 1) - first + 1),
    0,
  );
  const lostFrom = Math.max(0, sent.frames - sink.frames - lostBefore);
  const lossless = lostBefore <= losslessRatio * sentBefore;
  return {
    downtimeMs: lossless ? (lostFrom / sent.fps) * 1000 : null,
    lostBefore,
    lostFrom,
    sentBefore,
  };
}
