/**
 * What Longhaul's order costs: a campaign of 2,000 trials whose acts do nothing, against a hand-written
 * workflow that runs the same number of activities on the same server. `node bench/null-campaign.ts [TRIALS]`
 */
import { join } from "node:path";
import { bundleWorkflowCode, DefaultLogger, Worker } from "@temporalio/worker";
import { noAttempts } from "../model/attempts.ts";
import { scriptedRecovery } from "../test/workflows/scripted-recovery.ts";
import { temporalServer } from "../test/workflows/server.ts";
import type { Acts, Element } from "../workflows/acts.ts";
import type { campaign } from "../workflows/campaign.ts";
import type { loop } from "./null-workflows.ts";

const trials = Number(process.argv[2] ?? 2000);
/** Sweeps of ten loads, and between them single migrations: one trial in eleven, as in the paper's grid. */
const loads = 10;
const goal = 0.5;

const { environment, bundle } = await temporalServer();
const { client, nativeConnection: connection } = environment;
const memory = setInterval(noteMemory, 250);
let peakMib = 0;
let activities = 0;

const ours = await timed(async () => {
  const worker = await Worker.create({
    connection,
    taskQueue: "null",
    workflowBundle: { codePath: bundle },
    activities: nullActs(),
    maxCachedWorkflows: 100,
  });
  await worker.runUntil(() =>
    client.workflow.execute<typeof campaign>("campaign", {
      workflowId: "campaign/null",
      taskQueue: "null",
      args: [{ campaignId: "null", testbed: "null", attemptLimit: 3, carried: null }],
    }),
  );
});
const counted = activities;
const memoryOfCampaign = peakMib;

const loopBundle = await bundleWorkflowCode({
  workflowsPath: join(import.meta.dirname, "null-workflows.ts"),
  logger: new DefaultLogger("ERROR"),
});
const theirs = await timed(async () => {
  const worker = await Worker.create({
    connection,
    taskQueue: "loop",
    workflowBundle: loopBundle,
    activities: { nothing: async () => Promise.resolve() },
  });
  await worker.runUntil(() =>
    client.workflow.execute<typeof loop>("loop", {
      workflowId: "loop",
      taskQueue: "loop",
      args: [counted],
    }),
  );
});
clearInterval(memory);

const rate = (seconds: number) => (trials / seconds).toFixed(1);
const ratio = theirs / ours;
console.log(`trials ${trials}, activities ${counted}`);
console.log(
  `campaign: ${ours.toFixed(1)} s, ${rate(ours)} trials/s, peak RSS ${memoryOfCampaign} MiB`,
);
console.log(
  `hand-written loop of as many activities: ${theirs.toFixed(1)} s, ${rate(theirs)} trials/s`,
);
console.log(`ratio ${ratio.toFixed(2)} of its rate (goal: at least ${goal})`);
for (const type of ["campaign", "forwardingSweep", "migrationTrial", "loop"])
  await printHistories(type);
await environment.teardown();
process.exitCode = ratio >= goal ? 0 : 1;

async function printHistories(type: string): Promise<void> {
  const runs = [];
  for await (const run of client.workflow.list({ query: `WorkflowType = '${type}'` }))
    runs.push(run);
  const events = runs.map((run) => run.historyLength);
  const bytes = runs.map((run) => run.historySize ?? 0);
  const sum = bytes.reduce((total, each) => total + each, 0);
  console.log(
    `${type}: ${runs.length} histories, at most ${Math.max(0, ...events)} events and ${Math.max(0, ...bytes)} bytes, together ${(sum / 1e6).toFixed(1)} MB`,
  );
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function noteMemory(): void {
  peakMib = Math.max(peakMib, Math.round(process.memoryUsage.rss() / 2 ** 20));
}

/** A plan in memory that is read in order, and acts that answer at once. */
function nullActs(): Acts {
  const elements: Element[] = [];
  for (let planned = 0; planned < trials;) {
    const kind = elements.length % 2 === 0 ? "forwarding" : "migration";
    const count = Math.min(kind === "forwarding" ? loads : 1, trials - planned);
    elements.push(element(kind, elements.length, count));
    planned += count;
  }
  const open = new Map(elements.map((one) => [one.id, one]));
  const done = new Set<string>();
  const acts: Acts = {
    acquireTestbed: async () => Promise.resolve({ status: "granted", epoch: 1 }),
    releaseTestbed: async () => Promise.resolve(),
    openCapacities: async () => Promise.resolve([]),
    resolveCapacity: async () => Promise.resolve({ fps: 1 }),
    nextElements: async (_campaign, limit) => {
      for (const [id, one] of open)
        if (one.trials.every(({ trialId }) => done.has(trialId))) open.delete(id);
      return Promise.resolve([...open.values()].slice(0, limit));
    },
    campaignProgress: async () =>
      Promise.resolve({
        planned: trials,
        valid: done.size,
        invalid: 0,
        skipped: 0,
        pending: trials - done.size,
        running: 0,
        outcomes: { completed: done.size },
        lastTrials: [],
        etaSeconds: null,
      }),
    extendCampaign: async () => Promise.resolve({ status: "refused", why: "has a fixed plan" }),
    skipTrial: async () => Promise.resolve({ status: "unknown" }),
    setCampaignState: async () => Promise.resolve(),
    closeCancelled: async () => Promise.resolve(),
    isClosed: async () => Promise.resolve(false),
    prepare: async () => Promise.resolve(),
    measure: async () => Promise.resolve(),
    collect: async () => Promise.resolve({ status: "nothing" }),
    locate: async () => Promise.resolve({ location: "destination" }),
    judge: async ({ trialId }) => {
      done.add(trialId);
      return Promise.resolve({ verdict: "valid", outcome: "completed" });
    },
    rejectAttempt: async () => Promise.resolve(),
    restore: async () => Promise.resolve(),
    ...scriptedRecovery().acts,
  };
  return Object.fromEntries(
    Object.entries(acts).map(([name, run]) => [
      name,
      (...given: unknown[]) => {
        activities += 1;
        return (run as (...args: unknown[]) => unknown)(...given);
      },
    ]),
  ) as unknown as Acts;
}

function element(kind: Element["kind"], index: number, count: number): Element {
  const id = `null/b01/${kind}-${index}`;
  return {
    id,
    kind,
    platform: "bare",
    frameSizeBytes: 64,
    repetition: 1,
    trials: Array.from({ length: count }, (_, n) => ({
      trialId: count === 1 ? id : `${id}-load${n}`,
      label: `64 B, ${n * 100} Mbit/s L2`,
      scenario: `${kind}-bare-64B-${n * 100}MbpsL2`,
      platform: "bare",
      tally: noAttempts,
      openToken: null,
      measureTimeoutMs: 60_000,
      detectionBoundMs: 1000,
    })),
  };
}
