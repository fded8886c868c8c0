/**
 * A worker process to be killed: `node scripted-worker.ts ADDRESS QUEUE BUNDLE CAMPAIGN LOG [STEP]`.
 * Its `measure` says so in the log, beats and never ends. With a STEP its trials end `locked-up`, and
 * that step of the recovery is the act which never ends.
 */
import { appendFileSync } from "node:fs";
import { Context } from "@temporalio/activity";
import { NativeConnection, Worker } from "@temporalio/worker";
import { scripted, scriptedPlan } from "../workflows/scripted.ts";
import { scriptedRecovery } from "../workflows/scripted-recovery.ts";
import { quietRuntime } from "../workflows/server.ts";

const [address = "", taskQueue = "", codePath = "", campaignId = "", logFile = "", stuckStep] =
  process.argv.slice(2);
quietRuntime();
const { activities } = scripted(scriptedPlan(campaignId, [{ loads: 2 }]), {
  measure: (next) => (stuckStep === undefined ? never : next),
  judge: (next) => async (ref, options) => {
    const verdict = await next(ref, options);
    return stuckStep === undefined ? verdict : { verdict: "valid", outcome: "locked-up" };
  },
  ...recoveryThatSticks(),
});

async function never(): Promise<never> {
  appendFileSync(logFile, "never ends\n");
  setInterval(() => Context.current().heartbeat(), 100);
  return new Promise<never>(() => undefined);
}

function recoveryThatSticks() {
  const { acts } = scriptedRecovery(({ step }) => (step === stuckStep ? never() : {}));
  return Object.fromEntries(Object.entries(acts).map(([name, run]) => [name, (): unknown => run]));
}
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue,
  workflowBundle: { codePath },
  activities,
  maxHeartbeatThrottleInterval: "1s",
  stickyQueueScheduleToStartTimeout: "1s",
});
await worker.run();
