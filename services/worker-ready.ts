import { statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { readJson, writeJson } from "./json-file.ts";
import { identityOf, isAlive } from "./process-identity.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import type { StateFolder } from "./state-folder.ts";

/** What a worker says of itself, in `worker-ready.json`. */
export interface WorkerWord {
  readonly process: ProcessIdentity;
  /** The Longhaul that it runs. */
  readonly version: string;
  /** null: its servers and its bundle are there and it serves. */
  readonly waitsFor: {
    readonly words: string;
    /** Waiting does not help: a person must do something. */
    readonly isFinal: boolean;
  } | null;
}

const fileOf = (state: StateFolder): string => join(state.path, "worker-ready.json");

/** Called by the worker process, once when it serves and whenever it waits for something else. */
export function announceWorker(state: StateFolder, word: Omit<WorkerWord, "process">): void {
  const process_ = identityOf(process.pid);
  if (process_ !== null) writeJson(fileOf(state), { process: process_, ...word });
}

/** Called by the worker process again and again, as long as it is of use. Needs no space on the disk. */
export function beatWorker(state: StateFolder): void {
  const now = new Date();
  utimesSync(fileOf(state), now, now);
}

/** Another one at each beat; null: it has not spoken yet. Only its change tells anything: clocks may be stepped. */
export const workerBeat = (state: StateFolder): bigint | null =>
  statSync(fileOf(state), { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? null;

/** What the living worker said last; null: it has not spoken yet, or there is none. */
export function workerWord(state: StateFolder): WorkerWord | null {
  const word = readJson(fileOf(state)) as Partial<WorkerWord> | null;
  // A worker of Longhaul 0.1.0 wrote its identity alone.
  if (!word?.process || word.version === undefined || word.waitsFor === undefined) return null;
  return isAlive(word.process) ? (word as WorkerWord) : null;
}

/** True when this very process, not an earlier one with its pid, serves. */
export function workerIsReady(state: StateFolder, worker: ProcessIdentity): boolean {
  const word = workerWord(state);
  return (
    word?.process.pid === worker.pid &&
    word.process.startTicks === worker.startTicks &&
    word.waitsFor === null
  );
}
