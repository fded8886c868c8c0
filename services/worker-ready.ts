import { join } from "node:path";
import { readJson, writeJson } from "./json-file.ts";
import { identityOf } from "./process-identity.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import type { StateFolder } from "./state-folder.ts";

const fileOf = (state: StateFolder): string => join(state.path, "worker-ready.json");

/** Called by the worker process when its servers and its bundle are there and it begins to serve. */
export const announceWorker = (state: StateFolder): void =>
  writeJson(fileOf(state), identityOf(process.pid));

/** True when this very process, not an earlier one with its pid, has announced itself. */
export function workerIsReady(state: StateFolder, worker: ProcessIdentity): boolean {
  const announced = readJson(fileOf(state)) as ProcessIdentity | null;
  return (
    announced?.pid === worker.pid &&
    announced.startTicks === worker.startTicks &&
    announced.bootId === worker.bootId
  );
}
