/** The plan that a worker is killed in, and how to kill one. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WorkflowNotFoundError } from "@temporalio/client";
import { startCampaign, until } from "../workflows/run.ts";
import type { Bench } from "../workflows/run.ts";
import { scriptedPlan } from "../workflows/scripted.ts";

/** A migration, so that every act is ordered, and a trial after it. */
export const killedPlan = (campaignId: string) =>
  scriptedPlan(campaignId, ["migration", { loads: 1 }]);

/** A worker starts, and all its campaigns beside each other: how long it may take to each one's act. */
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

export interface Stuck {
  readonly campaignId: string;
  /** The act that never ends. */
  readonly act: string;
}

/** Starts campaigns with a worker each, and kills all of these (SIGKILL) when each is within its act. @returns the campaigns, in order */
export async function killedWithin(bench: Bench, stuck: readonly Stuck[]) {
  const folder = mkdtempSync(join(tmpdir(), "longhaul-killed-"));
  const script = join(import.meta.dirname, "scripted-worker.ts");
  const argv = [script, bench.environment.address, bench.bundle, folder];
  const campaigns = stuck.map(({ campaignId, act }) => `${campaignId}=${act}`);
  const child = spawn(process.execPath, [...argv, ...campaigns], { stdio: "inherit" });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  try {
    const handles = await Promise.all(
      stuck.map(({ campaignId }) =>
        startCampaign(bench.environment.client, campaignId, { campaignId }),
      ),
    );
    await until(
      `all are within ${stuck.map(({ act }) => act).join(", ")}`,
      () => stuck.every(({ campaignId }) => existsSync(join(folder, campaignId))),
      patienceMs,
    );
    for (const { campaignId, act } of stuck) {
      // What runs beside it may have ended without Temporal's knowing yet: the next worker would run it again.
      const alone = act === "judge" ? "judge restore" : act;
      await until(
        `nothing but ${alone} is under way`,
        async () => (await underWay(bench, campaignId)).join(" ") === alone,
        patienceMs,
      );
    }
    return handles;
  } finally {
    child.kill("SIGKILL");
    await exited;
    rmSync(folder, { recursive: true });
  }
}
