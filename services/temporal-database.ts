import { existsSync, readdirSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Worker } from "node:worker_threads";

/** Null when the file is a sound database of Temporal's; else what is wrong with it. @throws when that cannot be known. */
async function damageOf(file: string): Promise<string | null> {
  const thread = new Worker(new URL("./temporal-damage-thread.ts", import.meta.url), {
    workerData: { file },
  });
  return await new Promise((settle, reject) => {
    thread.once("message", settle);
    thread.once("error", reject);
    thread.once("exit", () => reject(new Error(`${file}: the look at it ended without a word`)));
  });
}

const asideMark = ".damaged-";

/** Databases of this name that were set aside, oldest first. */
export function databasesSetAside(file: string): readonly string[] {
  const folder = dirname(file);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.startsWith(basename(file) + asideMark));
  return names
    .filter((name) => !name.endsWith("-wal") && !name.endsWith("-shm"))
    .sort()
    .map((name) => join(folder, name));
}

/**
 * Looks at a database file before a server opens it: the dev server starts on damaged pages and then
 * logs `database disk image is malformed` for ever; on an empty file or another program's it never
 * starts. A damaged one is renamed, never deleted.
 *
 * @returns null when there is none or it is sound; else a sentence for the user.
 */
export async function setAsideIfDamaged(file: string, now: Date): Promise<string | null> {
  if (!existsSync(file)) return null;
  const damage = await damageOf(file);
  if (damage === null) return null;
  const aside = `${file}${asideMark}${now.toISOString().replaceAll(":", "")}`;
  for (const suffix of ["", "-wal", "-shm"])
    if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
  return (
    `Temporal's database ${file} is damaged (${damage.slice(0, 200)}); it was set aside as ${aside} ` +
    "and a new one begun. Plan and results are in PostgreSQL: the worker starts every campaign anew from there."
  );
}
