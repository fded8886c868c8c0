import { CancelledFailure } from "@temporalio/activity";

import { describe, expect, test } from "vitest";
import { trialActs } from "../../activities/trials.ts";
import type { MigrationMeasurement } from "../../model/measurement.ts";
import { CommandFailed, NoExitStatus } from "../../remote/shell.ts";
import type { Script } from "./scripted-bench.ts";
import { quietActivity } from "./quiet-activity.ts";
import { scriptedBench } from "./scripted-bench.ts";
import { packedInt64s, packedUint32s, ref, resultOf } from "./scripted-facts.ts";

const measure = async (script: Script) => {
  const scripted = scriptedBench(script);
  const environment = quietActivity();
  const run = environment.run(() => trialActs(scripted.deps).measure(ref));
  return { ...scripted, environment, run };
};
const position = (journal: readonly string[], line: string) => {
  const at = journal.indexOf(line);
  expect(journal, line).toContain(line);
  return at;
};
const failed = () =>
  new CommandFailed("A", ["tcpreplay"], { exitCode: 1, stdout: "", stderr: "no", durationMs: 0 });

describe("a forwarding trial", () => {
  test("reads counters only before the load and after it, and starts nothing in between", async () => {
    const { journal, run } = await measure({});
    await run;
    const start = position(journal, "load starts");
    const end = position(journal, "load has ended");
    expect(journal.slice(start + 1, end)).toEqual([]);
    const counters = journal.flatMap((line, at) => (line === "counters R1" ? [at] : []));
    expect(counters).toHaveLength(2);
    expect(counters[0]).toBeLessThan(start);
    expect(counters[1]).toBeGreaterThan(end);
  });

  test("a guest that was booting when its counters were read is asked once more, and is another boot", async () => {
    let asked = 0;
    const { stored, run } = await measure({
      finish: () => Promise.resolve(void (asked = 1)),
      inGuest: () =>
        asked === 0
          ? Promise.resolve("first-boot\n")
          : asked++ === 1
            ? Promise.reject(new NoExitStatus("R1: the guest says nothing"))
            : Promise.resolve("second-boot\n"),
    });
    await run;
    expect(stored.measurement?.router).toMatchObject({
      ...{ forwarding: "answers", bootId: { before: "first-boot", after: "second-boot" } },
    });
  });

  test("starts every probe before the load and collects them after it", async () => {
    const { journal, run } = await measure({});
    await run;
    const start = position(journal, "load starts");
    const end = position(journal, "load has ended");
    for (const probe of ["counters on A", "counters on R2", "sink on B", "rtt on C"]) {
      expect(position(journal, `start ${probe}`)).toBeLessThan(start);
      expect(position(journal, `stop ${probe}`)).toBeGreaterThan(end);
    }
    expect(position(journal, "start host-load on R1")).toBeLessThan(start);
    expect(position(journal, "load the generator load")).toBeLessThan(start);
  });

  test("takes hosts' load and samplers' accuracy from the load phase alone, however long the probes ran", async () => {
    // Looks at 0, 1 and 100 s: half busy while the load runs (0 to 1 s), idle until it was collected.
    const ticks = [
      [0, 0, 0, 0, 0, 0, 0, 0],
      [50, 0, 0, 50, 0, 0, 0, 0],
      [50, 0, 0, 9950, 0, 0, 0, 0],
    ];
    const sampledUs = [0, 10_000, 20_000, 1_000_000, 1_500_000, 9_000_000];
    const { stored, run } = await measure({
      results: {
        "host-load": {
          ...{ cpus: [0], frequencyMhz: null, runnable: packedUint32s([3, 1, 0]) },
          ...{ atUs: packedInt64s([0, 1_000_000, 100_000_000]), ticks: packedInt64s(ticks.flat()) },
        },
        counters: {
          ...(resultOf.counters as object),
          ...{ beforeUs: packedInt64s(sampledUs), afterUs: packedInt64s(sampledUs) },
        },
      },
    });
    await run;
    expect(stored.measurement?.hostLoad).toMatchObject([
      { host: "R1", runnableMean: 2, cpus: [{ cpu: 0, userRatio: 0.5, idleRatio: 0.5 }] },
    ]);
    expect(stored.measurement?.accuracy[0]).toMatchObject({ maxMs: 980, missedTicks: 97 });
  });

  /** The scripted load ends at 1 s; two probes of the side flow came after it, and one is still under way. */
  const sideFlow = (answered: boolean) => ({
    rtt: {
      ...{ intervalMs: 10, refused: 0 },
      sentUs: [500_000, 1_100_000, 1_200_000, 1_500_000],
      rttMs: [1, 1, answered ? 1 : null, null],
    },
  });
  const baselineOf = async (script: Script) => {
    const { stored, journal, run } = await measure(script);
    await run;
    if (stored.measurement?.kind !== "forwarding") throw new Error("no forwarding was measured");
    return { baseline: stored.measurement.baseline, journal, events: stored.events };
  };

  test("asks for the baseline only where the side flow lost probes after the load, or right after a recovery", async () => {
    const calm = await baselineOf({ results: sideFlow(true) });
    expect(calm.baseline).toBeNull();
    expect(calm.journal).not.toContain("start baseline.answer on A");
    const lossy = await baselineOf({ results: sideFlow(false) });
    expect(lossy.baseline).toMatchObject({ fps: 1000, silence: null, offeredFrames: 1000 });
    expect(lossy.journal).toContain("start baseline.sink on B");
    const after = await baselineOf({ results: sideFlow(true), afterRecovery: true });
    expect(after.baseline).toMatchObject({ receivedFrames: 1000 });
  });

  test("a baseline that is not met leaves evidence of the router's hosts", async () => {
    const { baseline, events } = await baselineOf({
      results: {
        ...sideFlow(true),
        "baseline.sink": { ...(resultOf.sink as object), frames: 700 },
      },
      afterRecovery: true,
      campaign: { health: { fps: 500, ofCapacity: 0.1, durationMs: 100, lossRatio: 0.01 } },
    });
    expect(baseline).toMatchObject({
      ...{ fps: 500, durationMs: 100, allowedLossRatio: 0.01 },
      ...{ offeredFrames: 1000, receivedFrames: 700 },
      evidence: [
        "c-1/b01/t#1 evidence of the baseline R1",
        "c-1/b01/t#1 evidence of the baseline R2",
      ],
    });
    expect(events.filter(({ kind }) => kind === "evidence").map(({ content }) => content)).toEqual([
      expect.objectContaining({ afterRecovery: true }) as unknown,
      expect.objectContaining({ afterRecovery: true }) as unknown,
    ]);
  });

  test("stores measurement and series itself, and first of all how its load begins", async () => {
    const { journal, stored, run } = await measure({});
    await run;
    expect(stored.events.map(({ key }) => key)).toEqual(["c-1/b01/t#1 load begins"]);
    expect(stored.measurement?.kind).toBe("forwarding");
    expect(journal).toContain("series stored");
    expect(stored.measurement?.phases.map(({ name }) => name)).toEqual([
      "settle",
      "learn",
      "load",
      "drain",
      "collect",
    ]);
  });

  test("does not begin its load when the router stopped answering", async () => {
    const { journal, run } = await measure({ answers: () => false });
    await expect(run).rejects.toThrow(/router stopped answering: A got no answer from B/);
    expect(journal).not.toContain("load starts");
    expect(journal).toContain("load is stopped");
  });

  test("stops load and probes at once when the generator fails", async () => {
    const { journal, run, stored } = await measure({ finish: () => Promise.reject(failed()) });
    await expect(run).rejects.toThrow(CommandFailed);
    expect(journal).toContain("load is stopped");
    expect(journal).toContain("stop sink on B");
    expect(stored.measurement).toBeNull();
  });

  test("leaves its units to collect when the connection broke", async () => {
    const { journal, run } = await measure({
      finish: () => Promise.reject(new NoExitStatus("A: the connection broke")),
    });
    await expect(run).rejects.toThrow(NoExitStatus);
    expect(journal).not.toContain("load is stopped");
    expect(journal).not.toContain("stop sink on B");
  });

  test("ends load and probes when it is cancelled, and says so", async () => {
    const { promise: never } = Promise.withResolvers<undefined>();
    const scripted = scriptedBench({ finish: () => never });
    const environment = quietActivity();
    environment.on("heartbeat", (detail: { frames?: number }) => {
      if (detail.frames !== undefined) environment.cancel("CANCELLED");
    });
    await expect(environment.run(() => trialActs(scripted.deps).measure(ref))).rejects.toThrow(
      CancelledFailure,
    );
    expect(scripted.journal).toContain("load is stopped");
    expect(scripted.journal).toContain("stop counters on R1");
  });

  test.each([
    { reason: "WORKER_SHUTDOWN", why: "the worker is told to stop" },
    { reason: "NOT_FOUND", why: "Temporal knows nothing of it any more" },
    { reason: "TIMED_OUT", why: "Temporal was not heard for too long" },
  ] as const)("leaves its units running when $why", async ({ reason }) => {
    const { promise: never } = Promise.withResolvers<undefined>();
    const scripted = scriptedBench({ finish: () => never });
    const environment = quietActivity();
    environment.on("heartbeat", (detail: { frames?: number }) => {
      if (detail.frames !== undefined) environment.cancel(reason);
    });
    await expect(environment.run(() => trialActs(scripted.deps).measure(ref))).rejects.toThrow(
      CancelledFailure,
    );
    expect(scripted.journal).not.toContain("load is stopped");
  });
});

