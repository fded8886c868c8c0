import { meanEstimate } from "../stats/summary.ts";

/** A point of a figure or a cell of a table: the centre of n measurements and its 95 % interval. */
export interface Estimate {
  readonly n: number;
  /** null: n is 0. */
  readonly center: number | null;
  /** null: fewer than two measurements give no interval. */
  readonly low: number | null;
  readonly high: number | null;
}

/** Mean with its Student-t interval, cut at what is possible: a rate is not below zero, a ratio not above one. */
export function estimate(
  sample: readonly number[],
  [least, most]: readonly [number | null, number | null] = [null, null],
): Estimate {
  const { n, value, interval } = meanEstimate(sample);
  return {
    n,
    center: value,
    low: interval && Math.max(interval.low, least ?? -Infinity),
    high: interval && Math.min(interval.high, most ?? Infinity),
  };
}

/** What every caption says of its points: how many measurements, which interval. */
export function intervalSentence(points: readonly Pick<Estimate, "n">[]): string {
  const counts = points.map(({ n }) => n);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const n = least === most ? `n = ${least}` : `n = ${least}…${most}`;
  const alone =
    least < 2 ? " Points with n = 1 are one measurement alone and have no interval." : "";
  return most < 2
    ? `${n} per point: one measurement alone gives no interval.`
    : `Points are means, bars 95 % Student-t intervals, ${n} per point.${alone}`;
}
