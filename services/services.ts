import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { externalDatabase, externalTemporal } from "./endpoints.ts";
import { checkout, serviceMarker } from "./kept-services.ts";
import { takeLock, waitForLock } from "./lock.ts";
import { logFile, logTail } from "./log-files.ts";
import { postgresStopSignal, stopPostgres } from "./postgres.ts";
import { endProcess, gone, identityOf, isAlive, signalTo } from "./process-identity.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { readServices, serviceNames, writeServices } from "./services-file.ts";
import type { ServiceName, ServiceRecord, ServicesFile } from "./services-file.ts";
import type { StateFolder } from "./state-folder.ts";
import { temporalBinary } from "./temporal.ts";
import type { Log } from "./temporal.ts";
import { setWanted } from "./wanted.ts";

const startDeadlineMs = 180_000;
/** A service that fails this often in a row while `up` waits will not come up by waiting. */
const hopelessRestarts = 4;

interface ServiceStatus {
  /** `dead`: on record as running, but gone, and no supervisor restarts it. */
  readonly state: ServiceRecord["state"] | "dead";
  readonly address: string | null;
  readonly pid: number | null;
  readonly since: string | null;
  readonly restarts: number;
  readonly lastEnd: string | null;
}

export interface ServicesStatus {
  /** All three are running, or stood for by real servers, under a living supervisor. */
  readonly ready: boolean;
  readonly supervisor: { readonly state: "running" | "stopped"; readonly pid: number | null };
  readonly temporal: ServiceStatus & { readonly ui: string | null };
  readonly postgres: ServiceStatus;
  readonly worker: ServiceStatus;
}

/** What is true now: the record, checked against the processes. Touches nothing. */
export function servicesStatus(state: StateFolder): ServicesStatus {
  const file = readServices(state);
  const supervisor = living(file?.supervisor);
  const of = (name: ServiceName, port: number | undefined): ServiceStatus => {
    const record = file?.services[name];
    const local = port === undefined ? null : `127.0.0.1:${port}`;
    if (!file || !record)
      return {
        state: "stopped",
        address: null,
        pid: null,
        since: null,
        restarts: 0,
        lastEnd: null,
      };
    const process = living(record.process);
    const lost = record.process !== null && process === null && supervisor === null;
    const unkept = process === null && supervisor === null && record.state !== "external";
    const { since, restarts, lastEnd } = record;
    return {
      state: lost ? "dead" : unkept ? "stopped" : record.state,
      address: record.state === "external" && name !== "worker" ? file.external[name] : local,
      pid: process?.pid ?? null,
      ...{ since, restarts, lastEnd },
    };
  };
  const ui = file?.ports.temporalUi;
  const temporal = of("temporal", file?.ports.temporal);
  const postgres = of("postgres", file?.ports.postgres);
  const worker = of("worker", undefined);
  return {
    ready:
      supervisor !== null &&
      [temporal, postgres, worker].every(({ state: is }) => is === "running" || is === "external"),
    supervisor: { state: supervisor ? "running" : "stopped", pid: supervisor?.pid ?? null },
    temporal: {
      ...temporal,
      ui: ui === undefined || temporal.state === "external" ? null : `http://127.0.0.1:${ui}`,
    },
    postgres,
    worker,
  };
}

/**
 * Brings Temporal, PostgreSQL and the worker up under a supervisor, and waits until all are ready.
 * Does nothing when they are; adopts what a killed supervisor left; a second `up` waits for the first.
 * The lab, if one is wanted, is the caller's to restore.
 *
 * @throws when a service does not come up; the message ends with its log's last lines.
 */
export async function up(
  state: StateFolder,
  options: { readonly log: Log; readonly env?: NodeJS.ProcessEnv },
): Promise<ServicesStatus> {
  const env = options.env ?? process.env;
  const lock = await waitForLock(join(state.path, "up.lock"), startDeadlineMs);
  try {
    const running = living(readServices(state)?.supervisor);
    if (running !== null) refuseOtherServers(readServices(state), env);
    setWanted(state, { services: true });
    if (running !== null && servicesStatus(state).ready) return servicesStatus(state);
    if (externalTemporal(env) === null) await temporalBinary(state.cache, options.log, env);
    const supervisor = running ?? startSupervisor(state, env);
    options.log("starting Temporal, PostgreSQL and the worker …");
    await allReady(state, supervisor);
    return servicesStatus(state);
  } finally {
    lock.release();
  }
}

function startSupervisor(state: StateFolder, env: NodeJS.ProcessEnv): ProcessIdentity {
  const descriptor = openSync(logFile(state, "supervisor"), "a", 0o600);
  try {
    const child = spawn(process.execPath, [join(checkout, "services", "supervisor.ts")], {
      cwd: checkout,
      detached: true,
      env: { ...env, LONGHAUL_STATE: state.path, LONGHAUL_CACHE: state.cache },
      stdio: ["ignore", descriptor, descriptor],
    });
    const identity = child.pid === undefined ? null : identityOf(child.pid);
    if (identity === null) throw new Error("the supervisor could not be started");
    child.unref();
    return identity;
  } finally {
    closeSync(descriptor);
  }
}

