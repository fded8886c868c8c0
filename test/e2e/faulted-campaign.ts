/** A campaign of pairs: a trial with a fault, and one without that shows that the testbed is whole again. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { leftOnHosts } from "../../bench/left-on-hosts.ts";
import { labTestbed } from "../../lab/lab.ts";
import { hostNames } from "../../model/testbed.ts";
import type { TrialKind } from "../../model/trial.ts";
import { openHosts } from "../../remote/hosts.ts";
import { endpoints } from "../../services/endpoints.ts";
import { openStore } from "../../store/open-store.ts";
import type { EventRow, TrialRow } from "../../store/store.ts";
import type { RecoveryRow } from "../../store/recoveries.ts";
import type { FaultCase } from "./fault-cases.ts";
import type { ownBench } from "./own-bench.ts";

/** Slow enough a link that a fault can fall in the midst of a migration, which takes some seconds. */
const testbedYaml = `kind: lab
name: faults
lineRateMbpsL1: 400
migrationRateMbpsL1: 120
platforms: [kvm-virtio]
generator: tcpreplay
calibratedFrameSizesBytes: [64]
accelerator: prove
guestImage: router
`;

const part =
  "[{ platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ fps: 500 }], directions: [R1toR2] }]";
const forwarding = `forwarding: ${part.replace(", directions: [R1toR2]", "")}`;

interface Pairs {
  readonly seed: number;
  readonly most: number;
  readonly repetitions: (cases: number) => number;
  readonly parts: string;
  readonly drainMs: number;
  /** Repetitions of the pair's two trials. */
  readonly of: (index: number) => readonly [number, number];
}

/** How a campaign's order pairs its trials. After a fault in a migration a load is forwarded: no guest has to live through another migration first. */
const pairsOf: Readonly<Record<TrialKind, Pairs>> = {
  forwarding: {
    ...{ seed: 1, most: Infinity, repetitions: (cases) => 2 * cases, parts: forwarding },
    // A router that drops frames now and then must be seen to drop some after the load, too.
    drainMs: 900,
    of: (index) => [2 * index + 1, 2 * index + 2],
  },
  // By this seed the migration comes first in each of the first ten blocks.
  migration: {
    ...{ seed: 799, most: 10, repetitions: (cases) => cases },
    parts: `${forwarding}\nmigration: ${part}`,
    drainMs: 200,
    of: (index) => [index + 1, index + 1],
  },
};
/** Of one campaign. */
export const mostCases = (kind: TrialKind): number => pairsOf[kind].most;

export interface FaultLimits {
  readonly attemptLimit: number;
  /** Of the judges: how long a hang lasts before it is one. */
  readonly windowMs: number;
}

const campaignYaml = (
  kind: TrialKind,
  cases: readonly FaultCase[],
  { attemptLimit, windowMs }: FaultLimits,
): string => {
  const { seed, repetitions, parts, drainMs, of } = pairsOf[kind];
  const faults = cases.map(({ fault }, index) => ({
    ...fault,
    trials: { kind, repetitions: [of(index)[0]] },
  }));
  return `name: ${kind}
seed: ${seed}
repetitions: ${repetitions(cases.length)}
attemptLimit: ${attemptLimit}
guest: { memoryMib: 128 }
phases: { settleMs: 50, learnMs: 50, trialMs: 2500, drainMs: ${drainMs}, restMs: 0 }
migrationMarginMs: 1000
migrationDeadlineMs: 60000
hang: { windowMs: ${windowMs}, probeIntervalMs: 500, questionTimeoutMs: 2000 }
tolerance: { offeredLoadRatio: 0.5 }
${parts}
faults: ${JSON.stringify(faults)}
`;
};

/** One line of the table: what a fault came to, by the stored rows. */
export interface FaultRow {
  readonly what: string;
  readonly fault: string;
  readonly kind: TrialKind;
  readonly verdict: string;
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly attempts: number;
  readonly detectionMs: number | null;
  readonly detectionBoundMs: number | null;
  readonly rung: string | null;
  readonly recoveryMs: number | null;
  /** Time of each rung and health trial, in their order. */
  readonly steps: readonly string[];
}

export interface Faulted {
  readonly trial: TrialRow;
  readonly events: readonly EventRow[];
  readonly ledger: readonly { readonly place: string; readonly frames: number }[];
  readonly recoveries: readonly RecoveryRow[];
  readonly row: FaultRow;
  /** The trial after it, without a fault. */
  readonly next: TrialRow;
  readonly nextEvents: readonly EventRow[];
}

type Bench = ReturnType<typeof ownBench>;

