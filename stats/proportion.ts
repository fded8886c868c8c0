/** Proportions of outcomes, never without n. */
import type { Estimate } from "./summary.ts";

/** 0.975 quantile of the standard normal distribution. */
const z95 = 1.959963984540054;

/**
 * Share of `count` in `n` with its 95 % interval: Wilson's score interval (1927; Newcombe 1998,
 * method 3), and for none or all of n the rule of three, 3/n (Hanley and Lippman-Hand, 1983).
 */
export function proportion(count: number, n: number): Estimate {
  if (n === 0) return { n, value: null, interval: null };
  const value = count / n;
  const three = Math.min(1, 3 / n);
  if (count === 0) return { n, value, interval: { low: 0, high: three } };
  if (count === n) return { n, value, interval: { low: 1 - three, high: 1 } };
  return { n, value, interval: wilson(count, n) };
}

/** Wilson's score interval without continuity correction. */
export function wilson(count: number, n: number, z = z95): { low: number; high: number } {
  const p = count / n;
  const centre = p + (z * z) / (2 * n);
  const half = z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  const scale = 1 + (z * z) / n;
  return { low: Math.max(0, (centre - half) / scale), high: Math.min(1, (centre + half) / scale) };
}
