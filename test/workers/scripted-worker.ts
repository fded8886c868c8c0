/**
 * Workers to be killed, one for each campaign: `node scripted-worker.ts ADDRESS BUNDLE FOLDER CAMPAIGN=ACT …`.
 * The campaign's act says in a file of its name that it is under way, beats and never ends.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Context } from "@temporalio/activity";
import { NativeConnection, Worker } from "@temporalio/worker";
import { quietRuntime } from "../workflows/server.ts";
import { stuckScript, type StuckAct } from "./stuck-acts.ts";

const [address = "", codePath = "", folder = "", ...campaigns] = process.argv.slice(2);
quietRuntime();

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
      activities: {
        ...stuckScript(taskQueue, stuck as StuckAct, () => {
          writeFileSync(join(folder, taskQueue), stuck);
          return beatForever();
        }).activities,
        // It runs beside the judgement: ended or not by its worker's death, it would be one's or the other's.
        ...(stuck === "judge" ? { restore: beatForever } : {}),
      },
      maxHeartbeatThrottleInterval: "1s",
      stickyQueueScheduleToStartTimeout: "1s",
    });
  }),
);
await Promise.all(workers.map((worker) => worker.run()));
