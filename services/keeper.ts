import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { endProcess, identityOf, isAlive } from "./process-identity.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import type { ServiceRecord, ServiceState } from "./services-file.ts";

interface Command {
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** A process that is to run for ever. */
export interface Keepable {
  readonly name: string;
  /** Prepares a start; runs before every one. What it throws counts as a failed start. What it waits for it gives up when the signal comes. */
  command(stopping: AbortSignal): Promise<Command>;
  ready(process: ProcessIdentity): Promise<boolean>;
  readonly logFile: string;
  readonly stopSignal: NodeJS.Signals;
  readonly stopGraceMs: number;
  readonly startDeadlineMs: number;
}

export interface Keeper {
  /** Ends the process and keeps it down. */
  stop(): Promise<void>;
  /** Ends the process, which is then started again. */
  restart(): Promise<void>;
}

/** Pauses between a death and the next start: short for the first, so that a campaign hardly notices. */
const firstPauseMs = 200;
const longestPauseMs = 30_000;
/** Who lived this long did not die of its start. */
const soundLifeMs = 60_000;

/**
 * Keeps a process alive: adopts the one given, if it still lives, else starts one, and starts another
 * whenever it ends, after pauses that double. `record` is told of every change, at once.
 */
export function keep(
  kept: Keepable,
  adopted: ProcessIdentity | null,
  record: (record: ServiceRecord) => void,
  log: (line: string) => void,
): Keeper {
  const stopping = new AbortController();
  let current = adopted !== null && isAlive(adopted) ? adopted : null;
  let ended: Promise<string> | null = null;
  let restarts = 0;
  let lastEnd: string | null = null;
  const tell = (state: ServiceState): void =>
    record({ state, process: current, since: new Date().toISOString(), restarts, lastEnd });

  const start = async (): Promise<void> => {
    const { argv, env, cwd } = await kept.command(stopping.signal);
    const [program = "", ...args] = argv;
    const descriptor = openSync(kept.logFile, "a", 0o600);
    try {
      const child = spawn(program, args, {
        cwd,
        env,
        stdio: ["ignore", descriptor, descriptor],
        // Not of the supervisor's process group: a signal to that must not end all services.
        detached: true,
      });
      ended = new Promise((settle) => {
        child.once("error", (error) => settle(error.message));
        child.once("exit", (code, signal) => settle(signal ?? `exit ${code}`));
      });
      current = child.pid === undefined ? null : identityOf(child.pid);
    } finally {
      closeSync(descriptor);
    }
  };

  const becomesReady = async (identity: ProcessIdentity): Promise<boolean> => {
    const deadline = Date.now() + kept.startDeadlineMs;
    while (isAlive(identity) && !stopping.signal.aborted) {
      if (await kept.ready(identity)) return true;
      if (Date.now() > deadline) {
        log(`${kept.name}: not ready after ${kept.startDeadlineMs} ms; ended`);
        await endProcess(identity, kept.stopSignal, kept.stopGraceMs);
      }
      await delay(50);
    }
    return false;
  };

  const endOf = async (identity: ProcessIdentity): Promise<string> => {
    if (ended !== null) return await ended;
    // Adopted from an earlier supervisor: not our child, so there is nothing to be told by.
    while (isAlive(identity)) await delay(200);
    return "ended";
  };

  const live = async (): Promise<void> => {
    let pauseMs = firstPauseMs;
    while (!stopping.signal.aborted) {
      const startedAt = Date.now();
      try {
        if (current === null) await start();
        else log(`${kept.name}: adopted, pid ${current.pid}`);
        tell("starting");
        if (current !== null && (await becomesReady(current))) {
          log(`${kept.name}: running, pid ${current.pid}, after ${Date.now() - startedAt} ms`);
          tell("running");
        }
        lastEnd = current === null ? await (ended ?? "not started") : await endOf(current);
      } catch (error) {
        lastEnd = error instanceof Error ? error.message : String(error);
        if (current !== null && isAlive(current))
          await endProcess(current, kept.stopSignal, kept.stopGraceMs);
      }
      current = null;
      ended = null;
      if (stopping.signal.aborted) break;
      if (Date.now() - startedAt > soundLifeMs) pauseMs = firstPauseMs;
      log(`${kept.name}: ${lastEnd}; next start in ${pauseMs} ms`);
      restarts += 1;
      tell("waiting");
      await delay(pauseMs, undefined, { signal: stopping.signal }).catch((error: unknown) => {
        if (!stopping.signal.aborted) throw error;
      });
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    }
    tell("stopped");
  };

  const life = live();
  const end = async (): Promise<void> => {
    if (current === null) return;
    const how = await endProcess(current, kept.stopSignal, kept.stopGraceMs);
    log(`${kept.name}: ${how} on request`);
  };
  return {
    restart: end,
    stop: async () => {
      stopping.abort();
      // A start may be under way: what it spawns is ended as soon as it is there.
      let over = false;
      void life.finally(() => (over = true));
      while (!over) {
        await end();
        await delay(20);
      }
      await life;
    },
  };
}
