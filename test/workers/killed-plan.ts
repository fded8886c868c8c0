/** The plan that a worker is killed in, and how to kill one. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { WorkflowNotFoundError } from "@temporalio/client";
import { startCampaign, until } from "../workflows/run.ts";
import type { Bench } from "../workflows/run.ts";
import { scriptedPlan } from "../workflows/scripted.ts";

/** A migration, so that every act is ordered, and a trial after it. */
export const killedPlan = (campaignId: string) =>
  scriptedPlan(campaignId, ["migration", { loads: 1 }]);

/** A worker starts, and up to eleven of them beside each other: how long one may take to its act. */
const patienceMs = 100_000;

/** Acts on the first trial that have begun and whose end Temporal was not told yet, those of its recovery included. */
async function underWay({ environment }: Bench, campaignId: string): Promise<readonly string[]> {
  const trialId = killedPlan(campaignId)[0]?.id ?? "";
  const acts = await Promise.all(
    [trialId, `${trialId}/recovery-1`].map(async (workflowId) => {
      try {
        const { raw } = await environment.client.workflow.getHandle(workflowId).describe();
        return (raw.pendingActivities ?? []).map(({ activityType }) => activityType?.name ?? "");
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return [];
        throw error;
      }
    }),
  );
  return acts.flat().toSorted();
}

/** Starts a worker whose act `stuck` never ends, and kills it (SIGKILL) within that act. @returns the campaign. */
export async function killedWithin(
  bench: Bench,
  { campaignId, stuck, logFile }: { campaignId: string; stuck: string; logFile: string },
) {
  const script = join(import.meta.dirname, "scripted-worker.ts");
  const argv = [script, bench.environment.address, campaignId, bench.bundle, campaignId, logFile];
  const child = spawn(process.execPath, [...argv, stuck], { stdio: "inherit" });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  try {
    const handle = await startCampaign(bench.environment.client, campaignId, { campaignId });
    await until(`it is within ${stuck}`, () => existsSync(logFile), patienceMs);
    // What runs beside it may have ended without Temporal's knowing yet: the next worker would run it again.
    const alone = stuck === "judge" ? "judge restore" : stuck;
    await until(
      `nothing but ${alone} is under way`,
      async () => (await underWay(bench, campaignId)).join(" ") === alone,
      patienceMs,
    );
    return handle;
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
}
