/** Ends the services, whatever is left of them, and proves it. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { serviceMarker } from "./kept-services.ts";
import { takeLock, waitForLock } from "./lock.ts";
import { postgresStopSignal, stopPostgres } from "./postgres.ts";
import { endProcess, gone, identityOf, isAlive, signalTo } from "./process-identity.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { readServices, serviceNames, writeServices } from "./services-file.ts";
import type { ServicesFile } from "./services-file.ts";
import type { StateFolder } from "./state-folder.ts";
import { setWanted } from "./wanted.ts";

/** An `up` under way is waited for so long. */
const upDeadlineMs = 180_000;

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
  const lock = await waitForLock(join(state.path, "up.lock"), upDeadlineMs);
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