/** Dead on the NIC towards the sink from the load on: the side flow lives, and ARP on the other NICs. */
const deadOnB = (host: string, unit: string) =>
  !(unit === "silence" || unit === "lockup-forwarding")
    ? !(unit === "lockup-arp" && host === "B")
    : host !== "A";
/** The side flow's probes after the scripted load, all answered. */
const sideFlowLives = {
  rtt: { intervalMs: 10, refused: 0, sentUs: [500_000, 1_100_000, 1_500_000], rttMs: [1, 1, 1] },
};

describe("a router that is dead on the load's own NICs, while the side flow lives", () => {
  test("is asked through them after every load, and then in every way: ARP on each of its NICs", async () => {
    const script = { answers: deadOnB, results: sideFlowLives };
    const { journal, stored, run } = await measure(script);
    await run;
    expect(position(journal, "start silence on A")).toBeGreaterThan(
      position(journal, "load has ended"),
    );
    expect(journal).not.toContain("start silence on C");
    expect(stored.measurement?.router).toMatchObject({
      ...{ forwarding: "silent", arp: "silent", arpSilentOn: ["b"] },
    });
  });

  test("that lives costs that one question", async () => {
    const { journal, stored, run } = await measure({ results: sideFlowLives });
    await run;
    expect(journal).toContain("start silence on A");
    expect(journal.filter((line) => line.includes("lockup"))).toEqual([]);
    expect(stored.measurement?.router).toBeNull();
  });

  test("is found after a migration, too", async () => {
    const { stored, run } = await measure({
      ...{ kind: "migration", direction: "R1toR2", answers: deadOnB, results: sideFlowLives },
    });
    await run;
    expect(stored.measurement?.router).toMatchObject({ forwarding: "silent", arpSilentOn: ["b"] });
  });
});

