/** What tcpreplay 4.4 prints when it has ended. */
import type { OfferedLoad } from "../model/measurement.ts";

export interface TcpreplayStatistics {
  /** Frames sent, of `Actual:`. `Successful packets:` leaves out the frame at which it was interrupted, which the NIC counted (4.4.3). */
  readonly frames: number;
  readonly bytes: number;
  /** From the first frame to the last: frames / rated pps, as the printed seconds are cut to two places. */
  readonly spanUs: number;
  readonly refused: NonNullable<OfferedLoad["refused"]>;
}

const number = (text: string, pattern: RegExp): number | null => {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? null : Number(found);
};

/** null: no statistics were printed (it refused to start, or was killed). `bytes` are without FCS. */
export const parseStatistics = (stdout: string): TcpreplayStatistics | null => {
  const actual = /Actual: (\d+) packets \((\d+) bytes\)/.exec(stdout);
  if (actual === null) return null;
  const frames = Number(actual[1]);
  const ratedFps = number(stdout, /Rated: .* ([\d.]+) pps/) ?? 0;
  return {
    frames,
    bytes: Number(actual[2]),
    spanUs: ratedFps === 0 ? 0 : Math.round((frames / ratedFps) * 1e6),
    refused: {
      // Each time send(2) says ENOBUFS, which is what a full queue of the NIC says (src/common/sendpacket.c).
      retriedFrames: number(stdout, /Retried packets \(ENOBUFS\):\s+(\d+)/) ?? 0,
      failedFrames: number(stdout, /Failed packets:\s+(\d+)/) ?? 0,
      truncatedFrames: number(stdout, /Truncated packets:\s+(\d+)/) ?? 0,
    },
  };
};

/** `4.4.3` of `tcpreplay --version`, which prints to standard error. null: not tcpreplay's words. */
export const parseVersion = (output: string): string | null =>
  /tcpreplay version: (\S+)/.exec(output)?.[1] ?? null;
