/**
 * Workers to be killed, one for each campaign: `node scripted-worker.ts ADDRESS BUNDLE FOLDER CAMPAIGN=ACT …`.
 * The campaign's act says in a file of its name that it is under way, beats and never ends. With an act of
 * recovery its trials end `locked-up`, with one of an unknown end nobody knows how its measurements ended.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Context } from "@temporalio/activity";
import { NativeConnection, Worker } from "@temporalio/worker";
import type { LadderFacts } from "../../model/ladder.ts";
import { broken, scripted } from "../workflows/scripted.ts";
import { labFacts, scriptedRecovery } from "../workflows/scripted-recovery.ts";
import { quietRuntime } from "../workflows/server.ts";
import type { Acts } from "../../workflows/acts.ts";
import { killedPlan } from "./killed-plan.ts";

const [address = "", codePath = "", folder = "", ...campaigns] = process.argv.slice(2);
quietRuntime();

/** Rungs that are climbed where a copy of the router on R2 cannot be destroyed: what makes each the next one. */
const behindDestroy: Readonly<Record<string, Partial<LadderFacts>>> = {
  restartToolstack: { toolstack: true },
  rebootHosts: { rebootable: ["R1", "R2"] },
  powerCycleHosts: {},
  quarantineHosts: { powered: [] },
};

function stuckActs(campaignId: string, stuck: string): Acts {
  const recovery = scriptedRecovery(
    ({ step }) =>
      stuck in behindDestroy && step === "destroy-both"
        ? { status: "failed", suspects: ["R2"] }
        : {},
    { ...labFacts, migration: stuck === "cancelMigration", ...behindDestroy[stuck] },
  );
  const inRecovery = stuck in recovery.acts;
  const lookedUp = stuck === "collect" || stuck === "rejectAttempt";
  const { activities } = scripted(killedPlan(campaignId), {
    measure: (next) =>
      lookedUp ? () => Promise.reject(broken("R1 does not answer", "NoExitStatus")) : next,
    judge: (next) => async (ref, options) => {
      const verdict = await next(ref, options);
      return inRecovery ? { verdict: "valid", outcome: "locked-up" } : verdict;
    },
  });
  return {
    ...activities,
    ...recovery.acts,
    // It runs beside the judgement: ended or not by its worker's death, it would be one's or the other's.
    ...(stuck === "judge" ? { restore: beatForever } : {}),
    [stuck]: () => {
      writeFileSync(join(folder, campaignId), stuck);
      return beatForever();
    },
  };
}

async function beatForever(): Promise<never> {
  setInterval(() => Context.current().heartbeat(), 100);
  return new Promise<never>(() => undefined);
}

const connection = await NativeConnection.connect({ address });
const workers = await Promise.all(
  campaigns.map((campaign) => {
    const [taskQueue = "", stuck = ""] = campaign.split("=");
    return Worker.create({
      ...{ connection, taskQueue, workflowBundle: { codePath } },
      activities: stuckActs(taskQueue, stuck),
      maxHeartbeatThrottleInterval: "1s",
      stickyQueueScheduleToStartTimeout: "1s",
    });
  }),
);
await Promise.all(workers.map((worker) => worker.run()));
