import { describe, expect, test } from "vitest";
import type { MigrationMeasurement, MigrationReport } from "../../model/measurement.ts";
import type { MigrationWatch } from "../../model/watch.ts";
import { migrationOutcome } from "../../stats/migration-outcome.ts";

const campaign = {
  guest: { image: "router", memoryMib: 256, vcpus: 1, routing: "kernel" },
  migrationDeadlineMs: 60_000,
};
const report = {
  ...{ status: "cancelled", reason: null, source: "R1", destination: "R2", commandUs: 0 },
  ...{ endUs: 60_000_000, progress: [] },
} as unknown as MigrationReport;
const watch: MigrationWatch = {
  ...{ verdict: "stalled", reason: "nothing moved", windowMs: 5000, boundMs: 6000 },
  ...{ detectionTimeMs: 5000, endedAfterMs: 100, abort: "done", samples: [], evidence: [] },
  hosts: [
    { host: "R1", state: "same" },
    { host: "R2", state: "same" },
  ],
};
const of = (
  seen: Partial<Pick<MigrationMeasurement, "watch" | "migration" | "router">>,
  location: Parameters<typeof migrationOutcome>[1],
) =>
  migrationOutcome(
    { migration: report, watch, ...seen } as MigrationMeasurement,
    location,
    campaign,
  ).verdict;

describe("what a migration came to", () => {
  test.each<[string, Partial<MigrationWatch>, Parameters<typeof migrationOutcome>[1], string]>([
    ["a stall that was aborted", {}, "source", "stalled"],
    ["a stall whose destination does not answer", {}, "unknown", "stalled"],
    ["no convergence", { verdict: "not-converging" }, "source", "not-converged"],
    ["a silent toolstack", { verdict: "api-hung" }, "unknown", "api-hung"],
    ["a stall whose router is gone", {}, "neither", "crashed"],
  ])("%s", (_what, more, location, outcome) => {
    expect(of({ watch: { ...watch, ...more } }, location)).toEqual({ verdict: "valid", outcome });
  });

  test.each([
    ["booted", "R2 was booted meanwhile: it had lost its power"],
    ["silent", "R2 answers no more: whether it has lost its power is not known"],
  ] as const)("a host that was %s makes the attempt invalid, whatever hung", (state, reason) => {
    const hosts = [{ host: "R2", state }];
    expect(of({ watch: { ...watch, hosts } }, "source")).toEqual({
      ...{ verdict: "invalid", cut: false },
      reason,
    });
  });

  test("a source that is gone before its destination heard of it has crashed; one that is there has been lost track of", () => {
    const migration = { ...report, status: "unknown" as const };
    const router = (state: string) =>
      ({
        ...{ host: "R1", state, forwarding: "silent", arp: null, panicked: false },
        ...{ otherHost: { host: "R2", state: "incoming" }, heartbeatS: null, guestCommand: null },
        ...{ bootId: { before: null, after: null }, vcpu: null, hosts: [], evidence: [] },
      }) as unknown as NonNullable<MigrationMeasurement["router"]>;
    const outcome = (state: string) =>
      of({ watch: null, migration, router: router(state) }, "incoming");
    for (const gone of ["absent", "stopped"])
      expect(outcome(gone)).toEqual({ verdict: "valid", outcome: "crashed" });
    expect(outcome("paused")).toEqual({ verdict: "valid", outcome: "undefined" });
  });

  test("a router that is paused, or on both hosts, has been lost track of; one that claims to run is locked up", () => {
    const migration = { ...report, status: "completed" as const };
    const router = {
      ...{ host: "R2", state: "paused", forwarding: "silent", arp: "silent", panicked: false },
      ...{ otherHost: { host: "R1", state: "stopped" }, heartbeatS: null, guestCommand: null },
      ...{ bootId: { before: null, after: null }, vcpu: null, hosts: [], evidence: [] },
    } as unknown as NonNullable<MigrationMeasurement["router"]>;
    const measured = { migration, watch: { ...watch, verdict: "progressing" as const }, router };
    const outcomes = (["paused", "both", "incoming", "unknown", "destination"] as const).map(
      (location) => of(measured, location),
    );
    expect(outcomes.map((one) => "outcome" in one && one.outcome)).toEqual([
      ...["undefined", "undefined", "undefined", "locked-up", "locked-up"],
    ]);
  });

  test("a router that forwards nothing has not completed, even where nothing else speaks against it", () => {
    const router = {
      ...{ host: "R2", state: "running", forwarding: "silent", arp: "answers", panicked: false },
      ...{ otherHost: { host: "R1", state: "stopped" }, heartbeatS: null, guestCommand: null },
      ...{ bootId: { before: null, after: null }, vcpu: null, hosts: [], evidence: [] },
    } as unknown as NonNullable<MigrationMeasurement["router"]>;
    const progressing = { ...watch, verdict: "progressing" as const };
    for (const [status, location] of [
      ["completed", "destination"],
      ["failed", "source"],
    ] as const) {
      const migration = { ...report, status };
      const seen = { migration, watch: progressing, router } as unknown as MigrationMeasurement;
      const { verdict, doubts } = migrationOutcome(seen, location, campaign);
      expect(verdict).toEqual({ verdict: "valid", outcome: "undefined" });
      expect(doubts).toContain("the router on R2: no probe frame came through it");
    }
  });

  test("what speaks against a router that forwards is a doubt beside its outcome", () => {
    const router = {
      ...{ host: "R2", state: "running", forwarding: "answers", arp: "silent", panicked: false },
      ...{ arpSilentOn: ["c"], otherHost: { host: "R1", state: "stopped" }, heartbeatS: null },
      ...{ guestCommand: null, vcpu: null, hosts: [], evidence: [] },
      bootId: { before: null, after: null },
    } as unknown as NonNullable<MigrationMeasurement["router"]>;
    const migration = { ...report, status: "completed" as const };
    const progressing = { ...watch, verdict: "progressing" as const };
    const seen = { migration, watch: progressing, router } as unknown as MigrationMeasurement;
    expect(migrationOutcome(seen, "destination", campaign)).toEqual({
      verdict: { verdict: "valid", outcome: "completed" },
      doubts: ["the router on R2: it answers no ARP request on c"],
    });
  });

  test("one that nobody watched is judged from its own samples when its deadline cut it", () => {
    const look = (s: number, transferredBytes: number, remainingBytes: number) => ({
      ...{ atUs: s * 1e6, transferredBytes, remainingBytes, iteration: 1 },
      dirtyRatePagesPerSecond: null,
    });
    const stalled = { ...report, progress: [look(0, 0, 100), look(5, 50, 50)] };
    expect(of({ watch: null, migration: stalled }, "source")).toMatchObject({ outcome: "stalled" });
    const slow = { ...report, progress: [look(0, 0, 100), look(59, 50, 50)] };
    expect(of({ watch: null, migration: slow }, "source")).toMatchObject({
      outcome: "not-converged",
    });
  });
});
