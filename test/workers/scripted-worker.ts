/**
 * A worker process to be killed: `node scripted-worker.ts ADDRESS QUEUE BUNDLE CAMPAIGN LOG`. Its
 * `measure` says so in the log, beats and never ends.
 */
import { appendFileSync } from "node:fs";
import { Context } from "@temporalio/activity";
import { NativeConnection, Worker } from "@temporalio/worker";
import { scripted, scriptedPlan } from "../workflows/scripted.ts";
import { quietRuntime } from "../workflows/server.ts";

const [address = "", taskQueue = "", codePath = "", campaignId = "", logFile = ""] =
  process.argv.slice(2);
quietRuntime();
const { activities } = scripted(scriptedPlan(campaignId, [{ loads: 2 }]), {
  measure: () => async () => {
    appendFileSync(logFile, "measuring\n");
    setInterval(() => Context.current().heartbeat(), 100);
    await new Promise(() => undefined);
  },
});
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue,
  workflowBundle: { codePath },
  activities,
  maxHeartbeatThrottleInterval: "1s",
  stickyQueueScheduleToStartTimeout: "1s",
});
await worker.run();
