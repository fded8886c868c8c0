/** Servers that are away for long, lose their data or die together, while the hosts measure on. */
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  closeSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bareCampaign, ownBench } from "./own-bench.ts";

const bench = ownBench("e2e-outages");
const suffix = randomBytes(3).toString("hex");

beforeAll(async () => {
  const up = await bench.longhaul("up");
  expect(up.stderr + String(up.exitCode)).toMatch(/0$/);
});
afterAll(async () => {
  await bench.longhaul("down");
  expect(bench.left()).toEqual([]);
});

async function begun(name: string, trialMs: number, fps: readonly number[]): Promise<string> {
  const id = `${name}-${suffix}`;
  const file = bench.file(`${name}.yaml`, bareCampaign(name, trialMs, fps));
  const { exitCode, stderr } = await bench.run(file, "--id", id, "--detach");
  if (exitCode !== 0) throw new Error(stderr);
  return id;
}

/** Waits until a trial other than these is under load for a second. */
async function inTheMiddle(id: string, ...before: readonly string[]): Promise<string> {
  const { current } = await bench.until(
    id,
    ({ current: now }) => now?.step === "measure" && !before.includes(now.trial),
  );
  await delay(1000);
  return current?.trial ?? "";
}

interface Attempts {
  readonly attemptLog: readonly { verdict: string | null; cut: boolean; token: number }[];
}
const attemptsOf = async (trial: string) =>
  (await bench.json<Attempts>("trial", trial)).attemptLog.map(({ verdict, cut }) => ({
    ...{ verdict, cut },
  }));
const validOnce = [{ verdict: "valid", cut: false }];
const kill = (...pids: readonly number[]): void => {
  for (const pid of pids) process.kill(pid, "SIGKILL");
};

test("services that die together, and a damaged database of Temporal's, cost a campaign nothing", async () => {
  const id = await begun("lost", 6000, [1000, 2000, 3000]);
  const first = await inTheMiddle(id);
  kill(bench.pidOf("worker"), bench.pidOf("temporal"), bench.pidOf("postgres"));
  const second = await inTheMiddle(id, first);
  const decided = (await bench.trials(id)).find((trial) => trial.id === first);
  expect(decided).toMatchObject({ state: "valid" });

  const supervisor = bench.pidOf("supervisor");
  kill(supervisor, bench.pidOf("worker"), bench.pidOf("temporal"), bench.pidOf("postgres"));
  const database = join(bench.state.path, "temporal/temporal.db");
  const handle = openSync(database, "r+");
  const middle = 4096 * Math.floor(statSync(database).size / 8192);
  writeSync(handle, "garbage ".repeat(16 * 512), middle);
  closeSync(handle);
  const up = await bench.longhaul("up");
  expect(up).toMatchObject({ exitCode: 0 });
  expect(up.stderr).toContain(
    `Temporal's database was damaged; it is kept as ${database}.damaged-`,
  );
  expect(up.stderr).toContain(`campaign ${id} was begun anew from the store`);

  const end = await bench.until(id, ({ state }) => state === "completed");
  expect(end).toMatchObject({ planned: 3, verdicts: { valid: 3, invalid: 0, skipped: 0 } });
  const trials = await bench.trials(id);
  expect(trials.find((trial) => trial.id === first)).toEqual(decided);
  // Their loads went on while everything was dead: collected, not measured again.
  for (const trial of [first, second]) expect(await attemptsOf(trial)).toEqual(validOnce);
  const logs = await Promise.all(trials.map((trial) => bench.json<Attempts>("trial", trial.id)));
  const tokens = logs.flatMap(({ attemptLog }) => attemptLog.map(({ token }) => token));
  expect(tokens).toEqual([...new Set(tokens)].sort((one, other) => one - other));
  expect(Math.floor((tokens.at(-1) ?? 0) / 1e6)).toBeGreaterThan(
    Math.floor((tokens[0] ?? 0) / 1e6),
  );
}, 180_000);

test("results wait while PostgreSQL does not come up, status says for what, and nothing is measured twice", async () => {
  const id = await begun("waits", 5000, [1000, 2000]);
  const trial = await inTheMiddle(id);
  const settings = join(bench.state.path, "postgres/postgresql.auto.conf");
  const sound = readFileSync(settings);
  appendFileSync(settings, "no_such_setting = on\n");
  kill(bench.pidOf("postgres"));
  await delay(20_000);
  const away = await bench.json<object>("status", id);
  expect(away).toMatchObject({ state: null, planned: null, running: null, attempts: null });
  expect(away).toMatchObject({
    reason: expect.stringMatching(/PostgreSQL cannot be reached/) as string,
  });
  writeFileSync(settings, sound);
  const back = async () => (await bench.longhaul("status", id)).stdout.includes("ledger");
  await expect.poll(back, { timeout: 60_000, interval: 500 }).toBe(true);
  const end = await bench.until(id, ({ state }) => state === "completed", 90_000);
  expect(end).toMatchObject({ planned: 2, verdicts: { valid: 2, invalid: 0, skipped: 0 } });
  expect(await attemptsOf(trial)).toEqual(validOnce);
}, 240_000);
