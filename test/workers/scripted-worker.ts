/**
 * A worker process to be killed: `node scripted-worker.ts ADDRESS QUEUE BUNDLE CAMPAIGN LOG ACT`. That
 * act says so in the log, beats and never ends. With an act of recovery its trials end `locked-up`.
 */
import { appendFileSync } from "node:fs";
import { Context } from "@temporalio/activity";
import { NativeConnection, Worker } from "@temporalio/worker";
import { scripted } from "../workflows/scripted.ts";
import { labFacts, scriptedRecovery } from "../workflows/scripted-recovery.ts";
import { quietRuntime } from "../workflows/server.ts";
import { killedPlan } from "./killed-plan.ts";

const [address = "", taskQueue = "", codePath = "", campaignId = "", logFile = "", stuck = ""] =
  process.argv.slice(2);
quietRuntime();
const recovery = scriptedRecovery(() => ({}), {
  ...labFacts,
  migration: stuck === "cancelMigration",
});
const inRecovery = stuck in recovery.acts;
const { activities } = scripted(killedPlan(campaignId), {
  judge: (next) => async (ref, options) => {
    const verdict = await next(ref, options);
    return inRecovery ? { verdict: "valid", outcome: "locked-up" } : verdict;
  },
});

async function never(): Promise<never> {
  appendFileSync(logFile, "never ends\n");
  return beatForever();
}

async function beatForever(): Promise<never> {
  setInterval(() => Context.current().heartbeat(), 100);
  return new Promise<never>(() => undefined);
}

const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue,
  workflowBundle: { codePath },
  activities: {
    ...activities,
    ...recovery.acts,
    // It runs beside the judgement: ended or not by its worker's death, it would be one's or the other's.
    ...(stuck === "judge" ? { restore: beatForever } : {}),
    [stuck]: never,
  },
  maxHeartbeatThrottleInterval: "1s",
  stickyQueueScheduleToStartTimeout: "1s",
});
await worker.run();