async function allReady(state: StateFolder, supervisor: ProcessIdentity): Promise<void> {
  const deadline = Date.now() + startDeadlineMs;
  const first = servicesStatus(state);
  const before = (name: ServiceName): number =>
    first.supervisor.pid === supervisor.pid ? first[name].restarts : 0;
  for (;;) {
    const status = servicesStatus(state);
    if (status.ready && status.supervisor.pid === supervisor.pid) return;
    const tail = (service: "supervisor" | ServiceName) =>
      `\n${logTail(logFile(state, service), 15).join("\n")}\nSee ${logFile(state, service)}.`;
    if (!isAlive(supervisor))
      throw new Error(`the supervisor ended while it started the services${tail("supervisor")}`);
    const hopeless = serviceNames.find(
      (name) => status[name].restarts - before(name) >= hopelessRestarts,
    );
    if (hopeless !== undefined && status.supervisor.pid === supervisor.pid)
      throw new Error(
        `${hopeless} does not come up (${status[hopeless].lastEnd}); it is tried on in the background until \`longhaul down\`${tail(hopeless)}`,
      );
    if (Date.now() > deadline)
      throw new Error(
        `the services were not ready within ${startDeadlineMs / 1000} s${tail("supervisor")}`,
      );
    await delay(50);
  }
}

function refuseOtherServers(file: ServicesFile | null, env: NodeJS.ProcessEnv): void {
  const wantsTemporal = externalTemporal(env)?.address ?? null;
  const wantsDatabase = externalDatabase(env) !== null;
  if (
    file?.external.temporal === wantsTemporal &&
    (file.external.postgres !== null) === wantsDatabase
  )
    return;
  throw new Error(
    `services run with Temporal ${file?.external.temporal ?? "embedded"} and PostgreSQL ${file?.external.postgres ?? "embedded"}, ` +
      "but the environment now names other servers; run `longhaul down` first",
  );
}

export interface Ended {
  readonly what: string;
  readonly pid: number;
  readonly how: "ended" | "killed";
}

/**
 * Stops supervisor and services by their recorded identities, whatever is left of them, and proves it:
 * afterwards no process of this state folder's services lives and its files are unlocked. Data stay.
 *
 * @throws when something cannot be ended.
 */
export async function down(state: StateFolder): Promise<readonly Ended[]> {
  const lock = await waitForLock(join(state.path, "up.lock"), startDeadlineMs);
  try {
    setWanted(state, { services: false });
    const before = readServices(state);
    const ended: Ended[] = [];
    const recorded: [string, ProcessIdentity | null | undefined][] = serviceNames.map((name) => [
      name,
      before?.services[name].process,
    ]);
    const alive = recorded.flatMap(([what, identity]) =>
      identity && isAlive(identity) ? [{ what, identity }] : [],
    );
    if (before?.supervisor && signalTo(before.supervisor, "SIGTERM")) {
      const stopped = await gone(before.supervisor, 90_000);
      if (!stopped) await endProcess(before.supervisor, "SIGKILL", 10_000);
      const how = stopped ? "ended" : "killed";
      ended.push({ what: "supervisor", pid: before.supervisor.pid, how });
    }
    // The worker first, then its servers: the order of `serviceNames`, backwards. What the supervisor
    // has stopped is gone by now; what it started since `before` is on its newer record.
    const after = readServices(state);
    for (const name of [...serviceNames].reverse()) {
      const identity = after?.services[name].process;
      const signal = name === "postgres" ? postgresStopSignal : "SIGTERM";
      const how = identity ? await endProcess(identity, signal, 30_000) : "gone before";
      if (identity && how !== "gone before") ended.push({ what: name, pid: identity.pid, how });
    }
    for (const { what, identity } of alive)
      if (!ended.some(({ pid }) => pid === identity.pid))
        ended.push({ what, pid: identity.pid, how: "ended" });
    await stopPostgres(state.postgres);
    for (const identity of strays(state)) {
      const how = await endProcess(identity, "SIGTERM", 5000);
      if (how !== "gone before") ended.push({ what: "stray", pid: identity.pid, how });
    }
    await prove(state);
    return ended;
  } finally {
    lock.release();
  }
}

/** Processes that bear this state folder's mark: started by a supervisor that died before it wrote so. */
function strays(state: StateFolder): ProcessIdentity[] {
  const mark = serviceMarker(state);
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && environment(pid).includes(mark))
    .map(identityOf)
    .filter((identity) => identity !== null && isAlive(identity)) as ProcessIdentity[];
}

function environment(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch (error) {
    // EACCES: another user's process, so not ours.
    if (["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return [];
    throw error;
  }
}

async function prove(state: StateFolder): Promise<void> {
  const supervisor = await takeLock(join(state.path, "supervisor.lock"));
  if (supervisor === null)
    throw new Error(`${state.path}: a supervisor that is on no record still runs`);
  const file = readServices(state);
  const left = strays(state);
  if (left.length > 0)
    throw new Error(`still alive after down: ${left.map(({ pid }) => pid).join(", ")}`);
  if (file) {
    const stopped = { state: "stopped", process: null } as const;
    const services = Object.fromEntries(
      serviceNames.map((name) => [name, { ...file.services[name], ...stopped }]),
    ) as ServicesFile["services"];
    writeServices(state, { ...file, supervisor: null, services });
  }
  supervisor.release();
}

function living(identity: ProcessIdentity | null | undefined): ProcessIdentity | null {
  return identity && isAlive(identity) ? identity : null;
}
