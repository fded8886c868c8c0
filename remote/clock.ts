/** Two clocks compared over a link, by the fastest of a few round trips (as NTP does, RFC 5905 §8). */
import type { ClockOffset } from "../model/measurement.ts";

export interface ClockTrip {
  readonly sentUs: number;
  readonly hostUs: number;
  readonly receivedUs: number;
}

/**
 * This machine's wall clock in µs since 1970. `performance` counts from a start that a later step of
 * the wall clock does not move: a difference of more than 5 ms is taken from `Date`.
 */
export const wallUs = (): number => {
  const fineMs = performance.timeOrigin + performance.now();
  const stepMs = Date.now() - fineMs;
  return (Math.abs(stepMs) > 5 ? fineMs + stepMs : fineMs) * 1000;
};

/** @throws {RangeError} without a trip. */
export const fastestOffset = (host: string, trips: readonly ClockTrip[]): ClockOffset => {
  const [fastest] = [...trips].sort(
    (one, other) => one.receivedUs - one.sentUs - (other.receivedUs - other.sentUs),
  );
  if (fastest === undefined) throw new RangeError(`${host}: no round trip to compare clocks by`);
  const halfUs = (fastest.receivedUs - fastest.sentUs) / 2;
  return { host, offsetUs: fastest.sentUs + halfUs - fastest.hostUs, uncertaintyUs: halfUs };
};
