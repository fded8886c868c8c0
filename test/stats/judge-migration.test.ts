import { describe, expect, test } from "vitest";
import type { MigrationMeasurement, MigrationReport } from "../../model/measurement.ts";
import { judgeMigration } from "../../stats/judge.ts";
import { context, base, isDocumented, snapshot } from "./measured.ts";

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
  test("gives no figure that the page of results does not name", () => {
    const { results } = judgeMigration(migration, "destination", context);
    expect(Object.keys(results).filter((key) => !isDocumented(key))).toEqual([]);
  });

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
      timeToForwardingMs: 711,
    });
    expect(doubts[0]).toBe(
      "the longest gap of the migration (60 ms) is not clearly longer than the longest one before it (49 ms): below resolution, no downtime",
    );
  });

  const dead = {
    ...migration,
    sink: {
      ...migration.sink,
      ...{ frames: 3650, lastUs: 11_650_000, lastSequence: 3649, gaps: [], lostRanges: [] },
      ticks: { ...migration.sink.ticks, frames: migration.sink.ticks.frames.slice(0, 366) },
    },
  };

  test("an outage that does not end has no downtime, but a lower bound and the word that it is one", () => {
    const { results, doubts } = judgeMigration(dead, "destination", context);
    expect(results).toMatchObject({
      downtimePacketGapMs: null,
      downtimeBelowResolution: false,
      packetGapLongestMs: 6349,
      packetGapOpen: true,
      timeToForwardingMs: null,
    });
    expect(doubts).toContain(
      "no new frame came until the end of the load: the packet gap is at least 6349 ms, its end was not seen",
    );
  });

  test("only of a completed migration is it said that its gap is below resolution", () => {
    const calm = { ...migration, migration: { ...report, status: "failed" as const, phases: [] } };
    const sink = { ...migration.sink, frames: 10_000, gaps: [], lostRanges: [] };
    const { results, doubts } = judgeMigration({ ...calm, sink }, "source", context);
    expect(results).toMatchObject({ downtimePacketGapMs: null, downtimeBelowResolution: null });
    expect(results.timeToForwardingMs).toBeNull();
    expect(doubts.join()).not.toContain("below resolution");
  });

  test("the time to forwarding is not before the destination runs, whichever gap is the longest", () => {
    const gaps = [
      { startUs: 11_020_000, endUs: 11_090_000, lost: 0, stale: 0 },
      { startUs: 11_680_000, endUs: 11_715_000, lost: 35, stale: 0 },
    ];
    const { results } = judgeMigration(
      { ...migration, sink: { ...migration.sink, gaps } },
      "destination",
      context,
    );
    expect(results).toMatchObject({ downtimePacketGapMs: 69, timeToForwardingMs: 715 });
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

  test("says when no frame of the load came through after the destination ran", () => {
    const sink = { ...migration.sink, lastUs: 11_650_000, lastSequence: 1_650, gaps: [] };
    const { doubts } = judgeMigration({ ...migration, sink }, "destination", context);
    expect(doubts[0]).toMatch(
      /^no new frame came until the end of the load: the packet gap is at least [\d,.]+ ms/,
    );
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

  test("locates its loss on the hosts of both routers and leaves what the blackout swallowed unexplained, which is no fault", () => {
    const path = {
      points: base.before.map(({ host }) => ({
        ...{ place: host, host, device: host === "A" ? "a0" : host === "B" ? "b0" : "tap0" },
        counter: host === "A" ? ("txFrames" as const) : ("rxFrames" as const),
      })),
      drops: ["R1", "R2"].map((host) => ({
        ...{ place: `${host}: TAP into guest`, host, device: "tap0" },
        counter: "txDropped" as const,
      })),
    };
    const located = {
      ...migration,
      path,
      before: base.before,
      after: [
        snapshot("A", "a0", { txFrames: 10_000 }),
        snapshot("R1", "tap0", { txDropped: 12 }),
        snapshot("R2", "tap0", { txDropped: 3 }),
        snapshot("B", "b0", { rxFrames: 9960 }),
      ],
    };
    const before = [...base.before, { ...snapshot("R2", "x", {}), interfaces: {} }];
    const { verdict, ledger, doubts } = judgeMigration(
      { ...located, before },
      "destination",
      context,
    );
    expect(verdict).toEqual({ verdict: "valid", outcome: "completed" });
    expect(ledger).toEqual([
      { place: "sent", frames: 10_000 },
      { place: "received", frames: 9960 },
      { place: "R1: TAP into guest", frames: 12 },
      { place: "R2: TAP into guest", frames: 3 },
      { place: "unexplained", frames: 25 },
      { place: "not-of-the-flow", frames: 0 },
    ]);
    expect(doubts).toEqual([]);
    expect(judgeMigration(located, "destination", context).doubts).toEqual([
      "not counted, part of what is unexplained: R2: TAP into guest: R2 was not read both before and after",
    ]);
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
