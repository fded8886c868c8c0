/** `kill -9` in each step of real trials on real guests: who is killed, when, and what must hold afterwards. */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { brokeByItself } from "../../bench/broken-by-itself.ts";
import type { Victim } from "../../bench/chaos/draw.ts";
import { fell, type Field } from "../../bench/chaos/strike.ts";
import { endpoints } from "../../services/endpoints.ts";
import { audit } from "../../store/audit.ts";
import { openDatabase } from "../../store/database.ts";
import { openStore } from "../../store/open-store.ts";
import { StoreUnavailable, type Store } from "../../store/store.ts";
import { leftOnLab } from "./faulted-campaign.ts";
import type { ownBench } from "./own-bench.ts";

const steps = [
  "prepare",
  "load",
  "judge",
  "restore",
  "recreate",
  "health",
  "migration",
  "locate",
] as const;
type Step = (typeof steps)[number];
const victims: readonly (readonly Victim[])[] = [
  ["postgres"],
  ["temporal"],
  ["supervisor"],
  ["cli"],
  ["worker"],
  ["worker", "temporal", "postgres", "supervisor", "cli"],
];
export interface Kill {
  readonly step: Step;
  readonly victims: readonly Victim[];
}

/** Every step once and every victim at least once; all rows together are every victim in every step. */
export const latinSquare: readonly (readonly Kill[])[] = victims.map((_, row) =>
  steps.map((step, index) => ({ step, victims: victims[(index + row) % victims.length] ?? [] })),
);

const marginMs = 800;
/** One router dies by a fault of the campaign's own, so that there are rungs. */
const campaignYaml = (name: string): string => `name: ${name}
seed: 1
repetitions: 3
guest: { memoryMib: 96 }
phases: { settleMs: 50, learnMs: 50, trialMs: 2500, drainMs: 100, restMs: 0 }
forwarding: [{ platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ fps: 500 }] }]
migration: [{ platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ fps: 500 }] }]
migrationMarginMs: ${marginMs}
hang: { windowMs: 4000, probeIntervalMs: 500, questionTimeoutMs: 2000 }
tolerance: { offeredLoadRatio: 0.5, unexplainedRatio: 0.2 }
faults: [{ fault: qemu-kill, when: load, afterMs: 1500, trials: { kind: forwarding, repetitions: [1] } }]
`;

type Bench = ReturnType<typeof ownBench>;

/** Begins a campaign, kills as it is told, waits for the end and asserts that nothing was lost or doubled. */
export async function killedInSteps(bench: Bench, id: string, kills: readonly Kill[]) {
  const file = bench.file(`${id}.yaml`, campaignYaml(id));
  const cli = attachable(bench, "run", file, "--testbed", bench.testbedFile, "--id", id);
  const { databaseUrl } = endpoints(bench.state);
  const store = openStore(databaseUrl);
  const said: string[] = [];
  const field: Field = {
    ...{ state: bench.state, store, cli, log: (line) => said.push(line) },
    up: async () => expect(await bench.longhaul("up")).toMatchObject({ exitCode: 0 }),
    resume: () => Promise.reject(new Error("nothing here calls for a person")),
  };
  cli.attach();
  try {
    const open = [...kills];
    const before = { trial: null };
    const end = Date.now() + 400_000;
    while (open.length > 0) {
      const now = await stepNow(store, id, open, before);
      if (now === "ended" || Date.now() > end)
        throw new Error(
          `never within ${open.map(({ step }) => step).join(", ")}: ${said.join("\n")}`,
        );
      if (now === null) {
        await delay(3);
        continue;
      }
      const { victims: of } = now.kill;
      const blow = { kind: "kill", victims: of, upAfterMs: 0 } as const;
      const struck = await fell(field, { id: 0, afterVerdicts: 0, delayMs: 0, blow });
      said.push(`${now.kill.step} of ${now.trial}: ${of.join(", ")}`);
      // One that came too late falls again, on the next trial.
      if (await wasWithin(store, now, struck.atMs)) open.splice(open.indexOf(now.kill), 1);
    }
    const told = () => said.join("\n");
    await bench.until(id, ({ state }) => state === "completed", 120_000);
    expect(await cli.exitCode(), told()).toBe(0);
    await expectWhole(bench, store, databaseUrl, id, told());
  } finally {
    cli.kill();
    await store.close();
    // Only one that did not come to its end: the next needs the testbed.
    await bench.longhaul("cancel", id);
  }
}

