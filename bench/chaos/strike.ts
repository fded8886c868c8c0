/** Makes drawn strikes real: kill -9 by recorded pid, and faults by the lab. */
import { setTimeout as delay } from "node:timers/promises";
import { noteDisturbance } from "../../cli/disturbed.ts";
import { makeFault } from "../../lab/faults/faults.ts";
import { qemusOf } from "../../lab/faults/qemu.ts";
import { killAll } from "../../lab/processes.ts";
import { readLab } from "../../lab/records.ts";
import { factsOf, type FaultOrder, type MadeFault } from "../../model/fault.ts";
import { isAlive, type ProcessIdentity, signalTo } from "../../services/process-identity.ts";
import { readServices } from "../../services/services-file.ts";
import { servicesStatus } from "../../services/services-status.ts";
import type { StateFolder } from "../../services/state-folder.ts";
import { type Store, StoreUnavailable } from "../../store/store.ts";
import { blowWords, type Strike, type Victim } from "./draw.ts";
import type { Struck } from "./record.ts";

export interface Field {
  readonly state: StateFolder;
  readonly store: Store;
  /** The attached `longhaul run`. */
  readonly cli: { readonly kill: () => void; readonly attach: () => void };
  /** Runs `longhaul up`, as a person does after a crash. @throws it failed */
  readonly up: () => Promise<void>;
  /** Runs `longhaul resume`, as a person does who has mended what was in quarantine. */
  readonly resume: () => Promise<void>;
  readonly log: (line: string) => void;
}

/** Supervisor, or all: nobody restarts them but `longhaul up`. */
const needsUp = (victims: readonly Victim[]) => victims.includes("supervisor");
const all: readonly Victim[] = ["supervisor", "worker", "temporal", "postgres", "cli"];

const backMs = 120_000;
/** A guest that is to be hit may be booting, while the ladder is climbed again and again; a host may be without power. */
const targetMs = 240_000;
/** What a fault that nothing undoes leaves undecided for a moment: a panic, a reset. */
const lingersMs = 6000;

/** Returns when the strike is over: services serve again, the fault is undone. @throws {Error} it could not be made, or did not end */
export async function fell(field: Field, strike: Strike): Promise<Struck> {
  const { blow } = strike;
  if (blow.kind === "fault") return await faulted(field, strike, blow.order);
  const machine = blow.kind === "machine";
  const victims = machine ? all : blow.victims;
  await until(`${victims.join(", ")} live`, targetMs, () => alive(field.state, victims) !== null);
  const atMs = Date.now();
  const killed = kill(field, victims);
  if (machine) killHosts(field.state);
  field.log(`${blowWords(blow)} (${killed.map(({ pid }) => pid).join(", ") || "no service"})`);
  if (machine || needsUp(victims)) {
    await delay(blow.upAfterMs);
    await upAgain(field);
  }
  await servesAgain(field.state, killed);
  if (victims.includes("cli")) field.cli.attach();
  return { strike, atMs, overMs: Date.now(), made: null };
}

/** Another strike may kill the supervisor while `up` waits for it: then a person gives the command again. */
async function upAgain({ up, log }: Field): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      return await up();
    } catch (error) {
      if (tries === 3 || !String(error).includes("the supervisor ended while")) throw error;
      log("up is given again: its supervisor was killed meanwhile");
    }
}

/** All at one moment: they are looked up before the first is killed. */
function kill({ state, cli }: Field, victims: readonly Victim[]): readonly ProcessIdentity[] {
  const identities = alive(state, victims) ?? [];
  if (victims.includes("cli")) cli.kill();
  for (const identity of identities) signalTo(identity, "SIGKILL");
  return identities;
}

/** null: one of them is dead now, by another strike; it may be starting. */
function alive(state: StateFolder, victims: readonly Victim[]): readonly ProcessIdentity[] | null {
  const file = readServices(state);
  const identities = victims.flatMap((victim) => {
    if (victim === "cli") return [];
    const identity = victim === "supervisor" ? file?.supervisor : file?.services[victim].process;
    return identity && isAlive(identity) ? [identity] : [];
  });
  const services = victims.filter((victim) => victim !== "cli");
  return identities.length === services.length ? identities : null;
}

function killHosts(state: StateFolder): void {
  const hosts = Object.values(readLab(state)?.hosts ?? {});
  killAll(hosts.filter((host) => host !== null));
}

async function servesAgain(state: StateFolder, killed: readonly ProcessIdentity[]): Promise<void> {
  await until("all services serve again", backMs, () => {
    const pids = killed.map(({ pid }) => pid);
    const status = servicesStatus(state);
    const now = [status.supervisor, status.temporal, status.postgres, status.worker];
    return (
      status.ready && !killed.some(isAlive) && !now.some(({ pid }) => pids.includes(pid ?? -1))
    );
  });
}

async function faulted(
  { state, store, log }: Field,
  strike: Strike,
  order: FaultOrder,
): Promise<Struck> {
  const made = await madeAsSoonAsPossible(state, order);
  log(`${blowWords(strike.blow)}: ${made.detail}`);
  await noted(store, made);
  const atMs = Date.parse(made.at);
  const overMs = made.untilAt === null ? Date.now() + lingersMs : Date.parse(made.untilAt);
  await delay(Math.max(0, overMs - Date.now()));
  const spareMs = factsOf(order.fault).at === "host" ? 3000 : 1000;
  return { strike, made, atMs, overMs: overMs + spareMs };
}

/**
 * A fault needs its target: a guest that runs, a host with power. Only the look for one is repeated. One
 * that failed while it was made may have happened all the same: it is on record as one in doubt, and
 * never made again.
 */
async function madeAsSoonAsPossible(state: StateFolder, order: FaultOrder): Promise<MadeFault> {
  const end = Date.now() + targetMs;
  for (;;) {
    const lab = readLab(state);
    const target = factsOf(order.fault).at !== "guest" || (lab !== null && qemusOf(lab).length > 0);
    const at = new Date().toISOString();
    try {
      if (lab?.status === "up" && target) return await makeFault(state, order);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      if (words.endsWith("this could not be made")) return inDoubt(order, at, words);
      if (Date.now() > end) throw error;
    }
    if (Date.now() > end) throw new Error(`${order.fault}: no target within ${targetMs} ms`);
    await delay(100);
  }
}

const inDoubt = ({ fault, host }: FaultOrder, at: string, words: string): MadeFault => ({
  ...{ id: `${fault}-in-doubt-${at}`, fault, host, detail: words, at, untilAt: null },
  ...{ undoable: false, trial: null },
});

async function noted(store: Store, made: MadeFault): Promise<void> {
  const end = Date.now() + backMs;
  for (;;) {
    try {
      return await noteDisturbance(store, made);
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || Date.now() > end) throw error;
      await delay(300);
    }
  }
}

export async function until(
  what: string,
  deadlineMs: number,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await delay(100);
  }
}
