import { describe, expect, test } from "vitest";
import { trialActs } from "../../activities/trials.ts";
import type { MigrationMeasurement, MigrationProgress } from "../../model/measurement.ts";
import { NoExitStatus } from "../../remote/shell.ts";
import { quietActivity } from "./quiet-activity.ts";
import type { Script } from "./scripted-bench.ts";
import { scriptedBench } from "./scripted-bench.ts";
import { ref } from "./scripted-facts.ts";

const hang = { windowMs: 300, progressRatio: 0.96, probeIntervalMs: 40, questionTimeoutMs: 100 };

/** An own beat beside what is measured: all that its ticks came late is what the machine added at most. */
function beating(intervalMs = 10) {
  let due = performance.now() + intervalMs;
  let lateMs = 0;
  const beat = setInterval(() => {
    const now = performance.now();
    lateMs += Math.max(0, now - due);
    due = now + intervalMs;
  }, intervalMs);
  return {
    /** Ends it. @returns what the machine added, and two ticks more. */
    end: () => {
      clearInterval(beat);
      return lateMs + Math.max(0, performance.now() - due) + 2 * intervalMs;
    },
  };
}

const seen = (more: Partial<MigrationProgress>): MigrationProgress => ({
  ...{ atUs: Math.round(performance.now() * 1000), transferredBytes: 1, remainingBytes: 1e6 },
  ...{ iteration: 1, dirtyRatePagesPerSecond: null },
  ...more,
});

/** A migration that ends only when it is aborted. */
function endless() {
  const { promise, resolve } = Promise.withResolvers<{ status: "cancelled"; reason: string }>();
  return {
    migrate: () => promise,
    abort: async () => resolve({ status: "cancelled", reason: "asked to stop" }),
  };
}

async function watched(script: Script) {
  const scripted = scriptedBench({
    kind: "migration",
    direction: "R1toR2",
    campaign: { hang, migrationDeadlineMs: 60_000 },
    ...script,
  });
  const environment = quietActivity();
  const beats: Record<string, unknown>[] = [];
  environment.on("heartbeat", (beat: Record<string, unknown>) => beats.push(beat));
  const beat = beating();
  await environment.run(() => trialActs(scripted.deps).measure(ref));
  const slackMs = beat.end();
  const { watch, migration } = scripted.stored.measurement as MigrationMeasurement;
  const evidence = scripted.stored.events.filter(({ kind }) => kind === "evidence");
  return { ...scripted, watch, migration, evidence, beats, slackMs };
}

