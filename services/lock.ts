import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

/** A lock that the kernel lets go when this process ends, however it ends. */
export interface Lock {
  release(): void;
}

/** `shared`: with others who share it, and with nobody who has it alone. */
type LockKind = "exclusive" | "shared";

/**
 * Locks `file` by flock(2), or answers null when another process's lock hinders it. Node has no flock: the lock
 * belongs to the open file, which this process shares with a `flock` command for a moment and keeps.
 * Node opens files close-on-exec, so no child inherits it.
 */
export async function takeLock(file: string, kind: LockKind = "exclusive"): Promise<Lock | null> {
  const descriptor = openSync(file, "a", 0o600);
  const child = spawn("flock", ["--nonblock", `--${kind}`, "3"], {
    stdio: ["ignore", "ignore", "ignore", descriptor],
  });
  const status = await new Promise<number | string | null>((settle, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => settle(code ?? signal));
  });
  if (status === 0) return { release: () => closeSync(descriptor) };
  closeSync(descriptor);
  // flock(1): the exit status when the lock is held by someone else is 1.
  if (status === 1) return null;
  throw new Error(`${file}: flock ended with ${status}`);
}

/** The lock as soon as its holder lets go. @throws when that has not happened by the deadline. */
export async function waitForLock(
  file: string,
  deadlineMs: number,
  kind: LockKind = "exclusive",
): Promise<Lock> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const lock = await takeLock(file, kind);
    if (lock !== null) return lock;
    if (Date.now() > end)
      throw new Error(`${file}: another longhaul command has held this lock for ${deadlineMs} ms`);
    await new Promise((wait) => setTimeout(wait, 100));
  }
}
