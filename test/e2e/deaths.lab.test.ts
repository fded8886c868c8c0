/** Whatever dies in the middle of a measurement, the campaign goes on by itself and loses nothing. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hostFolder } from "../../lab/namespace-host.ts";
import { hostNames } from "../../model/testbed.ts";
import { killedInSteps, latinSquare } from "./killed-in-steps.ts";
import { bareCampaign, ownBench } from "./own-bench.ts";
import { secondWorker } from "./second-worker.ts";

// A migration lasts for seconds, so that a kill meets it.
const bench = ownBench("e2e-deaths", 200);
const suffix = randomBytes(3).toString("hex");

beforeAll(async () => {
  const up = await bench.longhaul("up");
  expect(up.stderr + String(up.exitCode)).toMatch(/0$/);
});
afterAll(async () => {
  await bench.longhaul("down");
  expect(bench.left()).toEqual([]);
});

/** Starts a campaign in the background; its trials are measured in the order of the plan. */
async function begun(
  name: string,
  trialMs: number,
  fps: readonly number[],
  settleMs?: number,
): Promise<string> {
  const id = `${name}-${suffix}`;
  const file = bench.file(`${name}.yaml`, bareCampaign(name, trialMs, fps, settleMs));
  const { exitCode, stderr } = await bench.run(file, "--id", id, "--detach");
  if (exitCode !== 0) throw new Error(stderr);
  return id;
}

/** Waits until a trial is measured, and a second longer: into its load. */
async function inTheMiddle(id: string): Promise<string> {
  const { current } = await bench.until(id, ({ current: now }) => now?.step === "measure");
  await delay(1000);
  return current?.trial ?? "";
}

const attemptsOf = async (trialId: string) =>
  (await bench.json<{ attemptLog: { verdict: string | null; cut: boolean }[] }>("trial", trialId))
    .attemptLog;

const [kills = []] = latinSquare;

test(`in each step of real trials something is killed (${kills.map(({ step, victims }) => `${step}: ${victims.join(" + ")}`).join(", ")}), and nothing is lost or doubled`, async () => {
  await killedInSteps(bench, `steps-${suffix}`, kills);
}, 420_000);

test("a host that loses its power costs the attempt, not the trial", async () => {
  const id = await begun("powered", 6000, [1000]);
  const trial = await inTheMiddle(id);
  const { exitCode, stderr } = await bench.longhaul("lab", "power", "R1", "cycle");
  expect(exitCode).toBe(0);
  expect(stderr).toContain(id);
  const end = await bench.until(id, ({ state }) => state === "completed");
  expect(end).toMatchObject({ planned: 1, verdicts: { valid: 1, invalid: 0, skipped: 0 } });
  const log = await attemptsOf(trial);
  expect(log.map(({ verdict }) => verdict)).toEqual(["invalid", "valid"]);
}, 90_000);

test("down in the middle of a campaign, and up again: it goes on by itself", async () => {
  const id = await begun("resumed", 8000, [1000, 2000]);
  await inTheMiddle(id);
  const down = await bench.longhaul("down");
  expect(down.exitCode).toBe(0);
  expect(down.stderr).toContain(id);
  expect(bench.left()).toEqual([]);
  expect((await bench.longhaul("up")).exitCode).toBe(0);
  const end = await bench.until(id, ({ state }) => state === "completed");
  expect(end).toMatchObject({ planned: 2, verdicts: { valid: 2, invalid: 0, skipped: 0 } });
}, 120_000);

/** What a host itself wrote down that it refused: the token that was shown, and the highest that it knew. */
const refusals = () =>
  hostNames.flatMap((host) =>
    readFileSync(join(hostFolder(bench.state, host), "journal.jsonl"), "utf8")
      .split("\n")
      .filter((line) => line.includes('"refused"'))
      .map((line) => JSON.parse(line) as { token: number; highest?: number }),
  );

test("a worker that was stopped before its load and goes on when another has taken over is refused by the hosts, and changes no verdict", async () => {
  const id = await begun("stopped", 2000, [1000, 2000], 6000);
  const { current } = await bench.until(id, ({ current: now }) => now?.step === "measure");
  const trial = current?.trial ?? "";
  const stopped = bench.pidOf("worker");
  // It would end the stopped worker for its silence, and nobody could come back.
  process.kill(bench.pidOf("supervisor"), "SIGKILL");
  process.kill(stopped, "SIGSTOP");
  const endOther = secondWorker(bench);
  try {
    await bench.until(id, ({ current: now }) => now !== null && now.trial !== trial, 90_000);
    const first = (await bench.trials(id)).find((one) => one.id === trial);
    expect(refusals()).toEqual([]);
    process.kill(stopped, "SIGCONT");
    const end = await bench.until(id, ({ state }) => state === "completed");
    expect(end.verdicts).toEqual({ valid: 2, invalid: 0, skipped: 0 });
    expect((await bench.trials(id)).find((one) => one.id === trial)).toEqual(first);
    const refused = refusals();
    expect(refused.length).toBeGreaterThan(0);
    for (const { token, highest } of refused) expect(token).toBeLessThan(highest ?? 0);
    const { evidence, attemptLog } = await bench.json<{
      evidence: { kind: string; content: { token: number; words: string } }[];
      attemptLog: { token: number; verdict: string; cut: boolean }[];
    }>("trial", trial);
    expect(attemptLog.map(({ verdict, cut }) => [verdict, cut])).toEqual([
      ["invalid", true],
      ["valid", false],
    ]);
    const token = attemptLog[0]?.token;
    expect(refused.map((one) => one.token)).toContain(token);
    expect(evidence.filter(({ kind }) => kind === "refused").map(({ content }) => content)).toEqual(
      [{ token, words: expect.stringContaining(`token ${token} is below`) as unknown }],
    );
  } finally {
    process.kill(stopped, "SIGCONT");
    await endOther();
  }
}, 180_000);
