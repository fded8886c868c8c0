/**
 * Records the histories that `replay.test.ts` replays: `node test/replay/record.ts [NAME...]`, all or those of
 * these names. Run it for a release, and keep the old files: they are what running campaigns of users look like.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ApplicationFailure } from "@temporalio/common";
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { Context } from "@temporalio/activity";
import { lockActs } from "../../activities/lock.ts";
import { lockWorkflowId, taskQueue } from "../../model/search-attributes.ts";
import { startCampaign, until, worker } from "../workflows/run.ts";
import { broken, scripted, scriptedPlan } from "../workflows/scripted.ts";
import { labFacts, scriptedRecovery } from "../workflows/scripted-recovery.ts";
import { temporalServer } from "../workflows/server.ts";

const version = "0.1.0";
const only = process.argv.slice(2);
const bench = await temporalServer({ continueAt: 50 });
const { client } = bench.environment;
const testbed = "bench";
const acts = lockActs(client, {
  testbed: async () => ({ content: {}, token: 0 }),
  status: async () => null,
});
const lock = {
  acquireTestbed: () => (id: string, name: string, renew: boolean) => acts.acquireTestbed(id, name, renew),
  releaseTestbed: () => (id: string, name: string) => acts.releaseTestbed(id, name),
  isClosed: () => (id: string) => acts.isClosed(id),
};

/** Attempts that end in every way, and a campaign long enough to continue as new. */
const whole = scripted(scriptedPlan("whole", [{ loads: 4 }, "migration", "migration", "migration"]), {
  ...lock,
  openCapacities: () => async () => [{ platform: "bare", frameSizeBytes: 64 }],
  prepare: (next) => async (ref) => {
    await next(ref);
    if (ref.trialId.endsWith("load2") && ref.attempt === 1) throw broken("R1: no route to host");
  },
  measure: (next) => async (ref) => {
    if (ref.trialId.endsWith("load3") && ref.attempt === 1)
      throw ApplicationFailure.create({ message: "worker is shutting down", type: "WorkerShutdown" });
    await next(ref);
  },
});
/** R2 is given up, the forwarding goes on, and the migrations after a person released it. */
const recovery = scriptedRecovery(
  ({ step, ref }) =>
    step === "health" && ref.trialId.includes("migration") && recovery.released.length === 0
      ? { status: "failed", suspects: ["R2"] }
      : {},
  { ...labFacts, migration: true, powered: [] },
);
const without = scripted(scriptedPlan("without", ["migration", { loads: 2 }, "migration"]), {
  ...lock,
  judge: (next) => async (ref, options) => {
    const verdict = await next(ref, options);
    return ref.trialId.endsWith("migration-1") ? { verdict: "valid", outcome: "stalled" } : verdict;
  },
});
const cut = scripted(scriptedPlan("cut", [{ loads: 2 }]), {
  ...lock,
  measure: (next) => async (ref) => {
    if (ref.trialId.endsWith("load1")) return next(ref);
    const beat = setInterval(() => Context.current().heartbeat(), 100);
    await Context.current().cancelled.finally(() => clearInterval(beat));
  },
});
/** Its plan changes: a running and a pending trial are skipped, a repetition is added. */
const changed = scripted(scriptedPlan("changed", [{ loads: 3 }, "migration"]), {
  ...lock,
  measure: (next) => async (ref) => {
    if (!ref.trialId.endsWith("b01/forwarding-1-load1")) return next(ref);
    const beat = setInterval(() => Context.current().heartbeat(), 100);
    await Context.current().cancelled.finally(() => clearInterval(beat));
  },
});
/** Waits for its testbed in the queue. */
const queued = scripted(scriptedPlan("queued", ["migration"]), {
  ...lock,
  acquireTestbed: () => acts.acquireTestbed,
});
const queuedBed = "queued-bench";

