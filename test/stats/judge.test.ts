import { describe, expect, test } from "vitest";
import type { Campaign } from "../../model/campaign.ts";
import type {
  CounterSnapshot,
  ForwardingMeasurement,
  InterfaceCounters,
  MigrationMeasurement,
  MigrationReport,
} from "../../model/measurement.ts";
import { judgeForwarding, judgeMigration } from "../../stats/judge.ts";

const context = {
  campaign: {
    tolerance: {
      offeredLoadRatio: 0.01,
      unexplainedRatio: 0.001,
      hostLoadRatio: null,
      samplingP99Ms: null,
    },
    migrationDeadlineMs: 60_000,
    guest: { image: "router", memoryMib: 256, vcpus: 1, routing: "kernel" },
  },
};
type Tolerance = Partial<Campaign["tolerance"]>;
const tolerant = (tolerance: Tolerance) => ({
  campaign: { ...context.campaign, tolerance: { ...context.campaign.tolerance, ...tolerance } },
});

const zero: InterfaceCounters = {
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
const snapshot = (
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
const base = {
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
const forwarding: ForwardingMeasurement = {
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

describe("judgeForwarding", () => {
  test("gives a good measurement its figures, with units in their names", () => {
    const { verdict, results, ledger, doubts } = judgeForwarding(forwarding, context);
    expect(verdict).toEqual({ verdict: "valid", outcome: "completed" });
    expect(doubts).toEqual([]);
    expect(results).toMatchObject({
      intendedFps: 1000,
      offeredFps: 1000,
      forwardedFps: 1000,
      lossRatio: 0,
      rttMedianMs: expect.closeTo(1.45, 10) as number,
      rttP99Ms: expect.closeTo(1.9, 10) as number,
      rttLossRatio: 0,
      rttProbes: 1000,
      hostLoadMaxRatio: expect.closeTo(0.6, 10) as number,
      hostLoadMaxHost: "R1",
    });
    expect(ledger[0]).toEqual({ place: "sent", frames: 10_000 });
  });

  test("shows loss at its place as data, not as a fault", () => {
    const after = [
      forwarding.after[0] ?? snapshot("A", "a0", {}),
      snapshot("R1", "tap0", { txDropped: 3800 }),
      snapshot("B", "b0", { rxFrames: 6200 }),
    ];
    const lossy = { ...forwarding, after, sink: { ...forwarding.sink, frames: 6200 } };
    const { verdict, results, ledger } = judgeForwarding(lossy, context);
    expect(verdict.verdict).toBe("valid");
    expect(results.lossRatio).toBe(0.38);
    expect(ledger).toContainEqual({ place: "tap into the guest", frames: 3800 });
    expect(ledger).toContainEqual({ place: "unexplained", frames: 0 });
  });

  test.each<[string, Partial<ForwardingMeasurement>, Tolerance, string]>([
    [
      "the offered load misses the intended one",
      { offered: { ...forwarding.offered, intendedFps: 1020 } },
      {},
      "offered load missed: 1000 frames/s sent, 1020 intended, off by 1.96 % (tolerance 1 %)",
    ],
    [
      "nothing was sent",
      { offered: { ...forwarding.offered, frames: 0 } },
      {},
      "offered load missed: 0 frames/s sent",
    ],
    [
      "frames vanish that no counter has",
      { sink: { ...forwarding.sink, frames: 9900 } },
      {},
      "ledger out of balance: 100 of 10000 frames are unexplained (at most 10 may be)",
    ],
    [
      "the sink itself drops frames",
      { sink: { ...forwarding.sink, socketDrops: 4 } },
      {},
      "B: the sink itself dropped 4 frames at its socket; they would look like loss of the router",
    ],
    [
      "a host is busier than the campaign allows",
      {},
      { hostLoadRatio: 0.5 },
      "R1: CPUs were busy 60 % of the time (tolerance 50 %)",
    ],
    [
      "a sampler is later than the campaign allows",
      {},
      { samplingP99Ms: 11 },
      "R1: the counter sampler's p99 interval is 12 ms instead of 10 ms (tolerance 11 ms)",
    ],
    [
      "the counters of a host are missing",
      { after: [] },
      {},
      "ledger incomplete: source NIC: A was not read both before and after",
    ],
    ["a clock is missing", { clocks: [] }, {}, "A: no clock offset was measured"],
  ])("calls the attempt invalid when %s", (_case, change, tolerance, reason) => {
    const { verdict } = judgeForwarding({ ...forwarding, ...change }, tolerant(tolerance));
    expect(verdict).toMatchObject({ verdict: "invalid", cut: false });
    expect(verdict.verdict === "invalid" && verdict.reason).toContain(reason);
  });

  test("doubts flagged series, foreign frames and silence, and changes no verdict for them", () => {
    const flagged = {
      ...forwarding,
      sink: { ...forwarding.sink, foreign: 7, clockStepUs: 5000 },
      accuracy: [{ ...base.accuracy[0], p99Ms: 16 }],
    };
    const { verdict, doubts } = judgeForwarding(flagged, context);
    expect(verdict.verdict).toBe("valid");
    expect(doubts).toEqual([
      "7 frames of another attempt arrived; they are not counted",
      "B: the wall clock moved by 5000 µs against the monotonic one; arrival stamps are off by as much",
      "R1: the counter sampler's p99 interval is 16 ms instead of 10 ms",
    ]);
  });

  test("never lets a figure be anything but a finite number or missing", () => {
    const offered = { ...forwarding.offered, frames: 0, endUs: forwarding.offered.startUs };
    const { results } = judgeForwarding({ ...forwarding, offered }, context);
    expect(results).toMatchObject({ offeredFps: null, forwardedFps: null, lossRatio: null });
  });
});

/** Ordered at wall clock 13 s (9 s on R1's clock), running on R2 700 ms later. */
const report: MigrationReport = {
  status: "completed",
  reason: null,
  source: "R1",
  destination: "R2",
  commandUs: 9_000_000,
  endUs: 9_720_000,
  totalTimeMs: 700,
  downtimeMs: 7,
  setupTimeMs: 3,
  transferredBytes: 80 * 2 ** 20,
  memoryBytes: 256 * 2 ** 20,
  phases: [{ name: "destination running", host: "R2", atUs: 8_700_000 }],
  progress: [
    { atUs: 1, transferredBytes: 1, remainingBytes: 9, iteration: 1, dirtyRatePagesPerSecond: 0 },
    { atUs: 2, transferredBytes: 5, remainingBytes: 1, iteration: 3, dirtyRatePagesPerSecond: 50 },
  ],
};
/** The gap on B's clock: wall clock 13.650 s to 13.711 s; 60 frames of it are lost. */
const migration: MigrationMeasurement = {
  ...base,
  kind: "migration",
  sink: {
    ...base.sink,
    frames: 9960,
    gaps: [
      { startUs: 11_650_000, endUs: 11_711_000, lost: 40, stale: 0 },
      { startUs: 10_900_000, endUs: 10_905_000, lost: 0, stale: 0 },
    ],
    lostRanges: [[3651, 3690]],
  },
  migration: report,
  migrationLink: [
    { host: "R1", device: "m0", bytes: 87 * 2 ** 20, baselineBytes: 2 ** 20 },
    { host: "R2", device: "m0", bytes: 86 * 2 ** 20, baselineBytes: 2 ** 20 },
  ],
};

describe("judgeMigration", () => {
  test("gives three downtimes, with anchor and control across five clocks, and the volume", () => {
    const { verdict, results, doubts } = judgeMigration(migration, "destination", context);
    expect(verdict).toEqual({ verdict: "valid", outcome: "completed" });
    expect(results).toMatchObject({
      totalTimeMs: 700,
      setupTimeMs: 3,
      downtimeHypervisorMs: 7,
      downtimePacketGapMs: 60,
      downtimePacketGapControlMs: 4,
      downtimeResolutionMs: 1,
      downtimeLossMs: 40,
      reconvergenceShareMs: 53,
      timeToForwardingMs: 711,
      transferredMib: 86,
      transferredHypervisorMib: 80,
      transferredToMemoryRatio: 86 / 256,
      iterations: 3,
      rttBeforeMedianMs: expect.closeTo(1.45, 10) as number,
      rttLossRatio: 0,
    });
    expect(results.timeToSteadyRttMs).toBeGreaterThanOrEqual(710);
    expect(results.timeToSteadyRttMs).toBeLessThan(730);
    expect(doubts).toEqual([]);
  });

  test("lists no downtime from a gap that its control explains, and says why", () => {
    const gaps = [
      { startUs: 11_650_000, endUs: 11_711_000, lost: 0, stale: 0 },
      { startUs: 10_900_000, endUs: 10_950_000, lost: 0, stale: 0 },
    ];
    const restless = { ...migration, sink: { ...migration.sink, gaps } };
    const { results, doubts } = judgeMigration(restless, "destination", context);
    expect(results).toMatchObject({
      downtimePacketGapMs: null,
      downtimeBelowResolution: true,
      packetGapLongestMs: 60,
      reconvergenceShareMs: null,
      timeToForwardingMs: null,
    });
    expect(doubts[0]).toBe(
      "the longest gap of the migration (60 ms) is not clearly longer than the longest one before it (49 ms): below resolution, no downtime",
    );
  });

  test("derives no downtime from loss under a load that loses frames anyway", () => {
    const sink = {
      ...migration.sink,
      frames: 9800,
      lostRanges: [
        [10, 169],
        [3651, 3690],
      ] as const,
    };
    const { results, doubts } = judgeMigration({ ...migration, sink }, "destination", context);
    expect(results.downtimeLossMs).toBeNull();
    expect(doubts[0]).toContain("160 of 3000 frames were lost before the migration");
  });

  test("is worth a word when the platform did not tell when the destination ran", () => {
    const silent = { ...migration, migration: { ...report, phases: [] } };
    const { results, doubts } = judgeMigration(silent, "destination", context);
    expect(results.downtimePacketGapMs).toBe(60);
    expect(doubts[0]).toContain("the platform did not tell when the destination ran");
  });

  test.each<[MigrationReport["status"], Parameters<typeof judgeMigration>[1], unknown]>([
    ["completed", "destination", { verdict: "valid", outcome: "completed" }],
    ["failed", "source", { verdict: "valid", outcome: "failed-resumed" }],
    ["cancelled", "source", { verdict: "valid", outcome: "not-converged" }],
    ["completed", "source", { verdict: "valid", outcome: "undefined" }],
    ["unknown", "both", { verdict: "valid", outcome: "undefined" }],
    ["unknown", "neither", { verdict: "valid", outcome: "crashed" }],
    ["completed", "neither", { verdict: "valid", outcome: "crashed" }],
    [
      "failed",
      "unknown",
      {
        verdict: "invalid",
        cut: false,
        reason:
          "migration failed by the platform's word; the router is nowhere to be found: not every host answered",
      },
    ],
  ])("with a report of %s and the router at %s gives %j", (status, location, verdict) => {
    const told = { ...migration, migration: { ...report, status } };
    expect(judgeMigration(told, location, context).verdict).toEqual(verdict);
  });

  test("has figures for a failed migration that never ended", () => {
    const failed: MigrationReport = {
      ...report,
      status: "failed",
      reason: "load of migration failed",
      endUs: null,
      totalTimeMs: null,
      downtimeMs: null,
      transferredBytes: null,
      phases: [],
      progress: [],
    };
    const { verdict, results } = judgeMigration(
      { ...migration, migration: failed },
      "source",
      context,
    );
    expect(verdict).toEqual({ verdict: "valid", outcome: "failed-resumed" });
    expect(results).toMatchObject({
      totalTimeMs: null,
      downtimeHypervisorMs: null,
      iterations: null,
    });
  });

  test("puts a fault of the harness before any outcome", () => {
    const missed = { ...migration, offered: { ...migration.offered, frames: 5000 } };
    const { verdict } = judgeMigration(missed, "destination", context);
    expect(verdict.verdict === "invalid" && verdict.reason).toContain("offered load missed");
  });

  test("judges again from the stored measurement alone", () => {
    const stored = JSON.parse(JSON.stringify(migration)) as MigrationMeasurement;
    expect(judgeMigration(stored, "destination", context)).toEqual(
      judgeMigration(migration, "destination", context),
    );
  });
});
