import { existsSync, renameSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

const sqliteBusy = 5;

/** Null when the file is a sound SQLite database; else what is wrong with it. */
function damageOf(file: string): string | null {
  try {
    const database = new DatabaseSync(file);
    try {
      const rows = database.prepare("PRAGMA integrity_check").all();
      const complaints = rows.map((row) => String(row.integrity_check));
      return complaints.length === 1 && complaints[0] === "ok" ? null : complaints.join("; ");
    } finally {
      database.close();
    }
  } catch (error) {
    if ((error as { errcode?: number }).errcode === sqliteBusy)
      throw new Error(`${file}: another process has this database open`, { cause: error });
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Looks at a database file before a server opens it: the dev server starts on damaged pages and then
 * logs `database disk image is malformed` for ever. A damaged one is renamed, never deleted.
 *
 * @returns null when there is none or it is sound; else a sentence for the user.
 */
export function setAsideIfDamaged(file: string, now: Date): string | null {
  if (!existsSync(file)) return null;
  const damage = damageOf(file);
  if (damage === null) return null;
  const aside = `${file}.damaged-${now.toISOString().replaceAll(":", "")}`;
  for (const suffix of ["", "-wal", "-shm"])
    if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
  return (
    `Temporal's database ${file} is damaged (${damage.slice(0, 200)}); it was set aside as ${aside} ` +
    "and a new one begun. Results are safe in PostgreSQL; workflows that ran are gone: start their campaigns again by their id."
  );
}