await run(whole.activities, "whole", async () => undefined);
await run(cut.activities, "cut", async () => {
  const handle = client.workflow.getHandle("campaign/cut");
  await until("the second load is measured", () => cut.calls.includes("measure load2#1"));
  await handle.executeUpdate<unknown, [string]>("pause", { args: ["a person"] });
  await handle.executeUpdate<unknown, [string]>("resume", { args: ["a person"] });
  await handle.executeUpdate<unknown, [string]>("cancel", { args: ["a person"] });
});
await run({ ...without.activities, ...recovery.acts }, "without", async () => {
  await until("it waits", () => without.states.some((state) => state.startsWith("waiting")));
  const handle = client.workflow.getHandle("campaign/without");
  await handle.executeUpdate<unknown, [string, string]>("releaseHost", { args: ["a person", "R2"] });
});
await run(changed.activities, "changed", async () => {
  const handle = client.workflow.getHandle("campaign/changed");
  const skip = (trial: string) =>
    handle.executeUpdate<unknown, [string, string, string]>("skip", {
      args: ["a person", `changed/b01/${trial}`, "of no use"],
    });
  await until("the first load is measured", () => changed.calls.includes("measure load1#1"));
  await skip("forwarding-1-load3");
  await handle.executeUpdate<unknown, [string, number]>("extend", { args: ["a person", 2] });
  await skip("forwarding-1-load1");
});
await runQueued();
await save("campaign/changed", "campaign-changed");
await save("changed/b01/forwarding-1", "forwarding-sweep-skipped");
await save("campaign/queued", "campaign-queued");
await save(lockWorkflowId(queuedBed), "testbed-lock-queue");
await save("campaign/without", "campaign-quarantine");
await save("without/b01/forwarding-2", "forwarding-sweep-health");
await save(lockWorkflowId(testbed), "testbed-lock");
await save("campaign/whole", "campaign");
await save("whole/b01/forwarding-1", "forwarding-sweep");
await save("whole/b01/migration-2", "migration-trial");
await save("whole/b01/forwarding-1-load2/recovery-1", "recovery");
await save("campaign/cut", "campaign-cancelled");
await save("cut/b01/forwarding-1", "forwarding-sweep-cancelled");
await bench.environment.teardown();

async function run(
  activities: Parameters<typeof worker>[1],
  campaignId: string,
  during: () => Promise<unknown>,
): Promise<void> {
  const running = await worker(bench, activities, taskQueue(testbed));
  await running.runUntil(async () => {
    const handle = await startCampaign(client, taskQueue(testbed), { campaignId, testbed });
    await during();
    await handle.result();
  });
}

/** Behind a campaign that nobody serves, until that one lets the testbed go. */
async function runQueued(): Promise<void> {
  const holder = await startCampaign(client, "nobody", { campaignId: "holder", testbed: queuedBed });
  const running = await worker(bench, queued.activities, taskQueue(queuedBed));
  await running.runUntil(async () => {
    await acts.acquireTestbed("holder", queuedBed, false);
    const input = { campaignId: "queued", testbed: queuedBed, queue: true };
    const handle = await startCampaign(client, taskQueue(queuedBed), input);
    await until("it waits", () => queued.states.some((state) => state.startsWith("queued")));
    await acts.releaseTestbed("holder", queuedBed);
    await handle.result();
  });
  await holder.terminate("recorded");
}

/** Every run of the workflow, as it is on the server: payloads stay encoded. */
async function save(workflowId: string, name: string): Promise<void> {
  if (only.length > 0 && !only.includes(name)) return;
  const runs: string[] = [];
  await until(`the runs of ${workflowId} are listed`, async () => {
    runs.length = 0;
    for await (const one of client.workflow.list({ query: `WorkflowId = '${workflowId}'` }))
      runs.push(one.runId);
    return runs.length > 0;
  });
  for (const [index, runId] of runs.reverse().entries()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const file = join(import.meta.dirname, `${version}-${name}-${index + 1}.json`);
    // Replay does not read stacks, and their paths are of the recording machine.
    const json = historyToJSON(history).replace(
      /"stackTrace": "(?:[^"\\]|\\.)*"/g,
      '"stackTrace": ""',
    );
    writeFileSync(file, `${json}\n`);
    console.log(`${file}: ${history.events?.length ?? 0} events`);
  }
}
