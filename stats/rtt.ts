/** Round-trip times of the side flow in a window of time. Not RFC 2544 latency. */
import type { RttSeries } from "../model/measurement.ts";
import { ascending, quantile } from "./summary.ts";

export interface RttSummary {
  /** Probes sent in the window, answered or not. */
  readonly probes: number;
  /** null: no probe was answered. */
  readonly medianMs: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
  /** null: no probe was sent. */
  readonly lossRatio: number | null;
}

/** Of the probes sent from `fromUs` until before `toUs`, on the clock of the series' host. */
export function rttSummary(series: RttSeries, fromUs: number, toUs: number): RttSummary {
  const inside = series.rttMs.filter((_, index) => {
    const sent = series.sentUs[index] ?? NaN;
    return sent >= fromUs && sent < toUs;
  });
  const answered = ascending(inside.filter((rtt) => rtt !== null));
  const orNull = (value: number) => (answered.length === 0 ? null : value);
  return {
    probes: inside.length,
    medianMs: orNull(quantile(answered, 0.5)),
    p99Ms: orNull(quantile(answered, 0.99)),
    maxMs: orNull(answered.at(-1) ?? NaN),
    lossRatio: inside.length === 0 ? null : 1 - answered.length / inside.length,
  };
}

/** Consecutive probes that must hold before an RTT counts as steady again. */
const steadyProbes = 20;

/**
 * When the RTT is steady after `fromUs`: send time of the first of 20 consecutive answered probes of
 * which at most one exceeds `boundMs`. null: it does not become so in the series.
 */
export function steadyRttUs(series: RttSeries, fromUs: number, boundMs: number): number | null {
  const first = series.sentUs.findIndex((sent) => sent >= fromUs);
  if (first < 0) return null;
  for (let start = first; start + steadyProbes <= series.sentUs.length; start += 1) {
    const window = series.rttMs.slice(start, start + steadyProbes);
    const lost = window.some((rtt) => rtt === null);
    const above = window.filter((rtt) => rtt !== null && rtt > boundMs).length;
    if (!lost && above <= 1) return series.sentUs[start] ?? null;
  }
  return null;
}
