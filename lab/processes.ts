/** Processes of this machine, known by number and start time so that a reused number is never mistaken. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface ProcessRecord {
  readonly pid: number;
  /** Clock ticks since boot (field 22 of /proc/PID/stat, proc(5)). */
  readonly startTicks: number;
}

/** What `read` reads, or null for a process or file that is not there (any more) or not ours to read. */
const unlessGone = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(code)) return null;
    throw error;
  }
};

/** null: no such process, or only its zombie. */
export const processRecord = (pid: number): ProcessRecord | null => {
  const stat = unlessGone(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  // The name in parentheses may hold anything; fields are counted after its end.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (!fields || fields[0] === "Z" || fields[0] === "X") return null;
  return { pid, startTicks: Number(fields[19]) };
};

export const isAlive = (record: ProcessRecord): boolean =>
  processRecord(record.pid)?.startTicks === record.startTicks;

/** Its arguments; empty for a process that is gone, or a kernel's own. */
export const commandLine = (pid: number): readonly string[] =>
  (unlessGone(() => readFileSync(`/proc/${pid}/cmdline`, "utf8")) ?? "").split("\0").slice(0, -1);

const pids = (): readonly number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Live processes whose initial environment holds `entry` (`NAME=value`). */
export const processesMarked = (entry: string): readonly ProcessRecord[] =>
  pids().flatMap((pid) => {
    const environ = unlessGone(() => readFileSync(`/proc/${pid}/environ`, "latin1"));
    const record = environ?.split("\0").includes(entry) ? processRecord(pid) : null;
    return record ? [record] : [];
  });

export type NamespaceKind = "pid" | "mnt" | "uts" | "net";
/** As the kernel prints it: `net:[4026532281]`. null: the process is gone. */
export const namespaceOf = (pid: number, kind: NamespaceKind): string | null =>
  unlessGone(() => readlinkSync(`/proc/${pid}/ns/${kind}`));

/** Live processes in any of these namespaces. */
export const processesIn = (namespaces: ReadonlySet<string>): readonly ProcessRecord[] =>
  pids().flatMap((pid) => {
    const inside = (["pid", "mnt", "uts", "net"] as const).some((kind) =>
      namespaces.has(namespaceOf(pid, kind) ?? ""),
    );
    const record = inside ? processRecord(pid) : null;
    return record ? [record] : [];
  });

/** SIGKILL for these very processes; numbers reused meanwhile are left alone. */
export const killAll = (records: readonly ProcessRecord[]): void => {
  for (const record of records.filter(isAlive))
    unlessGone(() => process.kill(record.pid, "SIGKILL"));
};

/**
 * Kills until nothing of it is left. Inits first: their own unshare(1) then reaps them and ends, where
 * both killed at once leave zombies, and their namespaces' names, to the machine's own init.
 */
export const endAll = async (
  what: string,
  left: () => readonly ProcessRecord[],
  deadlineMs: number,
): Promise<void> => {
  const ours = namespaceOf(process.pid, "pid");
  const patience = performance.now() + 1_000;
  await until(
    `the end of ${what}`,
    () => {
      const found = left();
      const inside = found.filter(({ pid }) => namespaceOf(pid, "pid") !== ours);
      killAll(performance.now() > patience ? found : inside);
      return found.length === 0;
    },
    deadlineMs,
  );
};

/** Looks every few milliseconds until `done`. @throws {Error} with `what` after the deadline. */
export const until = async (
  what: string,
  done: () => boolean | Promise<boolean>,
  deadlineMs: number,
): Promise<void> => {
  const end = performance.now() + deadlineMs;
  while (!(await done())) {
    if (performance.now() > end) throw new Error(`${what} did not happen within ${deadlineMs} ms`);
    await new Promise((wake) => setTimeout(wake, 5));
  }
};
