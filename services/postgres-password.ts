import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { StateFolder } from "./state-folder.ts";

/**
 * The password of the embedded PostgreSQL, generated on first use. Only the owner can read its file;
 * without one anybody on the machine could read and write the store over loopback.
 */
export function postgresPassword(state: StateFolder): string {
  const file = join(state.path, "postgres-password");
  const existing = read(file);
  if (existing !== null) return existing;
  const fresh = `${file}.${process.pid}.unfinished`;
  const descriptor = openSync(fresh, "w", 0o600);
  writeSync(descriptor, randomBytes(24).toString("base64url"));
  fsyncSync(descriptor);
  closeSync(descriptor);
  chmodSync(fresh, 0o600);
  try {
    // A link, unlike a rename, never replaces the password of another process that was faster.
    linkSync(fresh, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(fresh);
  }
  return readFileSync(file, "utf8");
}

function read(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
