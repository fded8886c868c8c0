import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { keep } from "../../services/keeper.ts";
import type { Keepable, Keeper } from "../../services/keeper.ts";
import type { Listening } from "../../services/silence.ts";
import { gone, identityOf, isAlive, signalTo } from "../../services/process-identity.ts";
import type { ProcessIdentity } from "../../services/process-identity.ts";
import type { ServiceRecord } from "../../services/services-file.ts";

const folder = mkdtempSync(join(tmpdir(), "longhaul-keeper-"));
const keepers: Keeper[] = [];
afterAll(async () => {
  await Promise.all(keepers.map((keeper) => keeper.stop()));
  rmSync(folder, { recursive: true });
});

/** Keeps a shell script alive and tells what was recorded of it. */
function kept(
  script: string,
  given: Partial<Keepable> = {},
  adopted: ProcessIdentity | null = null,
  listening: Listening = { lookEveryMs: 20, silentLooks: 3 },
) {
  const records: ServiceRecord[] = [];
  const lines: string[] = [];
  const logFile = join(folder, `${keepers.length}.log`);
  const keeper = keep(
    {
      name: "thing",
      command: () =>
        Promise.resolve({
          argv: ["sh", "-c", script],
          env: { PATH: process.env.PATH },
          cwd: folder,
        }),
      ready: () => Promise.resolve(true),
      answers: () => Promise.resolve(true),
      logFile,
      stopSignal: "SIGTERM",
      stopGraceMs: 2000,
      startDeadlineMs: 2000,
      ...given,
    },
    adopted,
    (record) => records.push(record),
    (line) => lines.push(line),
    listening,
  );
  keepers.push(keeper);
  const running = async (after = 0): Promise<ProcessIdentity> => {
    await expect
      .poll(() => records.slice(after).some(({ state }) => state === "running"), {
        timeout: 10_000,
      })
      .toBe(true);
    const process = records.findLast(({ state }) => state === "running")?.process;
    if (!process) throw new Error("running without a process");
    return process;
  };
  return { keeper, records, lines, logFile, running };
}

test("a service that is killed is started again, and its end is on record", async () => {
  const { records, running, keeper } = kept("exec sleep 1000");
  const first = await running();
  const seen = records.length;
  signalTo(first, "SIGKILL");
  const second = await running(seen);
  expect(second.pid).not.toBe(first.pid);
  expect(records.at(-1)).toMatchObject({ restarts: 1, lastEnd: "SIGKILL" });
  await keeper.stop();
  expect(isAlive(second)).toBe(false);
  expect(records.at(-1)).toMatchObject({ state: "stopped", process: null });
});

test("the pauses between starts double, so that a service that cannot live makes no busy loop", async () => {
  const { records, keeper, lines } = kept("echo hopeless; exit 3");
  await expect.poll(() => records.at(-1)?.restarts, { timeout: 10_000 }).toBe(4);
  await keeper.stop();
  expect(lines.filter((line) => line.includes("next start"))).toEqual(
    [200, 400, 800, 1600].map((ms) => `thing: exit 3; next start in ${ms} ms`),
  );
});

test("a start that cannot be prepared counts as a failed one and is tried again", async () => {
  let refusals = 2;
  const { running, records } = kept("", {
    command: () =>
      refusals-- > 0
        ? Promise.reject(new Error("port taken"))
        : Promise.resolve({ argv: ["sleep", "1000"], env: process.env, cwd: folder }),
  });
  await running();
  expect(records.at(-1)).toMatchObject({ restarts: 2, lastEnd: "port taken" });
});

test("a service that does not become ready is ended and tried again", async () => {
  const { records, lines } = kept("exec sleep 1000", {
    ready: () => Promise.resolve(false),
    startDeadlineMs: 100,
  });
  await expect.poll(() => records.at(-1)?.restarts, { timeout: 10_000 }).toBe(1);
  expect(lines).toContain("thing: not ready after 100 ms; ended");
});

/** Hung from the moment when it is told to, and again never, as its next process is another. */
const hangs = () => {
  let hung: number | null = null;
  return {
    hang: ({ pid }: ProcessIdentity): void => {
      hung = pid;
      process.kill(pid, "SIGSTOP");
    },
    answers: ({ pid }: ProcessIdentity): Promise<boolean> =>
      pid === hung ? new Promise(() => undefined) : Promise.resolve(true),
  };
};

