import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freshId, startCampaign, until, worker } from "../workflows/run.ts";
import type { Bench } from "../workflows/run.ts";
import { scripted, scriptedPlan } from "../workflows/scripted.ts";
import { temporalServer } from "../workflows/server.ts";
import type { CampaignView } from "../../workflows/messages.ts";

let bench: Bench;
const folder = mkdtempSync(join(tmpdir(), "longhaul-killed-"));
beforeAll(async () => {
  bench = await temporalServer();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await bench.environment.teardown();
});

/** Starts the worker that never ends its measurement, and kills it in the middle. */
async function killedInTheMiddle(campaignId: string) {
  const logFile = join(folder, campaignId);
  const script = join(import.meta.dirname, "scripted-worker.ts");
  const argv = [script, bench.environment.address, campaignId, bench.bundle, campaignId, logFile];
  const child = spawn(process.execPath, argv, { stdio: "inherit" });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const handle = await startCampaign(bench.environment.client, campaignId, { campaignId });
  await until("it measures", () => existsSync(logFile));
  child.kill("SIGKILL");
  await exited;
  return handle;
}

/** The plan as the killed worker left it: the first trial's first attempt is open. */
function planLeftBy(campaignId: string) {
  const plan = scriptedPlan(campaignId, [{ loads: 2 }]);
  plan[0]?.attempts.push({ attempt: 1, token: 1_000_001, verdict: null, cut: false, reason: null });
  return plan;
}

test("a worker killed in the middle of a measurement is followed by another, which collects first and loses no trial", async () => {
  const campaignId = freshId();
  const handle = await killedInTheMiddle(campaignId);
  const script = scripted(planLeftBy(campaignId));
  const next = await worker(bench, script.activities, campaignId);
  await next.runUntil(async () => {
    const asked = Date.now();
    expect(await handle.query<CampaignView, []>("state")).toMatchObject({ state: "running" });
    // The sticky queue of the dead worker costs one second, not the SDK's ten.
    expect(Date.now() - asked).toBeLessThan(6000);
    expect(await handle.result()).toMatchObject({ status: "completed" });
  });
  expect(script.calls.slice(0, 3)).toEqual([
    "collect load1#1",
    "rejectAttempt load1#1",
    "restore load1#1",
  ]);
  expect(script.trials).toMatchObject([
    { state: "valid", verdicts: 1, attempts: [{ cut: true }, { verdict: "valid" }] },
    { state: "valid", verdicts: 1, attempts: [{ attempt: 1 }] },
  ]);
});

test("a measurement that finished on the hosts though its worker was killed is judged, not measured again", async () => {
  const campaignId = freshId();
  const handle = await killedInTheMiddle(campaignId);
  const script = scripted(planLeftBy(campaignId), {
    collect: () => async () => ({ status: "measured" }),
  });
  const next = await worker(bench, script.activities, campaignId);
  await next.runUntil(handle.result());
  expect(script.calls.filter((call) => call.includes("load1"))).toEqual([
    "collect load1#1",
    "judge load1#1",
    "restore load1#1",
  ]);
});
