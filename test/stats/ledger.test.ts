import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CounterSnapshot, InterfaceCounters, LedgerPath } from "../../model/measurement.ts";
import { difference, largestHop, lossLedger, noiseBound } from "../../stats/ledger.ts";
import { zero } from "./measured.ts";

const snapshot = (
  host: string,
  interfaces: Record<string, Partial<InterfaceCounters>>,
  qdiscDrops: Record<string, number> = {},
): CounterSnapshot => ({
  host,
  atUs: 0,
  interfaces: Object.fromEntries(
    Object.entries(interfaces).map(([device, counters]) => [device, { ...zero, ...counters }]),
  ),
  softnet: [],
  qdiscDrops,
  ip: {},
});
const path: LedgerPath = {
  points: [
    { place: "source NIC", host: "A", device: "a0", counter: "txFrames" },
    { place: "tap in", host: "R1", device: "tap0", counter: "txFrames" },
    { place: "sink NIC", host: "B", device: "b0", counter: "rxFrames" },
  ],
  drops: [
    { place: "source queue", host: "A", device: "a0", counter: "qdisc" },
    { place: "tap in", host: "R1", device: "tap0", counter: "txDropped" },
    { place: "tap out", host: "R1", device: "tap1", counter: "rxDropped" },
  ],
};
const sink = (frames: number) => ({ frames, duplicates: 0, foreign: 0 });

/** Counters that start anywhere and grow by these amounts. */
const trial = (
  start: number,
  grown: { sent: number; queue: number; tapIn: number; tapOut: number; received: number },
) => {
  const at = (share: 0 | 1) => [
    snapshot(
      "A",
      { a0: { txFrames: start + share * grown.sent } },
      { a0: start + share * grown.queue },
    ),
    snapshot("R1", {
      tap0: { txDropped: start + share * grown.tapIn, txFrames: start },
      tap1: { rxDropped: start + share * grown.tapOut },
    }),
    snapshot("B", { b0: { rxFrames: start + share * grown.received } }),
  ];
  return { before: at(0), after: at(1) };
};