test("a service that hangs while it runs is ended and started anew, and its record says so", async () => {
  const { hang, answers } = hangs();
  const { running, records, lines } = kept("exec sleep 1000", { answers, stopGraceMs: 100 });
  const first = await running();
  const seen = records.length;
  hang(first);
  const second = await running(seen);
  expect(second.pid).not.toBe(first.pid);
  expect(isAlive(first)).toBe(false);
  expect(records.slice(seen).map(({ state }) => state)).toEqual([
    "hung",
    "waiting",
    "starting",
    "running",
  ]);
  expect(records.at(-1)).toMatchObject({
    restarts: 1,
    lastEnd: "hung: no answer for 0.06 s; killed",
  });
  expect(lines).toContain("thing: hung: no answer for 0.06 s; it is ended");
});

test("an adopted service that hangs is ended, too", async () => {
  const { hang, answers } = hangs();
  const earlier = kept("exec sleep 1000");
  const orphan = await earlier.running();
  const later = kept("exec sleep 1000", { answers, stopGraceMs: 100 }, orphan);
  await later.running();
  const seen = later.records.length;
  hang(orphan);
  expect((await later.running(seen)).pid).not.toBe(orphan.pid);
});

test("a service that is silent now and then is left alone", async () => {
  let looks = 0;
  const { running, records } = kept("exec sleep 1000", {
    answers: () => Promise.resolve(++looks % 3 === 0),
  });
  const only = await running();
  await expect.poll(() => looks, { timeout: 10_000 }).toBeGreaterThan(12);
  expect(isAlive(only)).toBe(true);
  expect(records.map(({ state }) => state)).toEqual(["starting", "running"]);
});

test("who hangs again at once is given twice the time, so that a wrong suspicion makes no storm", async () => {
  const { records, keeper } = kept("exec sleep 1000", {
    answers: () => Promise.reject(new Error("away")),
  });
  await expect.poll(() => records.at(-1)?.restarts, { timeout: 10_000 }).toBe(3);
  await keeper.stop();
  const ends = records.filter(({ state }) => state === "waiting").map(({ lastEnd }) => lastEnd);
  expect(ends.slice(0, 3)).toEqual(
    ["0.06", "0.12", "0.24"].map((seconds) => `hung: no answer for ${seconds} s; ended`),
  );
});

test("a service left by an earlier keeper is adopted, and replaced when it ends", async () => {
  const earlier = kept("exec sleep 1000");
  const orphan = await earlier.running();
  const later = kept("exec sleep 1000", {}, orphan);
  expect((await later.running()).pid).toBe(orphan.pid);
  const seen = later.records.length;
  await earlier.keeper.stop();
  expect((await later.running(seen)).pid).not.toBe(orphan.pid);
});

test("a recorded pid that another program has now is not adopted and never signalled", async () => {
  const own = identityOf(process.pid);
  if (own === null) throw new Error("this process has no identity");
  const reused = { ...own, startTicks: own.startTicks - 1 };
  expect(signalTo(reused, "SIGKILL")).toBe(false);
  const { running } = kept("exec sleep 1000", {}, reused);
  expect((await running()).pid).not.toBe(process.pid);
});

test("a process of an earlier boot is not taken for alive", () => {
  const own = identityOf(process.pid);
  if (own === null) throw new Error("this process has no identity");
  expect(isAlive(own)).toBe(true);
  expect(isAlive({ ...own, bootId: "another" })).toBe(false);
});

test("a service that ignores its stop signal is killed after its grace", async () => {
  const { keeper, running, logFile } = kept(
    "trap '' TERM; echo deaf; while :; do sleep 0.05; done",
    { stopGraceMs: 200 },
  );
  const process = await running();
  await expect.poll(() => readFileSync(logFile, "utf8"), { timeout: 10_000 }).toContain("deaf");
  await keeper.stop();
  expect(await gone(process, 0)).toBe(true);
});

test("a start that waits for something is given up when the keeper is stopped", async () => {
  let waits = false;
  const { keeper, records } = kept("exec sleep 1000", {
    command: async (stopping) => {
      waits = true;
      return await new Promise((_, reject) => {
        stopping.addEventListener("abort", () => reject(new Error("given up")));
      });
    },
  });
  await expect.poll(() => waits, { timeout: 10_000 }).toBe(true);
  await keeper.stop();
  expect(records.at(-1)).toMatchObject({ state: "stopped", process: null });
});
