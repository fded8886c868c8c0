/** The plan that a worker is killed in, and how to kill one. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { startCampaign, until } from "../workflows/run.ts";
import type { Bench } from "../workflows/run.ts";
import { scriptedPlan } from "../workflows/scripted.ts";

/** A migration, so that every act is ordered, and a trial after it. */
export const killedPlan = (campaignId: string) =>
  scriptedPlan(campaignId, ["migration", { loads: 1 }]);

/** Starts a worker whose act `stuck` never ends, and kills it (SIGKILL) within that act. @returns the campaign. */
export async function killedWithin(
  bench: Bench,
  { campaignId, stuck, logFile }: { campaignId: string; stuck: string; logFile: string },
) {
  const script = join(import.meta.dirname, "scripted-worker.ts");
  const argv = [script, bench.environment.address, campaignId, bench.bundle, campaignId, logFile];
  const child = spawn(process.execPath, [...argv, stuck], { stdio: "inherit" });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const handle = await startCampaign(bench.environment.client, campaignId, { campaignId });
  await until(`it is within ${stuck}`, () => existsSync(logFile));
  child.kill("SIGKILL");
  await exited;
  return handle;
}
