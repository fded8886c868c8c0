/**
 * Location of a sample with its interval. n = 0 and n = 1 give no interval, and every answer
 * carries its n.
 */
import { tQuantile } from "./student.ts";

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface Estimate {
  readonly n: number;
  /** null at n = 0. */
  readonly value: number | null;
  /** null where n is too small for one. */
  readonly interval: Interval | null;
}

/** Mean with its Student-t interval, mean ± t·s/√n. Equal values give an interval of width zero. */
export function meanEstimate(sample: readonly number[], confidence = 0.95): Estimate {
  const n = sample.length;
  if (n === 0) return { n, value: null, interval: null };
  const value = mean(sample);
  if (n === 1) return { n, value, interval: null };
  const half = tQuantile((1 + confidence) / 2, n - 1) * (deviation(sample) / Math.sqrt(n));
  return { n, value, interval: { low: value - half, high: value + half } };
}

/**
 * Median with its order-statistic interval (Conover, "Practical Nonparametric Statistics", §3.2):
 * the narrowest symmetric pair of ranks whose binomial coverage reaches the confidence. For skewed
 * samples. At 95 % it needs n ≥ 6.
 */
export function medianEstimate(sample: readonly number[], confidence = 0.95): Estimate {
  const n = sample.length;
  if (n === 0) return { n, value: null, interval: null };
  const sorted = ascending(sample);
  const ranks = medianRanks(n, confidence);
  const value = quantile(sorted, 0.5);
  if (ranks === null) return { n, value, interval: null };
  const [low, high] = ranks;
  return { n, value, interval: { low: sorted[low - 1] ?? NaN, high: sorted[high - 1] ?? NaN } };
}

/** Ranks, from 1, of the median's interval; null when even the extremes do not cover it. */
export function medianRanks(n: number, confidence = 0.95): readonly [number, number] | null {
  const tail = (1 - confidence) / 2;
  // In logarithms: 2^-n vanishes beyond n = 1074.
  let logTerm = -n * Math.LN2;
  let below = Math.exp(logTerm);
  let rank = 0;
  while (below <= tail) {
    rank += 1;
    logTerm += Math.log((n - rank + 1) / rank);
    below += Math.exp(logTerm);
  }
  return rank === 0 ? null : [rank, n + 1 - rank];
}

/**
 * Difference of two means, b − a, with Welch's interval (degrees of freedom by Welch–Satterthwaite).
 * Overlap of two intervals is no test; this is the comparison to report. Needs two values on each side.
 */
export function meanDifference(
  a: readonly number[],
  b: readonly number[],
  confidence = 0.95,
): Estimate {
  const n = Math.min(a.length, b.length);
  if (n === 0) return { n, value: null, interval: null };
  const value = mean(b) - mean(a);
  if (n === 1) return { n, value, interval: null };
  const [va, vb] = [deviation(a) ** 2 / a.length, deviation(b) ** 2 / b.length];
  if (va + vb === 0) return { n, value, interval: { low: value, high: value } };
  const degrees = (va + vb) ** 2 / (va ** 2 / (a.length - 1) + vb ** 2 / (b.length - 1));
  const half = tQuantile((1 + confidence) / 2, degrees) * Math.sqrt(va + vb);
  return { n, value, interval: { low: value - half, high: value + half } };
}

/** Arithmetic mean; NaN for an empty sample. */
const mean = (sample: readonly number[]): number => {
  const first = sample[0] ?? NaN;
  // Around the first value: equal values give exactly themselves.
  return first + sample.reduce((sum, value) => sum + (value - first), 0) / sample.length;
};

/** Sample standard deviation (n − 1); NaN below n = 2. */
function deviation(sample: readonly number[]): number {
  if (sample.length < 2) return NaN;
  const middle = mean(sample);
  return Math.sqrt(
    sample.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (sample.length - 1),
  );
}

export const ascending = (sample: readonly number[]): number[] => [...sample].sort((a, b) => a - b);

/** Quantile of an ascending sample by linear interpolation: type 7 of Hyndman and Fan (1996), R's default. NaN when empty. */
export function quantile(sorted: readonly number[], p: number): number {
  const place = p * (sorted.length - 1);
  const low = Math.floor(place);
  const [below = NaN, above = below] = [sorted[low], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - low);
}
