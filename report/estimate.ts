import { meanEstimate, medianEstimate, medianRanks } from "../stats/summary.ts";

/** A point of a figure or a cell of a table: the centre of n measurements and its 95 % interval. */
export interface Estimate {
  readonly n: number;
  readonly kind: "mean" | "median";
  /** null: n is 0. */
  readonly center: number | null;
  /** null: n is too small for an interval. */
  readonly low: number | null;
  readonly high: number | null;
  /** The single measurements. */
  readonly sample: readonly number[];
}

/** Skewed by nature, so that a mean says little: loss, round-trip times, downtimes and their like. */
const skewed = /^(loss|rtt|downtime|brownout|packetGap|reconvergence)/;

/** Below this n no pair of ranks covers the median with 95 %. */
const leastForMedian = 6;

/**
 * Mean with its Student-t interval, cut at what is possible (a rate is not below zero), or, for a
 * result that is skewed by nature, the median with its order-statistic interval.
 */
export function estimate(
  key: string,
  sample: readonly number[],
  [least, most]: readonly [number | null, number | null] = [null, null],
): Estimate {
  const kind = skewed.test(key) ? "median" : "mean";
  const { n, value, interval } = kind === "mean" ? meanEstimate(sample) : medianEstimate(sample);
  return {
    n,
    kind,
    center: value,
    low: interval && Math.max(interval.low, least ?? -Infinity),
    high: interval && Math.min(interval.high, most ?? Infinity),
    sample,
  };
}

/** More dots than this on one point hide each other, and make a page that no browser likes. */
const drawnAtMost = 100;

/** What is drawn of the single measurements: all, or so many of them evenly spaced by rank, the least and the greatest among them. */
export function drawnSingles(sample: readonly number[]): readonly number[] {
  if (sample.length <= drawnAtMost) return sample;
  const sorted = sample.toSorted((a, b) => a - b);
  const step = (sorted.length - 1) / (drawnAtMost - 1);
  return Array.from({ length: drawnAtMost }, (_, index) => sorted[Math.round(index * step)] ?? NaN);
}

/** What every caption says of its points: how many measurements, which centre, which interval. */
export function intervalSentence(points: readonly Pick<Estimate, "n" | "kind">[]): string {
  const counts = points.map(({ n }) => n);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const n = least === most ? `n = ${least}` : `n = ${least}…${most}`;
  if (points.some(({ kind }) => kind === "median")) {
    const bars =
      medianRanks(most) === null
        ? `a 95 % interval needs n ≥ ${leastForMedian}`
        : `bars are 95 % order-statistic intervals (from n = ${leastForMedian} on)`;
    const dots =
      most <= drawnAtMost
        ? "the single measurements"
        : `single measurements (of more than ${drawnAtMost}, so many evenly spaced by rank)`;
    return `Points are medians, ${n} per point; small dots are ${dots}; ${bars}.`;
  }
  const alone =
    least < 2 ? " Points with n = 1 are one measurement alone and have no interval." : "";
  return most < 2
    ? `${n} per point: one measurement alone gives no interval.`
    : `Points are means, bars 95 % Student-t intervals, ${n} per point.${alone}`;
}
