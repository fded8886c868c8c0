/** The thread that looks at a database: seconds for a large one, in which its starter keeps other services. */
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";

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

const { file } = workerData as { readonly file: string };
parentPort?.postMessage(damageOf(file));
