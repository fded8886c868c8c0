import { existsSync, readdirSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const [busy, corrupt, notADatabase] = [5, 11, 26];
/** Tables without which no server can go on from a file. */
const wantedTables = [
  "namespaces",
  "executions",
  "history_node",
  "shards",
  "executions_visibility",
];

/**
 * Null when the file is a sound database of Temporal's; else what is wrong with it.
 * @throws when that cannot be known: a full disk or a file without rights is no damage.
 */
function damageOf(file: string): string | null {
  try {
    const database = new DatabaseSync(file);
    try {
      // Refused while any other process has the file open, also one that knows nothing of our lock.
      database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; ROLLBACK");
      const rows = database.prepare("PRAGMA integrity_check(5)").all();
      const complaints = rows.map((row) => String(row.integrity_check));
      if (complaints.length !== 1 || complaints[0] !== "ok") return complaints.join("; ");
      const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
      const missing = wantedTables.filter((name) => !tables.some((table) => table.name === name));
      return missing.length === 0 ? null : `no database of Temporal's: no ${missing.join(", no ")}`;
    } finally {
      database.close();
    }
  } catch (error) {
    const code = ((error as { errcode?: number }).errcode ?? 0) & 0xff;
    const words = error instanceof Error ? error.message : String(error);
    if (code === corrupt || code === notADatabase) return words;
    if (code === busy)
      throw new Error(`${file}: another process has this database open`, { cause: error });
    throw new Error(`${file}: cannot be looked at before the start: ${words}`, { cause: error });
  }
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
export function setAsideIfDamaged(file: string, now: Date): string | null {
  if (!existsSync(file)) return null;
  const damage = damageOf(file);
  if (damage === null) return null;
  const aside = `${file}${asideMark}${now.toISOString().replaceAll(":", "")}`;
  for (const suffix of ["", "-wal", "-shm"])
    if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
  return (
    `Temporal's database ${file} is damaged (${damage.slice(0, 200)}); it was set aside as ${aside} ` +
    "and a new one begun. Plan and results are in PostgreSQL: the worker starts every campaign anew from there."
  );
}
