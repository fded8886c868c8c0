/** A worker that is stopped in the midst of a measurement and goes on when another has finished it. */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bareCampaign, ownBench } from "./own-bench.ts";
import { secondWorker } from "./second-worker.ts";

const bench = ownBench("e2e-zombies", 200);
const suffix = randomBytes(3).toString("hex");

beforeAll(async () => {
  expect(await bench.longhaul("up")).toMatchObject({ exitCode: 0 });
});
afterAll(async () => {
  await bench.longhaul("down");
  expect(bench.left()).toEqual([]);
});

const migrations = (name: string): string => `name: ${name}
seed: 1
repetitions: 2
guest: { memoryMib: 96 }
phases: { settleMs: 50, learnMs: 50, trialMs: 2000, drainMs: 100, restMs: 50 }
migration: [{ platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ fps: 500 }] }]
migrationMarginMs: 1000
tolerance: { offeredLoadRatio: 0.5 }
`;

test.each([
  ["load", (name: string) => bareCampaign(name, 5000, [1000, 2000])],
  ["migration", migrations],
])(
  "one that was stopped in mid-%s changes no verdict and measures nothing twice",
  async (what, yamlOf) => {
    const id = `${what}-${suffix}`;
    const begun = await bench.run(bench.file(`${what}.yaml`, yamlOf(what)), "--id", id, "--detach");
    expect(begun).toMatchObject({ exitCode: 0 });
    const trialOf = async () =>
      (await bench.until(id, ({ current }) => current?.step === "measure")).current?.trial ?? "";
    const trial = await trialOf();
    interface Told {
      readonly evidence: readonly { readonly kind: string }[];
      readonly attemptLog: readonly { readonly verdict: string; readonly cut: boolean }[];
    }
    const told = () => bench.json<Told>("trial", trial);
    const loads = async () => (await told()).evidence.some(({ kind }) => kind === "load-begins");
    await expect.poll(loads, { timeout: 30_000 }).toBe(true);
    // Into the load, and past the margin before the migration.
    await delay(1500);
    const stopped = bench.pidOf("worker");
    process.kill(stopped, "SIGSTOP");
    const endOther = secondWorker(bench);
    try {
      await bench.until(id, ({ current }) => current !== null && current.trial !== trial, 120_000);
      const first = (await bench.trials(id)).find((one) => one.id === trial);
      expect(first).toMatchObject({ verdict: "valid" });
      process.kill(stopped, "SIGCONT");
      const end = await bench.until(id, ({ state }) => state === "completed", 120_000);
      expect(end.verdicts).toEqual({ valid: 2, invalid: 0, skipped: 0 });
      expect((await bench.trials(id)).find((one) => one.id === trial)).toEqual(first);
      const log = (await told()).attemptLog.map(({ verdict, cut }) => ({ verdict, cut }));
      // It ended by itself on the hosts: the other collected it.
      expect(log).toEqual([{ verdict: "valid", cut: false }]);
    } finally {
      process.kill(stopped, "SIGCONT");
      await endOther();
    }
  },
  300_000,
);
