/** Stamps of several hosts on one time line: the controller's wall clock in µs. */
import type { ClockOffset } from "../model/measurement.ts";

export interface TimeLine {
  knows(host: string): boolean;
  /** @throws {Error} no clock offset of that host was measured. */
  at(host: string, us: number): number;
  /** Half-width of the error between stamps of these two hosts; 0 for one and the same host. */
  uncertaintyUs(host: string, other: string): number;
}

export function timeLine(clocks: readonly ClockOffset[]): TimeLine {
  const of = (host: string): ClockOffset => {
    const clock = clocks.find((each) => each.host === host);
    if (!clock) throw new Error(`${host}: no clock offset was measured`);
    return clock;
  };
  return {
    knows: (host) => clocks.some((each) => each.host === host),
    at: (host, us) => us + of(host).offsetUs,
    uncertaintyUs: (host, other) =>
      host === other ? 0 : of(host).uncertaintyUs + of(other).uncertaintyUs,
  };
}