describe("the loss ledger", () => {
  test("attributes each lost frame to the place whose drop counter grew", () => {
    const grown = { sent: 1000, queue: 0, tapIn: 380, tapOut: 5, received: 614 };
    const ledger = lossLedger({
      path,
      ...trial(77, grown),
      offered: { frames: 1000 },
      sink: sink(614),
    });
    expect(ledger.rows).toEqual([
      { place: "sent", frames: 1000 },
      { place: "received", frames: 614 },
      { place: "source queue", frames: 0 },
      { place: "tap in", frames: 380 },
      { place: "tap out", frames: 5 },
      { place: "unexplained", frames: 1 },
      { place: "not-of-the-flow", frames: 0 },
    ]);
    expect(ledger.gaps).toEqual([]);
  });

  test("always balances: sent = received + Σ drops + unexplained", () => {
    const count = fc.nat(1_000_000);
    fc.assert(
      fc.property(
        count,
        count,
        count,
        count,
        count,
        fc.nat(2 ** 40),
        (sent, received, queue, tapIn, tapOut, start) => {
          const counters = trial(start, { sent, queue, tapIn, tapOut, received });
          const { rows } = lossLedger({
            path,
            ...counters,
            offered: { frames: sent },
            sink: sink(received),
          });
          const of = (place: string) =>
            rows.filter((row) => row.place === place).map(({ frames }) => frames);
          const drops = [of("source queue"), of("tap in"), of("tap out")].flat();
          expect(drops).toEqual([queue, tapIn, tapOut]);
          const [[unexplained = NaN]] = [of("unexplained")];
          expect(sent).toBe(received + queue + tapIn + tapOut + unexplained);
        },
      ),
    );
  });

  test("keeps frames that are not of the flow apart, outside the sum", () => {
    const grown = { sent: 1006, queue: 0, tapIn: 0, tapOut: 0, received: 1002 };
    const { rows } = lossLedger({
      path,
      ...trial(0, grown),
      offered: { frames: 1000 },
      sink: sink(1000),
    });
    expect(rows.slice(-2)).toEqual([
      { place: "unexplained", frames: 0 },
      { place: "not-of-the-flow", frames: 6 },
    ]);
  });

  test.each<[string, readonly CounterSnapshot[], string]>([
    ["a host that was not read", [], "source queue: A was not read both before and after"],
    [
      "a device that went away",
      [snapshot("A", {}), snapshot("R1", {}), snapshot("B", {})],
      "tap in: R1 had no tap0 after the load",
    ],
    [
      "a device that was made anew",
      [
        snapshot("A", { a0: {} }),
        snapshot("R1", { tap0: { ifindex: 9 }, tap1: {} }),
        snapshot("B", { b0: {} }),
      ],
      "tap in: tap0 of R1 was made anew during the trial",
    ],
  ])("names %s", (_case, after, gap) => {
    const { before } = trial(0, { sent: 0, queue: 0, tapIn: 0, tapOut: 0, received: 0 });
    const ledger = lossLedger({ path, before, after, offered: { frames: 0 }, sink: sink(0) });
    expect(ledger.gaps).toContain(gap);
  });

  test("does not lose a frame that the sender's queue refused and the generator sent again", () => {
    const grown = { sent: 1000, queue: 300, tapIn: 0, tapOut: 0, received: 1000 };
    const ledger = (retriedFrames: number) =>
      lossLedger({
        path,
        ...trial(0, grown),
        offered: { frames: 1000, refused: { retriedFrames, failedFrames: 0, truncatedFrames: 0 } },
        sink: sink(1000),
      });
    expect(ledger(300).rows).toContainEqual({ place: "source queue", frames: 0 });
    expect(ledger(300).rows).toContainEqual({ place: "unexplained", frames: 0 });
    expect(ledger(300).sender).toEqual({ expected: 1000, onNic: 1000 });
    // What else was refused for want of room was sent again, too: never a drop below zero.
    expect(ledger(310).rows).toContainEqual({ place: "source queue", frames: 0 });
    expect(ledger(200).rows).toContainEqual({ place: "source queue", frames: 100 });
    expect(ledger(200).sender).toEqual({ expected: 900, onNic: 1000 });
  });

  test("counts a device that came with a moving router from zero, one that went not at all", () => {
    const grown = { sent: 1000, queue: 0, tapIn: 40, tapOut: 7, received: 950 };
    const { before, after } = trial(0, grown);
    const without = (snapshots: readonly CounterSnapshot[], device: string) =>
      snapshots.map((one) => ({
        ...one,
        interfaces: Object.fromEntries(
          Object.entries(one.interfaces).filter(([name]) => name !== device),
        ),
      }));
    const moved = {
      ...{ path, offered: { frames: 1000 }, sink: sink(950) },
      before: without(before, "tap1"),
      after: without(after, "tap0"),
    };
    const ledger = lossLedger(moved, "a router that moves");
    expect(ledger.rows).toContainEqual({ place: "tap out", frames: 7 });
    expect(ledger.rows).toContainEqual({ place: "tap in", frames: 0 });
    expect(ledger.rows).toContainEqual({ place: "unexplained", frames: 43 });
    expect(new Set(ledger.gaps)).toEqual(new Set(["tap in: R1 had no tap0 after the load"]));
    expect(lossLedger(moved).gaps).toContain("tap out: R1 had no tap1 before the load");
  });

  test("takes no counter of a guest that was booted meanwhile", () => {
    const inGuest: LedgerPath = {
      points: [],
      drops: [{ place: "guest NIC in", host: "guest", device: "eth0", counter: "rxDropped" }],
    };
    const guest = (atUs: number, rxDropped: number) => ({
      ...snapshot("guest", { eth0: { rxDropped } }),
      atUs,
    });
    const ledger = lossLedger({
      ...{ path: inGuest, offered: { frames: 10 }, sink: sink(10) },
      ...{ before: [guest(9e6, 5)], after: [guest(1e6, 0)] },
    });
    expect(ledger.rows).toContainEqual({ place: "guest NIC in", frames: 0 });
    expect(ledger.gaps).toEqual(["guest NIC in: guest was booted during the trial"]);
  });

  test("names the hop between which most frames vanished", () => {
    const grown = { sent: 1000, queue: 0, tapIn: 0, tapOut: 0, received: 400 };
    const counters = trial(0, grown);
    const ledger = lossLedger({ path, ...counters, offered: { frames: 1000 }, sink: sink(400) });
    expect(ledger.counted.map(({ frames }) => frames)).toEqual([1000, 0, 400]);
    expect(largestHop(ledger)).toBe("1000 frames differ between source NIC → tap in");
  });

  test("bounds what may stay unexplained by a ratio, but never below a handful of frames", () => {
    expect(noiseBound(1_000_000, 0.001)).toBe(1000);
    expect(noiseBound(2000, 0.001)).toBe(8);
  });
});

describe("a counter", () => {
  test.each([
    [10, 25, 15],
    [2 ** 32 - 5, 7, 12],
    [2 ** 32 - 1, 0, 1],
  ])("from %d to %d grew by %d", (before, after, grown) => {
    expect(difference(before, after)).toBe(grown);
  });

  test("of 64 bits that wraps grows by what is left, as far as a double tells", () => {
    expect(difference(2 ** 64 - 4096, 100)).toBe(4196);
  });
});
