import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { untilSilent } from "./silence.ts";
import type { Listening } from "./silence.ts";
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
  /** Asked again and again once it was ready. A server that says it is busy, or not yet, has answered. */
  answers(process: ProcessIdentity): Promise<boolean>;
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
/** A minute without an answer; who was ended for it, and falls silent again, is given twice as many looks. */
const minute: Listening = { lookEveryMs: 10_000, silentLooks: 6 };
const mostSilentLooks = 60;

/**
 * Keeps a process alive: adopts the one given, if it still lives, else starts one, and starts another
 * whenever it ends, after pauses that double. One that runs and answers no more is ended.
 * `record` is told of every change, at once, and never throws.
 */
export function keep(
  kept: Keepable,
  adopted: ProcessIdentity | null,
  record: (record: ServiceRecord) => void,
  log: (line: string) => void,
  { lookEveryMs, silentLooks }: Listening = minute,
): Keeper {
  const stopping = new AbortController();
  let current = adopted !== null && isAlive(adopted) ? adopted : null;
  let ended: Promise<string> | null = null;
  let restarts = 0;
  let lastEnd: string | null = null;
  let looks = silentLooks;
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
        await surelyEnd(identity);
      }
      await delay(50);
    }
    return false;
  };

  /** Tries for ever where it cannot be ended: a second one beside it would be worse. */
  const surelyEnd = async (identity: ProcessIdentity): Promise<string> => {
    for (;;) {
      try {
        return await endProcess(identity, kept.stopSignal, kept.stopGraceMs);
      } catch (error) {
        log(`${kept.name}: ${wordsOf(error)}`);
      }
    }
  };

  const endOf = async (identity: ProcessIdentity): Promise<string> => {
    if (ended !== null) return await ended;
    // Adopted from an earlier supervisor: not our child, so there is nothing to be told by.
    while (isAlive(identity)) await delay(200);
    return "ended";
  };

  /** Its end, whether it came by itself or because it had hung. */
  const watchedEndOf = async (identity: ProcessIdentity): Promise<string> => {
    const over = new AbortController();
    const listening = { lookEveryMs, silentLooks: looks };
    try {
      const end = endOf(identity);
      const silent = untilSilent(() => kept.answers(identity), listening, over.signal);
      const first = await Promise.race([end, silent]);
      looks = first === true ? Math.min(2 * looks, mostSilentLooks) : silentLooks;
      if (first !== true) return await end;
      const words = `hung: no answer for ${(listening.silentLooks * lookEveryMs) / 1000} s`;
      log(`${kept.name}: ${words}; it is ended`);
      tell("hung");
      return `${words}; ${await surelyEnd(identity)}`;
    } finally {
      over.abort();
    }
  };

  const live = async (): Promise<void> => {
    let pauseMs = firstPauseMs;
    while (!stopping.signal.aborted) {
      const startedAt = Date.now();
      try {
        if (current === null) await start();
        else log(`${kept.name}: adopted, pid ${current.pid}`);
        tell("starting");
        if (current === null) lastEnd = await (ended ?? "not started");
        else if (await becomesReady(current)) {
          log(`${kept.name}: running, pid ${current.pid}, after ${Date.now() - startedAt} ms`);
          tell("running");
          lastEnd = await watchedEndOf(current);
        } else lastEnd = await endOf(current);
      } catch (error) {
        lastEnd = wordsOf(error);
        if (current !== null) await surelyEnd(current);
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
    const how = await surelyEnd(current);
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

const wordsOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
