/**
 * The loss ledger of a forwarding trial: `sent = received + Σ drops(place) + unexplained`. The flow
 * itself is counted at the ends; what interfaces count besides (ARP and the like) is a row of its
 * own outside the sum.
 */
import type {
  CounterSnapshot,
  InterfaceCounters,
  LedgerPath,
  OfferedLoad,
  SinkSummary,
} from "../model/measurement.ts";
import type { LedgerRow } from "../model/trial.ts";

export interface LedgerInput {
  readonly path: LedgerPath;
  readonly before: readonly CounterSnapshot[];
  readonly after: readonly CounterSnapshot[];
  readonly offered: Pick<OfferedLoad, "frames">;
  readonly sink: Pick<SinkSummary, "frames" | "duplicates" | "foreign">;
}

export interface Ledger {
  /** `sent`, `received`, one row for each place of drops, `unexplained`, `not-of-the-flow`. */
  readonly rows: readonly LedgerRow[];
  readonly sent: number;
  readonly received: number;
  readonly unexplained: number;
  /** Frames counted at each point of the path, in the order in which a frame passes. */
  readonly counted: readonly LedgerRow[];
  /** Places whose counters cannot be compared, and why; their drops are missing in the sum. */
  readonly gaps: readonly string[];
}

/** Differences of interface counters were seen to be off by −6…+1 frames a trial: ARP, learning frames. */
const unexplainedFloorFrames = 8;

export function lossLedger({ path, before, after, offered, sink }: LedgerInput): Ledger {
  const gaps: string[] = [];
  const read = (place: LedgerPath["points"][number] | LedgerPath["drops"][number]): number => {
    const grown = growth(place, before, after);
    if (typeof grown === "number") return grown;
    gaps.push(`${place.place}: ${grown.gap}`);
    return 0;
  };
  const counted = path.points.map((point) => ({ place: point.place, frames: read(point) }));
  const drops = path.drops.map((drop) => ({ place: drop.place, frames: read(drop) }));
  const sent = offered.frames;
  const received = sink.frames;
  const unexplained = sent - received - drops.reduce((sum, { frames }) => sum + frames, 0);
  const atSink = received + sink.duplicates + sink.foreign;
  const notOfTheFlow = Math.max(
    0,
    (counted[0]?.frames ?? sent) - sent,
    (counted.at(-1)?.frames ?? atSink) - atSink,
  );
  const rows = [
    { place: "sent", frames: sent },
    { place: "received", frames: received },
    ...drops,
    { place: "unexplained", frames: unexplained },
    { place: "not-of-the-flow", frames: notOfTheFlow },
  ];
  return { rows, sent, received, unexplained, counted, gaps };
}

/** Beyond it the ledger is out of balance: a ratio of what was sent, but never below the floor. */
export const unexplainedBound = (sent: number, ratio: number): number =>
  Math.max(unexplainedFloorFrames, ratio * sent);

/** The pair of neighbouring points between which most frames vanished that no drop counter has, in words. */
export function largestHop({ counted }: Ledger): string | null {
  const hops = counted.slice(1).map((point, index) => {
    const from = counted[index] ?? point;
    return { frames: from.frames - point.frames, words: `${from.place} → ${point.place}` };
  });
  const largest = hops.sort((a, b) => Math.abs(b.frames) - Math.abs(a.frames))[0];
  return largest === undefined || largest.frames === 0
    ? null
    : `${largest.frames} frames differ between ${largest.words}`;
}

/** Whether most of the frames that no drop counter has vanished between two points on the router's own host. */
export function vanishedInRouter({ counted }: Ledger, { points }: LedgerPath): boolean {
  const hops = counted.slice(1).map((point, index) => ({
    frames: (counted[index]?.frames ?? point.frames) - point.frames,
    inside: [points[index], points[index + 1]].every(
      (one) => one !== undefined && isRouters(one.host),
    ),
  }));
  const inside = hops.filter((hop) => hop.inside).reduce((sum, { frames }) => sum + frames, 0);
  const outside = hops.filter((hop) => !hop.inside).reduce((sum, { frames }) => sum + frames, 0);
  return inside > outside;
}

const isRouters = (host: string): boolean => ["R1", "R2", "guest"].includes(host);

type Place = LedgerPath["points"][number] | LedgerPath["drops"][number];

function growth(
  { host, device, counter }: Place,
  before: readonly CounterSnapshot[],
  after: readonly CounterSnapshot[],
): number | { readonly gap: string } {
  const [first, last] = [before, after].map((snapshots) =>
    snapshots.find((snapshot) => snapshot.host === host),
  );
  if (!first || !last) return { gap: `${host} was not read both before and after` };
  if (counter === "qdisc")
    return difference(first.qdiscDrops[device] ?? 0, last.qdiscDrops[device] ?? 0);
  const [start, end] = [first.interfaces[device], last.interfaces[device]];
  if (!start || !end)
    return { gap: `${host} had no ${device} ${start ? "after" : "before"} the load` };
  if (start.ifindex !== end.ifindex)
    return { gap: `${device} of ${host} was made anew during the trial` };
  return difference(
    start[counter as keyof InterfaceCounters],
    end[counter as keyof InterfaceCounters],
  );
}

const width32 = 2 ** 32;
const width64 = 2 ** 64;

/** Growth of a counter modulo its width, which is 64 bits, or 32 in some drivers and older kernels. */
export function difference(before: number, after: number): number {
  if (after >= before) return after - before;
  // In this order: 2^64 swallows small numbers when they are added to it first.
  return (before < width32 ? width32 : width64) - before + after;
}
