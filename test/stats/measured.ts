/** A trial as it was measured, well and whole; tests spoil what they are about. */
import { readFileSync } from "node:fs";
import type { Campaign } from "../../model/campaign.ts";
import type {
  CounterSnapshot,
  ForwardingMeasurement,
  InterfaceCounters,
} from "../../model/measurement.ts";

const page = readFileSync(new URL("../../docs/results.md", import.meta.url), "utf8");
/** Whether docs/results.md names a result's key. */
export const isDocumented = (key: string): boolean => page.includes(`\`${key}\``);

export const context = {
  campaign: {
    tolerance: {
      offeredLoadRatio: 0.01,
      unexplainedRatio: 0.001,
      hostLoadRatio: null,
      samplingP99Ms: null,
    },
    migrationDeadlineMs: 60_000,
    migrationMarginMs: 2000,
    phases: { settleMs: 0, learnMs: 0, trialMs: 10_000, drainMs: 500, restMs: 0 },
    guest: { image: "router", memoryMib: 256, vcpus: 1, routing: "kernel" },
  },
};
export type Tolerance = Partial<Campaign["tolerance"]>;
export const tolerant = (tolerance: Tolerance) => ({
  campaign: { ...context.campaign, tolerance: { ...context.campaign.tolerance, ...tolerance } },
});

/** An interface that nothing has crossed. */
export const zero: InterfaceCounters = {
  ifindex: 2,
  rxFrames: 0,
  rxBytes: 0,
  rxErrors: 0,
  rxDropped: 0,
  rxMissed: 0,
  txFrames: 0,
  txBytes: 0,
  txErrors: 0,
  txDropped: 0,
};
export const snapshot = (
  host: string,
  device: string,
  counters: Partial<InterfaceCounters>,
): CounterSnapshot => ({
  host,
  atUs: 0,
  interfaces: { [device]: { ...zero, ...counters } },
  softnet: [],
  qdiscDrops: {},
  ip: {},
});
/** Each host's monotonic clock starts at another moment; B's lags A's by 1 s, and so on. */
const clocks = [
  { host: "A", offsetUs: 1_000_000, uncertaintyUs: 50 },
  { host: "B", offsetUs: 2_000_000, uncertaintyUs: 50 },
  { host: "C", offsetUs: 3_000_000, uncertaintyUs: 50 },
  { host: "R1", offsetUs: 4_000_000, uncertaintyUs: 50 },
  { host: "R2", offsetUs: 5_000_000, uncertaintyUs: 50 },
];
/** 10 s of 1000 frames/s from wall clock 10 s on: 9 s on A's clock, 8 s on B's, 7 s on C's. */
export const base = {
  frameSizeBytes: 64,
  offered: {
    intendedFps: 1000,
    frames: 10_000,
    bytes: 640_000,
    startUs: 9_000_000,
    endUs: 19_000_000,
    executed: "tcpreplay",
  },
  sink: {
    host: "B",
    frames: 10_000,
    duplicates: 0,
    late: 0,
    foreign: 0,
    socketDrops: 0,
    firstUs: 8_000_000,
    lastUs: 18_000_000,
    firstSequence: 0,
    lastSequence: 9999,
    ticks: { startUs: 8_000_000, tickMs: 10, frames: Array.from({ length: 1000 }, () => 10) },
    gapThresholdUs: 3000,
    gaps: [],
    lostRanges: [],
    clockStepUs: 0,
  },
  rtt: {
    host: "C",
    intervalMs: 10,
    sentUs: Array.from({ length: 1200 }, (_, index) => 6_000_000 + index * 10_000),
    rttMs: Array.from({ length: 1200 }, (_, index): number | null => 1 + (index % 10) / 10),
  },
  hostLoad: [
    {
      host: "R1",
      cpus: [
        {
          cpu: 0,
          userRatio: 0.5,
          systemRatio: 0.2,
          softirqRatio: 0.1,
          stealRatio: 0,
          idleRatio: 0.2,
        },
        { cpu: 1, userRatio: 0.4, systemRatio: 0, softirqRatio: 0, stealRatio: 0, idleRatio: 0.6 },
      ],
      runnableMean: 2,
      frequencyMhz: null,
    },
  ],
  clocks,
  before: [snapshot("A", "a0", {}), snapshot("R1", "tap0", {}), snapshot("B", "b0", {})],
  after: [
    snapshot("A", "a0", { txFrames: 10_000 }),
    snapshot("R1", "tap0", {}),
    snapshot("B", "b0", { rxFrames: 10_000 }),
  ],
  accuracy: [
    { host: "R1", intervalMs: 10, p50Ms: 10, p99Ms: 12, maxMs: 20, missedTicks: 0, readP99Us: 200 },
  ],
  phases: [],
} as const;
export const forwarding: ForwardingMeasurement = {
  ...base,
  kind: "forwarding",
  path: {
    points: [
      { place: "source NIC", host: "A", device: "a0", counter: "txFrames" },
      { place: "sink NIC", host: "B", device: "b0", counter: "rxFrames" },
    ],
    drops: [{ place: "tap into the guest", host: "R1", device: "tap0", counter: "txDropped" }],
  },
};
