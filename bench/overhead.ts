/**
 * What Longhaul costs a trial: the same forwarding trials and migrations by a plain script without
 * Temporal, database or SSH, and by Longhaul's own workflows on a real server, side by side on one lab.
 * `npm run bench:overhead -- [ROUNDS]`; root, tcpreplay, QEMU. Exits 1 beyond the goal.
 */
import { join } from "node:path";
import { Worker } from "@temporalio/worker";
import { createActivities } from "../activities/index.ts";
import { guestOf } from "../activities/guest.ts";
import { routedStream } from "../activities/flow.ts";
import type { Stream } from "../generators/generator.ts";
import { readLab } from "../lab/records.ts";
import type { TrialRow } from "../store/store.ts";
import { stateFolder } from "../services/state-folder.ts";
import { temporalServer, testCache } from "../test/workflows/server.ts";
import type { campaign } from "../workflows/campaign.ts";
import { taskQueue } from "../model/search-attributes.ts";
import { openLabBench } from "./lab-bench.ts";
import { plainScript } from "./plain-script.ts";
import type { PlainScript, ScriptTrial } from "./plain-script.ts";

/** The two take turns: what else the machine does falls on both. */
const rounds = Number(process.argv[2] ?? 3);
/** Of Longhaul's trials in a round the first makes the router and the last has no next one. */
const untimed = 2;
/** Of each kind, in a round; even, so that a round's migrations end where they began. */
const timed = 2;
const goal = 1.1;
const drainMs = 200;
const marginMs = 1000;
const trialMs = 3000;

process.env.LONGHAUL_CACHE ??= testCache;
const folder = join(import.meta.dirname, `../.longhaul/test/overhead-${process.pid}`);
const testbedYaml = `
kind: lab
name: overhead
lineRateMbpsL1: 400
migrationRateMbpsL1: 1000
platforms: [bare, kvm-virtio]
`;
const campaignYaml = (repetitions: number, part: string) => `
name: overhead
seed: 1
repetitions: ${repetitions}
phases: { settleMs: 0, learnMs: 0, trialMs: ${trialMs}, drainMs: ${drainMs}, restMs: 0 }
migrationMarginMs: ${marginMs}
tolerance: { offeredLoadRatio: 0.5 }
${part}
`;
const loads = Array.from({ length: timed + untimed }, (_, index) => `{ fps: ${10_000 + index} }`);
const forwardingYaml = campaignYaml(
  1,
  `forwarding: [{ platforms: [kvm-virtio], frameSizesBytes: [64], loads: [${loads.join(", ")}] }]`,
);
const migrationYaml = campaignYaml(
  timed + untimed,
  "migration: [{ platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ fps: 1000 }] }]",
);

const bounds = `
Inside both wall times: probes started and ready, counters before and after, generator, load or margins,
drain, migration order and its end on both hosts, destination made ready, source ended, series brought
home and stored. Inside Longhaul's alone: token and sweep of all hosts, the question whether the router
answers, clocks, learning frames, settings read back, judging, every step between two trials of Temporal.
Outside both: lab, router's boot, the script's capture file. Taken away from both: the migration's own
total time as QEMU reports it. Longhaul's margin after a migration begins at the end that QEMU told, the
script's when it has asked QEMU for its figures.`;
const lab = await openLabBench(folder, testbedYaml, console.log);
const { environment, bundle } = await temporalServer();
try {
  const worker = await Worker.create({
    connection: environment.nativeConnection,
    taskQueue: taskQueue(lab.bench.testbed.name),
    workflowBundle: { codePath: bundle },
    activities: createActivities({
      store: lab.store,
      bench: () => Promise.resolve(lab.bench),
      client: environment.client,
      longhaulVersion: "bench",
    }),
  });
  const script = plainScript(lab.bench.testbed, readLab(stateFolder(folder))?.hosts ?? {}, folder);
  const forwarding: Timed[] = [];
  const scripted: ScriptTrial[] = [];
  const migrations: Timed[] = [];
  const moved: ScriptTrial[] = [];
  await worker.runUntil(async () => {
    for (let round = 0; round < rounds; round++) {
      forwarding.push(...(await byLonghaul(forwardingYaml)));
      scripted.push(...(await forwardingByScript(script)));
      migrations.push(...(await byLonghaul(migrationYaml)));
      moved.push(...(await migrationsByScript(script)));
    }
  });
  script.close();
  console.log(bounds);
  const first = report("forwarding trial", forwarding, scripted, trialMs + drainMs);
  // What the migration itself took is compared with what was taken away on both sides.
  const second = report("migration trial", migrations, moved, 2 * marginMs + drainMs);
  process.exitCode = first <= goal && second <= goal ? 0 : 1;
} finally {
  await environment.teardown();
  await lab.close();
}