describe("the watcher of a migration", () => {
  test("ends one that stalls within its bound, with evidence of both hosts before and after", async () => {
    let looks = 0;
    const { watch, migration, journal, evidence, slackMs } = await watched({
      ...endless(),
      linkBytes: () => (looks += 1),
      watch: {
        glance: async () => ({
          state: "running",
          progress: { ...seen({}), dirtyRatePagesPerSecond: null },
        }),
      },
    });
    expect(watch).toMatchObject({ verdict: "stalled", abort: "done", windowMs: 300, boundMs: 340 });
    expect(watch?.detectionTimeMs).toBeGreaterThanOrEqual(300);
    expect(watch?.detectionTimeMs).toBeLessThan(340 + slackMs);
    expect(migration.status).toBe("cancelled");
    const at = (line: string) => journal.indexOf(line);
    expect(at("evidence R1")).toBeLessThan(at("abort"));
    expect(journal.lastIndexOf("evidence R2")).toBeGreaterThan(at("abort"));
    expect(watch?.evidence).toEqual(evidence.map(({ key }) => key));
    expect(evidence.map(({ host }) => host)).toEqual(["R1", "R2", "R1", "R2"]);
    const seenBytes = watch?.samples.flatMap(({ linkBytes }) => linkBytes ?? []) ?? [];
    expect(seenBytes).toEqual(seenBytes.map((_, index) => (seenBytes[0] ?? NaN) + index));
    expect(seenBytes.length).toBeGreaterThan(0);
    expect(watch?.hosts.map(({ state }) => state)).toEqual(["same", "same"]);
  });

  test("ends one that never converges while its link is busy", async () => {
    let bytes = 0;
    const { watch } = await watched({
      ...endless(),
      linkBytes: () => (bytes += 1e6),
      watch: {
        glance: async () => ({ state: "running", progress: seen({ transferredBytes: bytes }) }),
      },
    });
    expect(watch).toMatchObject({ verdict: "not-converging", abort: "done" });
  });

  test("takes an answer from before the driver's newest word for no growth", async () => {
    const stalled = endless();
    let answers = 0;
    const { watch } = await watched({
      ...stalled,
      linkBytes: () => 7,
      migrate: (onProgress) => {
        onProgress(seen({ transferredBytes: 9, remainingBytes: 0.5 }));
        return stalled.migrate();
      },
      watch: {
        glance: async () => ({
          state: "running",
          progress: seen({
            transferredBytes: (answers += 1) < 5 ? 5 : 9,
            remainingBytes: answers < 5 ? 0.9 : 0.5,
          }),
        }),
      },
    });
    expect(watch?.verdict).toBe("stalled");
    expect(watch?.samples.filter(({ transferredBytes }) => transferredBytes === 5)).toEqual([]);
  });

  test("leaves one alone that makes progress for many windows", async () => {
    let left = 1;
    let proceed = () => undefined as void;
    const { watch, journal } = await watched({
      // Every look finds that something was transferred just before it.
      linkBytes: () => (proceed(), 7),
      migrate: (onProgress) => {
        const end = performance.now() + 1000;
        const { promise, resolve } = Promise.withResolvers<{ status: "completed" }>();
        proceed = () => {
          onProgress(seen({ remainingBytes: (left *= 0.9) }));
          if (performance.now() > end) resolve({ status: "completed" });
        };
        return promise;
      },
      watch: {},
    });
    expect(watch).toMatchObject({ verdict: "progressing", detectionTimeMs: null, evidence: [] });
    expect(journal).not.toContain("abort");
  });

  test("finds a silent toolstack by the deadline of one question, long before the window ends", async () => {
    const { watch, evidence, slackMs } = await watched({
      ...endless(),
      campaign: { hang: { ...hang, windowMs: 60_000 } },
      linkBytes: () => 7,
      watch: {
        glance: (host, _guest, timeoutMs) =>
          new Promise((_, reject) =>
            setTimeout(() => reject(new NoExitStatus(`${host}: silent`)), timeoutMs),
          ),
      },
    });
    expect(watch).toMatchObject({ verdict: "api-hung", boundMs: 140 });
    const detectionTimeMs = watch?.detectionTimeMs ?? NaN;
    expect(watch?.reason).toMatch(
      /^R1: the toolstack left a question unanswered for \d+(\.\d)? s: R1: silent/,
    );
    expect(detectionTimeMs).toBeLessThan(140 + slackMs);
    // Silent since its last answer, which lies an interval before the question.
    expect(detectionTimeMs).toBeGreaterThan(130);
    expect(evidence).toHaveLength(4);
  });

  test("hears a question out before it calls a migration stalled whose toolstack is silent", async () => {
    const { watch } = await watched({
      ...endless(),
      campaign: { hang: { ...hang, questionTimeoutMs: 600 } },
      linkBytes: () => 7,
      watch: {
        glance: (host, _guest, timeoutMs) =>
          new Promise((_, reject) =>
            setTimeout(() => reject(new NoExitStatus(`${host}: silent`)), timeoutMs),
          ),
      },
    });
    expect(watch?.verdict).toBe("api-hung");
  });

  test("a toolstack that cannot be told to stop has its unit ended and its log read", async () => {
    const { watch, migration, journal } = await watched({
      linkBytes: () => 7,
      migrate: () => Promise.withResolvers<never>().promise,
      abort: () => Promise.reject(new NoExitStatus("R1: no answer to migrate_cancel")),
      watch: {},
    });
    expect(watch).toMatchObject({ verdict: "stalled", abort: "R1: no answer to migrate_cancel" });
    expect(journal).toContain("stop migration on R1");
    expect(migration.status).toBe("completed");
  });

  test("beats while the link carries what the platform does not tell, and not for its noise", async () => {
    /** A migration that ends at the sixth look at its link, which grows by so much at each. */
    const growing = (byBytes: number): Script => {
      const { promise, resolve } = Promise.withResolvers<{ status: "completed" }>();
      let [bytes, looks] = [0, -Infinity];
      return {
        migrate: () => ((looks = 0), promise),
        linkBytes: () => {
          if ((looks += 1) === 6) resolve({ status: "completed" });
          return (bytes += byBytes);
        },
      };
    };
    const carrying = await watched(growing(1e6));
    expect(carrying.beats.filter((beat) => "linkBytes" in beat).length).toBeGreaterThan(2);
    const idle = await watched(growing(100));
    // The first reading is news; from then on nothing is.
    expect(idle.beats.filter((beat) => "linkBytes" in beat)).toHaveLength(1);
  });

  test("asks both hosts for evidence after a migration that failed by itself", async () => {
    const { watch, evidence } = await watched({
      migrate: async () => ({ status: "failed", reason: "load of migration failed" }),
      watch: {},
    });
    expect(watch).toMatchObject({ verdict: "progressing", abort: null });
    expect(watch?.evidence).toHaveLength(2);
    expect(evidence[0]?.content).toMatchObject({ status: "failed" });
  });

  test("tells a destination that lost its power from one that stalls", async () => {
    const bootIds: Record<string, string> = {};
    const { watch } = await watched({
      ...endless(),
      linkBytes: () => 7,
      bootIds,
      watch: {
        evidence: async () => {
          bootIds.R2 = "another boot";
          return {};
        },
      },
    });
    expect(watch?.verdict).toBe("stalled");
    expect(watch?.hosts).toEqual([
      { host: "R1", state: "same" },
      { host: "R2", state: "booted" },
    ]);
  });
});
