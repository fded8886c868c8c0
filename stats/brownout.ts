/** Brownout: time outside the packet gap in which the service was there, but worse. µs on the sink's clock unless said. */
import type { RttSeries, SinkSummary } from "../model/measurement.ts";

export interface BrownoutInput {
  readonly sink: Pick<SinkSummary, "ticks">;
  readonly fps: number;
  /** From the command to the end of the load. */
  readonly fromUs: number;
  readonly toUs: number;
  readonly gap: { readonly startUs: number; readonly endUs: number } | null;
  readonly rtt: Pick<RttSeries, "sentUs" | "rttMs" | "intervalMs">;
  /** Pre-migration p99; null: no probe was answered before. */
  readonly rttBoundMs: number | null;
  /** To be added to the RTT series' stamps to bring them to the sink's clock. */
  readonly rttShiftUs: number;
}

export interface Brownout {
  /** Time with a low rate or a high RTT, counted once where both were. */
  readonly totalMs: number;
  readonly rateMs: number;
  readonly rttMs: number;
}

const lowRateRatio = 0.95;
/** Bins hold so many frames that one more or less at their edges does not look like a low rate. */
const framesPerBin = 100;

export function brownout(input: BrownoutInput): Brownout {
  const rate = lowRateSpans(input);
  const rtt = highRttSpans(input);
  return {
    totalMs: lengthMs([...rate, ...rtt]),
    rateMs: lengthMs(rate),
    rttMs: lengthMs(rtt),
  };
}

type Span = readonly [number, number];

function lowRateSpans({ sink, fps, fromUs, toUs, gap }: BrownoutInput): Span[] {
  const { startUs, tickMs, frames } = sink.ticks;
  const tickUs = tickMs * 1000;
  const ticksPerBin = Math.max(1, Math.ceil(((framesPerBin / fps) * 1e6) / tickUs));
  const first = Math.max(0, Math.ceil((fromUs - startUs) / tickUs));
  // The sink's ticks end with its last frame; the stream's own end is what counts.
  const end = Math.floor((toUs - startUs) / tickUs);
  const spans: Span[] = [];
  for (let tick = first; tick + ticksPerBin <= end; tick += ticksPerBin) {
    const span: Span = [startUs + tick * tickUs, startUs + (tick + ticksPerBin) * tickUs];
    const outside = without(span, gap);
    const expected = (lengthMs(outside) / 1000) * fps;
    const arrived = frames.slice(tick, tick + ticksPerBin).reduce((sum, count) => sum + count, 0);
    // What is left of a bin at the edge of the gap may be too short to judge.
    if (expected >= framesPerBin / 2 && arrived < lowRateRatio * expected) spans.push(...outside);
  }
  return spans;
}

function highRttSpans({ rtt, rttBoundMs, rttShiftUs, fromUs, toUs, gap }: BrownoutInput): Span[] {
  if (rttBoundMs === null) return [];
  return rtt.sentUs.flatMap((sent, index) => {
    const at = sent + rttShiftUs;
    const value = rtt.rttMs[index] ?? null;
    const high = value === null || value > rttBoundMs;
    if (!high || at < fromUs || at >= toUs) return [];
    return without([at, Math.min(toUs, at + rtt.intervalMs * 1000)], gap);
  });
}

function without([from, to]: Span, gap: BrownoutInput["gap"]): Span[] {
  if (gap === null || gap.endUs <= from || gap.startUs >= to) return [[from, to]];
  const before: Span = [from, Math.min(to, gap.startUs)];
  const after: Span = [Math.max(from, gap.endUs), to];
  return [before, after].filter(([start, end]) => end > start);
}

/** Total length, overlaps counted once. */
function lengthMs(spans: readonly Span[]): number {
  let total = 0;
  let reached = -Infinity;
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    total += Math.max(0, to - Math.max(from, reached));
    reached = Math.max(reached, to);
  }
  return total / 1000;
}