describe("a migration trial", () => {
  test("moves the guest under load: started before, stopped after", async () => {
    const { journal, run } = await measure({ kind: "migration", direction: "R1toR2" });
    await run;
    const order = [
      "start sink on B",
      "load starts",
      "migrate",
      "load is stopped",
      "stop sink on B",
    ];
    const positions = order.map((line) => position(journal, line));
    expect(positions).toEqual([...positions].sort((one, other) => one - other));
    expect(journal.slice(positions[1], positions[3])).toEqual(["load starts", "migrate"]);
  });

  test("reads the counters of both routers' hosts before the load and after it, and keeps the path they lie on", async () => {
    const { journal, stored, run } = await measure({ kind: "migration", direction: "R2toR1" });
    await run;
    const start = position(journal, "load starts");
    for (const host of ["A", "B", "R1", "R2"]) {
      const readings = journal.flatMap((line, at) => (line === `counters ${host}` ? [at] : []));
      expect(readings.some((at) => at < start)).toBe(true);
      expect(readings.some((at) => at > position(journal, "load is stopped"))).toBe(true);
    }
    const { path } = stored.measurement as MigrationMeasurement;
    expect(path?.points.map(({ place }) => place)).toEqual([
      "source NIC",
      "R2: host NIC in",
      "R1: host NIC in",
      "sink NIC",
    ]);
  });

  test("stores what was measured of a migration that was cancelled at its deadline", async () => {
    const { stored, run } = await measure({
      kind: "migration",
      direction: "R2toR1",
      migrate: async () => ({ status: "cancelled", reason: "deadline", endUs: null }),
    });
    await run;
    expect(stored.measurement).toMatchObject({
      kind: "migration",
      migration: { status: "cancelled", source: "R2", destination: "R1" },
    });
  });

  test("beats only when the platform shows that something moved", async () => {
    const scripted = scriptedBench({ kind: "migration", direction: "R1toR2" });
    const environment = quietActivity();
    const beats: unknown[] = [];
    environment.on("heartbeat", (detail) => beats.push(detail));
    await environment.run(() => trialActs(scripted.deps).measure(ref));
    const migration = beats.findIndex((beat) => (beat as { phase?: string }).phase === "migration");
    expect(beats.slice(migration + 1, migration + 3)).toEqual([
      { transferredBytes: 1, remainingBytes: 1 },
      { phase: "after" },
    ]);
  });
});
