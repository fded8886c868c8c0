import { spawn } from "node:child_process";
import { mkdirSync, openSync, closeSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { defaultNamespace } from "../model/search-attributes.ts";
import { takeLock } from "./lock.ts";
import { endProcess, identityOf } from "./process-identity.ts";
import { setAsideIfDamaged } from "./temporal-database.ts";
import { prepareNamespace, withConnection } from "./temporal-namespace.ts";
import { temporalArguments } from "./temporal.ts";
import type { Log, TemporalPorts } from "./temporal.ts";

export interface TemporalSettings {
  readonly binary: string;
  readonly databaseFile: string;
  readonly ports: TemporalPorts;
}

/**
 * argv of the server. `flock --no-fork` becomes the server itself and hands it the open lock file: as
 * long as that process lives, and no longer, no second server can open the same database. Two on one
 * file start without a complaint of their own and destroy it. The pid spawned is the server's.
 */
export const temporalCommand = (settings: TemporalSettings): string[] => [
  ...["flock", "--nonblock", "--no-fork", "--conflict-exit-code", "75"],
  ...[`${settings.databaseFile}.lock`, settings.binary],
  ...temporalArguments(settings.databaseFile, settings.ports),
];

/**
 * What must hold before every start: the folder exists, no server has the file, the file is sound.
 * @throws when another server runs on the file.
 */
export async function prepareTemporal(databaseFile: string, log: Log): Promise<void> {
  mkdirSync(dirname(databaseFile), { recursive: true });
  const lock = await takeLock(`${databaseFile}.lock`);
  if (lock === null)
    throw new Error(
      `${databaseFile}: a Temporal server runs on this database; two on one file would destroy it`,
    );
  try {
    const notice = setAsideIfDamaged(databaseFile, new Date());
    if (notice !== null) log(notice);
  } finally {
    lock.release();
  }
}

/** True when the server answers and its namespace is as Longhaul needs it, which this sees to. */
export async function temporalReady(frontendPort: number): Promise<boolean> {
  try {
    await withConnection(
      { address: `127.0.0.1:${frontendPort}`, connectTimeout: 1000 },
      (connection) => prepareNamespace(connection, defaultNamespace),
    );
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.includes("of another type")) throw error;
    return false;
  }
}

/** gRPC: DEADLINE_EXCEEDED, UNAVAILABLE. Any other refusal is a server's own word. */
const silentCodes = [4, 14];
const answerMs = 5000;

/** True when the server says anything at all of its namespace, also that it is busy. Changes nothing. */
export async function temporalAnswers(frontendPort: number): Promise<boolean> {
  try {
    await withConnection(
      { address: `127.0.0.1:${frontendPort}`, connectTimeout: answerMs },
      (connection) =>
        connection.withDeadline(Date.now() + answerMs, () =>
          connection.workflowService.describeNamespace({ namespace: defaultNamespace }),
        ),
    );
    return true;
  } catch (error) {
    const { code } = error as { code?: unknown };
    return typeof code === "number" && !silentCodes.includes(code);
  }
}

export interface RunningTemporal {
  readonly address: string;
  readonly ui: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts a server of one's own, outside the supervisor, and waits until it is ready; for tests and benchmarks. */
export async function startTemporal(
  settings: TemporalSettings & { readonly log: string },
): Promise<RunningTemporal> {
  await prepareTemporal(settings.databaseFile, () => undefined);
  const [program = "flock", ...args] = temporalCommand(settings);
  const log = openSync(settings.log, "a");
  const child = spawn(program, args, { stdio: ["ignore", log, log] });
  closeSync(log);
  const identity = identityOf(Number(child.pid));
  if (identity === null) throw new Error(`${program} did not start; see ${settings.log}`);
  const deadline = Date.now() + 60_000;
  while (!(await temporalReady(settings.ports.frontend))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(
        `Temporal did not become ready on port ${settings.ports.frontend} (exit ${child.exitCode}); see ${settings.log}`,
      );
    }
    await delay(50);
  }
  return {
    address: `127.0.0.1:${settings.ports.frontend}`,
    ui: `http://127.0.0.1:${settings.ports.ui}`,
    pid: identity.pid,
    stop: async () => {
      await endProcess(identity, "SIGTERM", 10_000);
    },
  };
}
