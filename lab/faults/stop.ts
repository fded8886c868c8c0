/** SIGSTOP and SIGCONT for very processes, proven by their state in /proc. */
import { readdirSync, readFileSync } from "node:fs";
import { isAlive, until, type ProcessRecord } from "../processes.ts";

const isGone = (error: unknown): boolean =>
  ["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "");

/** State letters of all threads, as proc(5) gives them; empty for a process that has ended, reaped or not. */
export const threadStates = (pid: number): string => {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map((task) => readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8"))
      .map((stat) => stat.charAt(stat.lastIndexOf(")") + 2))
      .filter((state) => state !== "Z" && state !== "X")
      .join("");
  } catch (error) {
    if (isGone(error)) return "";
    throw error;
  }
};

const signal = (record: ProcessRecord, name: "SIGSTOP" | "SIGCONT"): void => {
  try {
    if (isAlive(record)) process.kill(record.pid, name);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
};

/** Returns when every thread stands. @throws {Error} one does not */
export const stopProcesses = async (records: readonly ProcessRecord[]): Promise<void> => {
  for (const record of records) signal(record, "SIGSTOP");
  await until(
    `the halt of ${records.map(({ pid }) => pid).join(", ")}`,
    () => records.every(({ pid }) => /^T*$/.test(threadStates(pid))),
    5_000,
  );
};

export const continueProcesses = (records: readonly ProcessRecord[]): void => {
  for (const record of records) signal(record, "SIGCONT");
};
