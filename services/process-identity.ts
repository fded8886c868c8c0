import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** What tells a process from a later one with the same pid: when it started, and in which boot. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot (proc(5), /proc/PID/stat, field 22). */
  readonly startTicks: number;
  readonly bootId: string;
}

/** The boot id of this machine. */
const machineBootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

const statOf = (pid: number): { ended: boolean; startTicks: number } | null => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name, in parentheses, may itself hold spaces and parentheses.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    // While other threads of a zombie still end, its files and locks are still held.
    const zombie = fields[0] === "Z" || fields[0] === "X";
    const ended = zombie && readdirSync(`/proc/${pid}/task`).length <= 1;
    return { ended, startTicks: Number(fields[19]) };
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
};

/** Null when no such process runs. */
export function identityOf(pid: number): ProcessIdentity | null {
  const stat = statOf(pid);
  return stat === null ? null : { pid, startTicks: stat.startTicks, bootId: machineBootId() };
}

/** False for a reused pid, after a reboot, and for a zombie, which nothing can end any more. */
export function isAlive(identity: ProcessIdentity): boolean {
  const stat = statOf(identity.pid);
  return (
    stat !== null &&
    !stat.ended &&
    stat.startTicks === identity.startTicks &&
    machineBootId() === identity.bootId
  );
}

/** Sends a signal to this process and to no other that may have got its pid. False when it is gone. */
export function signalTo(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** True when the process has ended by the deadline. */
export async function gone(identity: ProcessIdentity, deadlineMs: number): Promise<boolean> {
  const end = Date.now() + deadlineMs;
  while (isAlive(identity)) {
    if (Date.now() > end) return false;
    await delay(20);
  }
  return true;
}

/** Asks the process to end by `signal` and kills it after `graceMs`. @throws when it is still there. */
export async function endProcess(
  identity: ProcessIdentity,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<"gone before" | "ended" | "killed"> {
  if (!signalTo(identity, signal)) return "gone before";
  if (await gone(identity, graceMs)) return "ended";
  signalTo(identity, "SIGKILL");
  if (await gone(identity, 10_000)) return "killed";
  throw new Error(`process ${identity.pid} is still there 10 s after SIGKILL`);
}
