import { copyFileSync, existsSync, readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import type { StateFolder } from "./state-folder.ts";

/** A log grows to this size; then it is kept as `<name>.log.1`, over the one before, and begun anew. */
const logLimitBytes = 10 * 1024 * 1024;

export const loggingServices = ["supervisor", "temporal", "postgres", "worker"] as const;
export type LoggingService = (typeof loggingServices)[number];

export const logFile = (state: StateFolder, service: LoggingService): string =>
  join(state.logs, `${service}.log`);

/**
 * Keeps a log bounded. The writer has the file open for appending and goes on in the emptied one; the
 * lines of the moment between copy and truncation are lost. (A pipe to the supervisor would lose none,
 * but would end every service with it.)
 */
export function rotateLog(file: string, limitBytes = logLimitBytes): void {
  if (!existsSync(file) || statSync(file).size <= limitBytes) return;
  copyFileSync(file, `${file}.1`);
  truncateSync(file);
}

/** To be called now and then: keeps every log bounded. One that cannot be rotated, on a full disk, grows until it can. */
export function logRotation(state: StateFolder, log: (line: string) => void): () => void {
  const said = new Map<LoggingService, string>();
  return () => {
    for (const service of loggingServices) {
      try {
        rotateLog(logFile(state, service));
        said.delete(service);
      } catch (error) {
        const words = error instanceof Error ? error.message : String(error);
        if (said.get(service) !== words) log(`the log of ${service} cannot be rotated: ${words}`);
        said.set(service, words);
      }
    }
  };
}

/** The last lines of a log, across one rotation. */
export function logTail(file: string, lines: number): string[] {
  const text = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : "");
  const all = (text(`${file}.1`) + text(file)).split("\n");
  if (all.at(-1) === "") all.pop();
  return all.slice(-lines);
}
