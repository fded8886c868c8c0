import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freshId, startCampaign, until, worker } from "../workflows/run.ts";
import type { Bench } from "../workflows/run.ts";
import { scripted, scriptedPlan } from "../workflows/scripted.ts";
import { scriptedRecovery } from "../workflows/scripted-recovery.ts";
import { temporalServer } from "../workflows/server.ts";

let bench: Bench;
const folder = mkdtempSync(join(tmpdir(), "longhaul-killed-"));
beforeAll(async () => {
  bench = await temporalServer();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await bench.environment.teardown();
});

test("a worker killed within a rung is followed by another, which climbs that rung again under its token and goes on", async () => {
  const campaignId = freshId();
  const logFile = join(folder, campaignId);
  const script = join(import.meta.dirname, "scripted-worker.ts");
  const argv = [script, bench.environment.address, campaignId, bench.bundle, campaignId, logFile];
  const child = spawn(process.execPath, [...argv, "recreate"], { stdio: "inherit" });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const handle = await startCampaign(bench.environment.client, campaignId, { campaignId });
  await until("it climbs", () => existsSync(logFile));
  child.kill("SIGKILL");
  await exited;

  const plan = scriptedPlan(campaignId, [{ loads: 2 }]);
  const [first] = plan;
  // As the killed worker left it: the first trial has its verdict.
  first?.attempts.push({
    attempt: 1,
    token: 1_000_001,
    verdict: "valid",
    cut: false,
    reason: null,
  });
  Object.assign(first ?? {}, { state: "valid", verdicts: 1 });
  const next = scripted(plan);
  const recovery = scriptedRecovery();
  const running = await worker(bench, { ...next.activities, ...recovery.acts }, campaignId);
  expect(await running.runUntil(handle.result())).toMatchObject({ status: "completed" });
  expect(recovery.orders.map(({ step, ref }) => [step, ref.token])).toEqual([
    ["recreate", 1_000_004],
    ["health", 1_000_005],
  ]);
  expect(next.tokens).toEqual([1_000_006]);
  expect(plan.map(({ state, verdicts }) => [state, verdicts])).toEqual([
    ["valid", 1],
    ["valid", 1],
  ]);
});