interface Timed {
  readonly wallMs: number;
  readonly migrationMs: number;
  readonly parts: Readonly<Record<string, number>>;
}

/** Wall time from the start of a trial to that of the next. @throws {Error} a trial is not valid */
async function byLonghaul(yaml: string): Promise<readonly Timed[]> {
  const { id } = await lab.plan(yaml);
  await environment.client.workflow.execute<typeof campaign>("campaign", {
    workflowId: `campaign/${id}`,
    taskQueue: taskQueue(lab.bench.testbed.name),
    args: [{ campaignId: id, testbed: lab.bench.testbed.name, attemptLimit: 3, carried: null }],
  });
  const rows = await lab.store.trials(id);
  const bad = rows.find(({ state }) => state !== "valid");
  if (bad !== undefined) throw new Error(`${bad.id}: ${bad.state} (${bad.reason ?? "no reason"})`);
  const times = await Promise.all(rows.map(timesOf));
  return times.slice(1, -1).map(({ parts, migrationMs, begun }, index) => ({
    wallMs: (times[index + 2]?.begun ?? Number.NaN) - begun,
    migrationMs,
    parts,
  }));
}

function stream(fps: number, durationMs: number): Stream {
  return routedStream(lab.bench.testbed, { tag: 7, frameSizeBytes: 64, fps, durationMs });
}

async function forwardingByScript(script: PlainScript): Promise<readonly ScriptTrial[]> {
  const trials: ScriptTrial[] = [];
  for (let index = 0; index < timed; index++)
    trials.push(await script.forwarding(stream(10_000 + index, trialMs), drainMs));
  return trials;
}

async function migrationsByScript(script: PlainScript): Promise<readonly ScriptTrial[]> {
  const { testbed, drivers } = lab.bench;
  const router = { image: "router", memoryMib: 256, vcpus: 1, routing: "kernel" } as const;
  const guest = guestOf(testbed, router, "kvm-virtio");
  const trials: ScriptTrial[] = [];
  for (let index = 0; index < timed; index++) {
    const here = await drivers["kvm-virtio"]?.inspect("R1", guest);
    const source = here === "running" ? "R1" : "R2";
    trials.push(
      await script.migration(stream(1000, 120_000), { guest, source, marginMs, drainMs }),
    );
  }
  return trials;
}

async function timesOf(row: TrialRow) {
  const steps = await lab.store.steps(row.id);
  const parts: Record<string, number> = {};
  for (const { name, startedAt, endedAt, parts: named } of steps) {
    parts[`${name}: all`] = Date.parse(endedAt ?? startedAt) - Date.parse(startedAt);
    for (const [part, ms] of Object.entries(named)) parts[`${name}: ${part}`] = ms;
  }
  const begun = Math.min(...steps.map(({ startedAt }) => Date.parse(startedAt)));
  const migrationMs = Number(row.results.totalTimeMs ?? 0);
  const ordered = parts["measure: migration"];
  if (ordered !== undefined)
    parts["measure: migration, beyond QEMU's own time"] = ordered - migrationMs;
  return { begun, parts, migrationMs };
}

function report(
  what: string,
  ours: readonly Timed[],
  theirs: readonly ScriptTrial[],
  deliberateMs: number,
): number {
  const own = median(ours.map(({ wallMs, migrationMs }) => wallMs - migrationMs));
  const script = median(theirs.map(({ wallMs, migrationMs }) => wallMs - (migrationMs ?? 0)));
  const ratio = own / script;
  console.log(
    `\n${what} (median of ${ours.length} and ${theirs.length}, migration time taken away)`,
  );
  console.log(
    `  plain script ${ms(script)}, ${ms(script - deliberateMs)} beyond traffic and waits`,
  );
  console.log(`  Longhaul     ${ms(own)}, ${ms(own - deliberateMs)} beyond traffic and waits`);
  console.log(`  ratio ${ratio.toFixed(3)} (goal: at most ${goal})`);
  console.log("  the script's time:");
  printParts(theirs.map(({ parts }) => parts));
  console.log(
    "  Longhaul's time (parts side by side overlap; the rest is Temporal's, between steps):",
  );
  printParts(ours.map(({ parts }) => parts));
  return ratio;
}

function printParts(trials: readonly Readonly<Record<string, number>>[]): void {
  const names = [...new Set(trials.flatMap((parts) => Object.keys(parts)))];
  for (const name of names)
    console.log(`    ${ms(median(trials.map((parts) => parts[name] ?? 0))).padStart(9)}  ${name}`);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function ms(value: number): string {
  return `${value.toFixed(0)} ms`;
}