/** Starts the campaign in the background; services and lab are up. */
export async function faultedCampaign(
  bench: Bench,
  {
    id,
    kind,
    cases,
    limits,
  }: { id: string; kind: TrialKind; cases: readonly FaultCase[]; limits: FaultLimits },
) {
  const testbed = bench.file("faults-testbed.yaml", testbedYaml);
  const file = bench.file(`${kind}.yaml`, campaignYaml(kind, cases, limits));
  const begun = await bench.longhaul("run", file, "--testbed", testbed, "--id", id, "--detach");
  if (begun.exitCode !== 0) throw new Error(begun.stderr);
  const store = openStore(endpoints(bench.state).databaseUrl);
  const rows = new Map<number, FaultRow>();

  /** Waits for the trials of one case. @throws {Error} with where the campaign stands, after the deadline */
  async function ended(index: number, deadlineMs: number): Promise<[TrialRow, TrialRow]> {
    const end = Date.now() + deadlineMs;
    for (;;) {
      const trials = await store.trials(id);
      const [own, after] = pairsOf[kind].of(index);
      const faulted = trials.find((one) => one.kind === kind && one.repetition === own);
      const next = trials.find((one) => one.kind === "forwarding" && one.repetition === after);
      if (faulted === undefined || next?.position !== faulted.position + 1)
        throw new Error(`case ${index} has no pair of trials: ${JSON.stringify(trials)}`);
      if (isEnded(faulted) && isEnded(next)) return [faulted, next];
      const { state, reason, current } = (await store.status(id)) ?? {};
      if (Date.now() > end || state === "waiting")
        throw new Error(
          `${faulted.id}: ${faulted.state}, ${next.id}: ${next.state}; the campaign is ${state}: ${reason}; now: ${JSON.stringify(current)}`,
        );
      await delay(200);
    }
  }

  return {
    id,
    store,
    /** A host that answers nobody costs each step its whole patience: on a busy machine two minutes in all. */
    async result(index: number, deadlineMs = 240_000): Promise<Faulted> {
      const [trial, next] = await ended(index, deadlineMs);
      const [events, nextEvents, ledger, all] = await Promise.all([
        store.events({ trial: trial.id }),
        store.events({ trial: next.id }),
        store.ledger(trial.id, trial.judgedAttempt ?? trial.attempts),
        store.recoveries(id),
      ]);
      const recoveries = all.filter((one) => one.trial === trial.id);
      const row = rowOf(cases[index]?.what ?? "", { trial, events, recoveries });
      rows.set(index, row);
      return { trial, next, events, nextEvents, ledger, recoveries, row };
    },
    rows: () => [...rows.values()],
    end: () => bench.until(id, ({ state }) => state === "completed", 30_000),
    close: () => store.close(),
  };
}

const isEnded = ({ state }: TrialRow) => state !== "pending" && state !== "running";

/** From the stored rows alone. */
function rowOf(
  what: string,
  { trial, events, recoveries }: Pick<Faulted, "trial" | "events" | "recoveries">,
): FaultRow {
  const { kind, scenario, state, outcome, reason, attempts, results } = trial;
  const recovery = recoveries.at(-1);
  const number = (value: unknown) => (typeof value === "number" ? value : null);
  return {
    ...{ what, fault: scenario.fault ?? "", kind, verdict: state, outcome, reason, attempts },
    detectionMs: number(results.detectionTimeMs),
    detectionBoundMs: number(results.detectionBoundMs),
    rung: recovery?.rung ?? null,
    recoveryMs:
      recovery?.endedAt == null
        ? null
        : Date.parse(recovery.endedAt) - Date.parse(recovery.startedAt),
    steps: events
      .filter(({ kind: is, content }) => is === "rung" && content.recovery === recovery?.id)
      .map(({ content }) => `${String(content.step)} ${String(content.durationMs)} ms`),
  };
}

const seconds = (ms: number | null) => (ms === null ? "–" : (ms / 1000).toFixed(1));

/** As a table in Markdown; also written as JSON beside the test's state. */
export function tableOf(bench: Bench, name: string, rows: readonly FaultRow[]): string {
  writeFileSync(join(bench.state.path, `${name}.json`), `${JSON.stringify(rows, null, 2)}\n`);
  return [
    "| trial | fault | outcome | detected (bound), s | rung | recovery, s |",
    "|---|---|---|---|---|---|",
    ...rows.map(
      ({ kind, what, outcome, verdict, detectionMs, detectionBoundMs, rung, recoveryMs }) =>
        `| ${kind} | ${what} | ${outcome ?? verdict} | ${seconds(detectionMs)} (${seconds(detectionBoundMs)}) | ${rung ?? "–"} | ${seconds(recoveryMs)} |`,
    ),
  ].join("\n");
}

/** What no campaign may leave on the lab, and units that still run. */
export async function leftOnLab(bench: Bench): Promise<readonly string[]> {
  const testbed = labTestbed(bench.state);
  if (testbed === null) return ["the lab is not up"];
  const hosts = openHosts(testbed);
  try {
    const units = await Promise.all(
      hostNames.map(async (name) =>
        (await (await hosts.agent(name)).units())
          .filter(({ status }) => status === "running")
          .map((unit) => `${name}: ${unit.name} still runs`),
      ),
    );
    return [...units.flat(), ...(await leftOnHosts(bench.state))];
  } finally {
    await hosts.close();
  }
}
