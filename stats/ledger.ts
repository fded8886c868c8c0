/**
 * The loss ledger of a trial: `sent = received + Σ drops(place) + unexplained`. The flow itself is counted
 * at the ends; what interfaces count besides (ARP and the like) is a row of its own outside the sum.
 */
import type {
  CounterSnapshot,
  LedgerPath,
  OfferedLoad,
  SinkSummary,
} from "../model/measurement.ts";
import type { LedgerRow } from "../model/trial.ts";

export interface LedgerInput {
  readonly path: LedgerPath;
  readonly before: readonly CounterSnapshot[];
  readonly after: readonly CounterSnapshot[];
  readonly offered: Pick<OfferedLoad, "frames" | "refused">;
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
  /** Frames that should have left the sender's NIC, by the generator and the drops before it, and that did by its own counter. null: it was not read. */
  readonly sender: { readonly expected: number; readonly onNic: number } | null;
}

/** Drop counters count frames of any flow: their differences were seen to be off by −6…+1 frames a trial (ARP, learning frames). */
export const noiseFrames = 8;

/** What may become of a device between the two readings. */
export type DevicesOf =
  /** None comes or goes. */
  | "a router that stays"
  /** One that was not there before was made for the router: its counters began at zero. */
  | "a router that moves";

export function lossLedger(
  { path, before, after, offered, sink }: LedgerInput,
  devices: DevicesOf = "a router that stays",
): Ledger {
  const gaps: string[] = [];
  const grown = (place: Place) => growth(place, { before, after, devices });
  const read = (place: Place): number => {
    const frames = grown(place);
    if (typeof frames === "number") return frames;
    gaps.push(`${place.place}: ${frames.gap}`);
    return 0;
  };
  const [source] = path.points;
  const atSource = (place: Place) => place.host === source?.host && place.device === source.device;
  const retried = offered.refused?.retriedFrames ?? 0;
  const counted = path.points.map((point) => ({ place: point.place, frames: read(point) }));
  const drops = path.drops.map((drop) => ({
    place: drop.place,
    frames:
      atSource(drop) && drop.counter === "qdisc" ? Math.max(0, read(drop) - retried) : read(drop),
    atSource: atSource(drop),
  }));
  const onNic = source === undefined ? null : grown(source);
  const sent = offered.frames;
  const received = sink.frames;
  const unexplained = sent - received - drops.reduce((sum, { frames }) => sum + frames, 0);
  const atSink = received + sink.duplicates + sink.foreign;
  const notOfTheFlow = Math.max(
    0,
    (counted[0]?.frames ?? sent) - sent,
    (counted.at(-1)?.frames ?? atSink) - atSink,
  );
  const beforeNic = drops.filter((drop) => drop.atSource);
  const rows = [
    { place: "sent", frames: sent },
    { place: "received", frames: received },
    ...drops.map(({ place, frames }) => ({ place, frames })),
    { place: "unexplained", frames: unexplained },
    { place: "not-of-the-flow", frames: notOfTheFlow },
  ];
  return {
    ...{ rows, sent, received, unexplained, counted, gaps },
    sender:
      typeof onNic === "number"
        ? { expected: sent - beforeNic.reduce((sum, { frames }) => sum + frames, 0), onNic }
        : null,
  };
}

/** Beyond it a difference of counters means something: a ratio of what was sent, but never below their own noise. */
export const noiseBound = (sent: number, ratio: number): number =>
  Math.max(noiseFrames, ratio * sent);

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
  { before, after, devices }: Pick<LedgerInput, "before" | "after"> & { devices: DevicesOf },
): number | { readonly gap: string } {
  const [first, last] = [before, after].map((snapshots) =>
    snapshots.find((snapshot) => snapshot.host === host),
  );
  if (!first || !last) return { gap: `${host} was not read both before and after` };
  if (last.atUs < first.atUs) return { gap: `${host} was booted during the trial` };
  const [start, end] = [first.interfaces[device], last.interfaces[device]];
  const fromZero = !start && end !== undefined && devices === "a router that moves";
  if (!fromZero) {
    if (!start || !end)
      return { gap: `${host} had no ${device} ${start ? "after" : "before"} the load` };
    if (start.ifindex !== end.ifindex)
      return { gap: `${device} of ${host} was made anew during the trial` };
  }
  const of = (snapshot: CounterSnapshot) =>
    (counter === "qdisc" ? snapshot.qdiscDrops[device] : snapshot.interfaces[device]?.[counter]) ??
    0;
  return difference(fromZero ? 0 : of(first), of(last));
}

const width32 = 2 ** 32;
const width64 = 2 ** 64;

/** Growth of a counter modulo its width, which is 64 bits, or 32 in some drivers and older kernels. */
export function difference(before: number, after: number): number {
  if (after >= before) return after - before;
  // In this order: 2^64 swallows small numbers when they are added to it first.
  return (before < width32 ? width32 : width64) - before + after;
}
