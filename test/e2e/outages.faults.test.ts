/** Temporal is away for minutes, and the worker comes back by itself. */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bareCampaign, ownBench } from "./own-bench.ts";

const bench = ownBench("e2e-temporal-away");
const awayMs = 150_000;

beforeAll(async () => {
  expect(await bench.longhaul("up")).toMatchObject({ exitCode: 0 });
});
afterAll(async () => {
  await bench.longhaul("down");
  expect(bench.left()).toEqual([]);
});

test("a worker whose Temporal is away for two and a half minutes goes on when it is back, and what was measured meanwhile is collected", async () => {
  const id = `away-${randomBytes(3).toString("hex")}`;
  const file = bench.file("away.yaml", bareCampaign("away", 5000, [1000, 2000]));
  expect(await bench.run(file, "--id", id, "--detach")).toMatchObject({ exitCode: 0 });
  const { current } = await bench.until(id, ({ current: now }) => now?.step === "measure");
  await delay(1000);
  const worker = bench.pidOf("worker");
  // Without its supervisor nobody starts the server again.
  process.kill(bench.pidOf("supervisor"), "SIGKILL");
  process.kill(bench.pidOf("temporal"), "SIGKILL");
  await delay(awayMs);
  expect(await bench.longhaul("up")).toMatchObject({ exitCode: 0 });
  expect(bench.pidOf("worker")).toBe(worker);
  const end = await bench.until(id, ({ state }) => state === "completed", 120_000);
  expect(end).toMatchObject({ planned: 2, verdicts: { valid: 2, invalid: 0, skipped: 0 } });
  expect(bench.pidOf("worker")).toBe(worker);
  const { attemptLog } = await bench.json<{
    attemptLog: readonly { readonly verdict: string; readonly cut: boolean }[];
  }>("trial", current?.trial ?? "");
  expect(attemptLog.map(({ verdict, cut }) => ({ verdict, cut }))).toEqual([
    { verdict: "valid", cut: false },
  ]);
}, 420_000);
