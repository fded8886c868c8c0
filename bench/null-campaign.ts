/**
 * What Longhaul's order costs: a campaign of 2,000 trials on hosts that do nothing, against a hand-written
 * workflow that runs the same number of activities on the same server. Real are Temporal, PostgreSQL, the
 * testbed's lock, the plan and its reading, attempts, steps, verdicts and the ledger; scripted away are
 * drivers, agents and probes, and with them measurements, series and their judging.
 * `npm run bench:null-campaign -- [TRIALS]`. Exits 1 beyond a goal.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleWorkflowCode, DefaultLogger, Worker } from "@temporalio/worker";
import { recorded } from "../activities/steps.ts";
import { taskQueue } from "../model/search-attributes.ts";
import { freePort, startPostgres } from "../services/postgres.ts";
import { openStore } from "../store/open-store.ts";
import { sampleCampaign, samplePlan } from "../test/store/sample-plan.ts";
import { storedActs } from "../test/workers/stored-acts.ts";
import { temporalServer } from "../test/workflows/server.ts";
import type { Acts } from "../workflows/acts.ts";
import type { campaign } from "../workflows/campaign.ts";
import type { loop } from "./null-workflows.ts";

const trials = Number(process.argv[2] ?? 2000);
/** Sweeps of ten loads, and between them single migrations: one trial in eleven, as in the paper's grid. */
const loads = 10;
const goal = 0.5;
/** Resident memory with the last trial, at most, of that with a quarter of them done. */
const memoryGoal = 1.25;
const testbed = "lab";

const folder = await mkdtemp(join(tmpdir(), "longhaul-null-"));
const postgres = await startPostgres({
  dataFolder: join(folder, "postgres"),
  port: await freePort(),
  password: "only for this bench",
  log: join(folder, "postgres.log"),
});
const store = openStore(postgres.url);
await store.migrate();
await plan();
const { environment, bundle } = await temporalServer();
const { client, nativeConnection: connection } = environment;
let activities = 0;
let done = 0;
/** Resident memory with each quarter of the trials done, MiB. */
const quarterMib: number[] = [];

const ours = await timed(async () => {
  const worker = await Worker.create({
    connection,
    taskQueue: taskQueue(testbed),
    workflowBundle: { codePath: bundle },
    activities: nullActs(),
    maxCachedWorkflows: 100,
  });
  await worker.runUntil(() =>
    client.workflow.execute<typeof campaign>("campaign", {
      workflowId: "campaign/null",
      taskQueue: taskQueue(testbed),
      args: [{ campaignId: "null", testbed, attemptLimit: 3, carried: null }],
    }),
  );
});
const counted = activities;
const status = await store.status("null");

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

const rate = (seconds: number) => (trials / seconds).toFixed(1);
const ratio = theirs / ours;
console.log(
  `trials ${trials}, activities ${counted}; in the store: ${status?.verdicts.valid ?? 0} valid of ${status?.planned ?? 0}, each with its attempt and steps`,
);
console.log(
  "real: server, store, lock, plan, attempts, steps, verdicts; scripted away: drivers, agents, probes, judging",
);
console.log(`campaign: ${ours.toFixed(1)} s, ${rate(ours)} trials/s`);
const [first = NaN, , , last = NaN] = quarterMib;
const growth = last / first;
console.log(
  `resident memory with 25, 50, 75, 100 % of the trials done: ${quarterMib.join(", ")} MiB; the last is ${growth.toFixed(2)} of the first (goal: at most ${memoryGoal})`,
);
console.log(
  `hand-written loop of as many activities: ${theirs.toFixed(1)} s, ${rate(theirs)} trials/s`,
);
console.log(`ratio ${ratio.toFixed(2)} of its rate (goal: at least ${goal})`);
for (const type of ["campaign", "forwardingSweep", "migrationTrial", "loop"])
  await printHistories(type);
await environment.teardown();
await store.close();
await postgres.stop();
await rm(folder, { recursive: true, force: true });
const isWhole = status?.verdicts.valid === trials;
process.exitCode = ratio >= goal && growth <= memoryGoal && isWhole ? 0 : 1;

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

/** Every trial of the plan as a row: elements in their order, none with a load that waits for a capacity. */
async function plan(): Promise<void> {
  await store.putTestbed({ name: testbed, kind: "lab", content: { name: testbed } });
  const { trials: rows, ...planned } = samplePlan("null", { trialCount: trials });
  await store.putPlan({
    ...planned,
    campaign: { ...sampleCampaign, repetitions: Math.ceil(trials / (loads + 1)) },
    trials: rows.map((row, position) => {
      const block = Math.floor(position / (loads + 1));
      const index = position % (loads + 1);
      const kind = index === loads ? "migration" : "forwarding";
      const element = `null/b${block}/${kind}`;
      const fps = 1000 * (index + 1);
      return {
        ...row,
        ...{ kind, element, repetition: block + 1 },
        id: kind === "migration" ? element : `${element}-${fps}fps`,
        scenario: {
          ...row.scenario,
          ...{ load: `${fps}fps`, intendedFps: fps, ofCapacity: null },
          direction: kind === "migration" ? ("R1toR2" as const) : null,
        },
      };
    }),
  });
}

/** Acts on the store and the lock as a worker has them, recorded as its own are, with nothing done on hosts. */
function nullActs(): Acts {
  const { activities: acts } = storedActs(client, store);
  const judge = recorded(store, "judge", (ref, options: Parameters<Acts["judge"]>[1]) =>
    acts.judge(ref, options),
  );
  const all: Acts = {
    ...acts,
    prepare: recorded(store, "prepare", (ref) => acts.prepare(ref)),
    measure: recorded(store, "measure", (ref) => acts.measure(ref)),
    locate: recorded(store, "locate", (ref) => acts.locate(ref)),
    restore: recorded(store, "restore", (ref) => acts.restore(ref)),
    async judge(ref, options) {
      const verdict = await judge(ref, options);
      done += 1;
      if (done % Math.floor(trials / 4) === 0 && quarterMib.length < 4)
        quarterMib.push(Math.round(process.memoryUsage.rss() / 2 ** 20));
      return verdict;
    },
  };
  return Object.fromEntries(
    Object.entries(all).map(([name, run]) => [
      name,
      (...given: unknown[]) => {
        activities += 1;
        return (run as (...args: unknown[]) => unknown)(...given);
      },
    ]),
  ) as unknown as Acts;
}
