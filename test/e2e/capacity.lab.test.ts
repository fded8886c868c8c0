/** Loads as fractions of a capacity that is searched on the lab, also when the worker dies in the middle of the search. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { hostFolder } from "../../lab/namespace-host.ts";
import { ownBench } from "./own-bench.ts";

const bench = ownBench("e2e-capacity");
const id = `fractions-${randomBytes(3).toString("hex")}`;
/** 128 bytes are not among the testbed file's calibrated frame sizes. */
const campaign = bench.file(
  "fractions.yaml",
  `name: fractions
seed: 1
repetitions: 1
beyondTestbed: omit
phases: { settleMs: 50, learnMs: 50, trialMs: 500, drainMs: 200, restMs: 50 }
forwarding:
  - platforms: [kvm-virtio]
    frameSizesBytes: [128]
    loads: [{ ofCapacity: 0.25 }, { ofCapacity: 0.5 }, { ofCapacity: 100 }]
tolerance: { offeredLoadRatio: 0.1 }
`,
);

afterAll(async () => {
  await bench.longhaul("down");
  expect(bench.left()).toEqual([]);
});

/** Units of the search on the sink's host, in the order in which they were started. */
function searched(): readonly { readonly token: number; readonly unit: string }[] {
  const journal = join(hostFolder(bench.state, "B"), "journal.jsonl");
  if (!existsSync(journal)) return [];
  return [
    ...readFileSync(journal, "utf8").matchAll(/capacity-(\d+)\.kvm-virtio-128B\.\d+\.sink/g),
  ].map(([unit, token]) => ({ unit, token: Number(token) }));
}

test("a search that its worker's death cut is done again under a higher token, and the trials are measured at its fractions", async () => {
  const begun = await bench.run(campaign, "--id", id, "--detach");
  expect(begun.exitCode, begun.stderr).toBe(0);
  expect(begun.stderr).toMatch(/tcpreplay at 128 B: up to \d+ frames\/s without loss/);
  await expect.poll(() => searched().length, { timeout: 60_000 }).toBeGreaterThan(2);
  process.kill(bench.pidOf("worker"), "SIGKILL");

  const end = await bench.until(id, ({ state }) => state === "completed", 120_000);
  expect(end).toMatchObject({
    ...{ planned: 3, pending: 0, running: 0 },
    verdicts: { valid: 2, invalid: 0, skipped: 1 },
  });
  const tokens = [...new Set(searched().map(({ token }) => token))];
  expect(tokens.length).toBeGreaterThan(1);
  expect(tokens).toEqual([...tokens].sort((one, other) => one - other));

  const trials = await bench.trials(id);
  const fpsOf = (load: string) =>
    trials.find(({ scenario }) => scenario.load === load)?.scenario.intendedFps ?? NaN;
  const capacityFps = 4 * fpsOf("0.25capacity");
  expect(capacityFps).toBeGreaterThan(100);
  expect(fpsOf("0.5capacity")).toBeCloseTo(capacityFps / 2);
  expect(trials.find(({ scenario }) => scenario.load === "100capacity")).toMatchObject({
    ...{ state: "skipped", attempts: 0 },
    reason: expect.stringMatching(/^beyond the testbed: .*frames\/s.*frames\/s/) as string,
  });
}, 240_000);