function attachable(bench: Bench, ...argv: string[]) {
  const main = join(import.meta.dirname, "../../cli/main.ts");
  let child: ChildProcess | null = null;
  let ended: Promise<number | null> = Promise.resolve(null);
  return {
    attach: () => {
      const started = spawn(process.execPath, [main, "--state", bench.state.path, ...argv], {
        env: { ...process.env, LONGHAUL_CACHE: bench.state.cache },
        stdio: "ignore",
      });
      ended = new Promise((resolve) => started.once("exit", (code) => resolve(code)));
      child = started;
    },
    kill: () => void child?.kill("SIGKILL"),
    exitCode: () => ended,
  };
}

interface Seen {
  readonly kill: Kill;
  readonly trial: string;
}

/** Which of these steps a trial of the campaign is in, by the store. null: none of them, or the store is away. */
async function stepNow(
  store: Store,
  id: string,
  open: readonly Kill[],
  before: { trial: string | null },
): Promise<Seen | "ended" | null> {
  try {
    const status = await store.status(id);
    if (status === null) return null;
    if (status.state === "completed") return "ended";
    // Its restoring may go on when it has its verdict.
    before.trial = status.current?.trial ?? before.trial;
    const { trial } = before;
    if (trial === null) return null;
    const rung = (await store.recoveries(id)).find(({ endedAt }) => endedAt === null);
    const running = (await store.steps(trial)).filter(({ endedAt }) => endedAt === null);
    for (const kill of open) {
      if (rung?.step === kill.step) return { kill, trial: rung.trial };
      const row = running.find(({ name }) => name === actOf(kill.step));
      if (row === undefined || !fits(kill.step, trial)) continue;
      if (row.name !== "measure" || (await inTheMidst(store, trial, row.attempt)))
        return { kill, trial };
    }
    return null;
  } catch (error) {
    if (error instanceof StoreUnavailable || (error as { code?: string }).code === "42P01")
      return null;
    throw error;
  }
}

const actOf = (step: Step) => (step === "load" || step === "migration" ? "measure" : step);
const fits = (step: Step, trial: string) =>
  step === "load"
    ? // A fault whose worker is dead is never made.
      trial.includes("/forwarding-") && !trial.includes("qemu-kill")
    : step !== "migration" || trial.includes("/migration-");

/** A second into its load, and so, after the margin, into its migration. */
async function inTheMidst(store: Store, trial: string, attempt: number): Promise<boolean> {
  const begun = (await store.events({ trial })).find(
    (one) => one.kind === "load-begins" && one.attempt === attempt,
  );
  return begun !== undefined && Date.now() - Date.parse(begun.at) > marginMs + 300;
}

async function wasWithin(store: Store, { kill, trial }: Seen, atMs: number): Promise<boolean> {
  const rung = kill.step === "recreate" || kill.step === "health";
  const spans = rung
    ? (await store.events({ trial }))
        .filter(({ kind, content }) => kind === "rung" && content.step === kill.step)
        .map(({ at, content }) => ({ startedAt: String(content.startedAt), endedAt: at }))
    : (await store.steps(trial)).filter(({ name }) => name === actOf(kill.step));
  // A rung has its event when it is over.
  return (
    (rung && spans.every(({ startedAt }) => Date.parse(startedAt) > atMs)) ||
    spans.some(
      ({ startedAt, endedAt }) =>
        Date.parse(startedAt) <= atMs && (endedAt === null || Date.parse(endedAt) >= atMs),
    )
  );
}

async function expectWhole(
  bench: Bench,
  store: Store,
  databaseUrl: string,
  id: string,
  told: string,
): Promise<void> {
  expect(await store.status(id), told).toMatchObject({
    planned: 6,
    verdicts: { valid: 6, invalid: 0, skipped: 0 },
    ...{ pending: 0, running: 0 },
  });
  for (const { id: trial, outcome, scenario } of await store.trials(id)) {
    const attempts = (await store.attempts(trial)).map(({ verdict, cut }) => ({ verdict, cut }));
    // What was not collected from the hosts was cut, and tried again.
    expect(attempts, `${trial}\n${told}`).toEqual([
      ...attempts.slice(1).map(() => ({ verdict: "invalid", cut: true })),
      { verdict: "valid", cut: false },
    ]);
    const wanted = scenario.fault === undefined ? "completed" : "crashed";
    if (!brokeByItself(outcome, await store.events({ trial })))
      expect(outcome, `${trial}\n${told}`).toBe(wanted);
  }
  const database = openDatabase(databaseUrl);
  try {
    expect(await audit(database, id), told).toEqual([]);
  } finally {
    await database.close();
  }
  expect(await leftOnLab(bench), told).toEqual([]);
}
