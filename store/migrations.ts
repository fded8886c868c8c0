/** Brings the schema to this program's version: the files of store/schema in order, each once. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { UsageError } from "../model/usage-error.ts";
import type { Database } from "./database.ts";

export interface Migration {
  /** `001-campaigns.sql` */
  readonly name: string;
  readonly sql: string;
}

interface Applied {
  readonly name: string;
  readonly checksum: string;
}

/** Key of the advisory lock that lets one program migrate at a time. Any number that nobody else uses. */
const lockKey = 0x4c6f6e67;

/**
 * Applies what is missing in one transaction; programs that come at the same time wait. Idempotent.
 * @throws {UsageError} the database has a file that this program does not know, or knows differently
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<void> {
  await database.transaction(async (session) => {
    await session.execute("SET LOCAL statement_timeout = 0");
    await session.execute("SELECT pg_advisory_xact_lock($1)", [lockKey]);
    await session.execute(
      `CREATE TABLE IF NOT EXISTS schema_migration (
         name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
    );
    const applied = await session.rows<Applied>(
      "SELECT name, checksum FROM schema_migration ORDER BY name",
    );
    for (const { name, sql } of missingMigrations(migrations, applied)) {
      await session.execute(sql);
      await session.execute("INSERT INTO schema_migration (name, checksum) VALUES ($1, $2)", [
        name,
        checksum(sql),
      ]);
    }
  });
}

/** What is still to be applied, in order. @throws {UsageError} see `migrate` */
export function missingMigrations(
  migrations: readonly Migration[],
  applied: readonly Applied[],
): readonly Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration.sql]));
  for (const { name, checksum: appliedChecksum } of applied) {
    const sql = known.get(name);
    if (sql === undefined) {
      throw new UsageError(
        `the store was written by a newer Longhaul: it has schema ${name}, this program knows up to ` +
          `${migrations.at(-1)?.name ?? "none"}. Use that version, or another database.`,
      );
    }
    if (checksum(sql) !== appliedChecksum) {
      throw new UsageError(
        `the store was made with another text of store/schema/${name} than this program's. ` +
          "A schema file is never changed once it was applied: use the version that wrote the store, or another database.",
      );
    }
  }
  const done = new Set(applied.map(({ name }) => name));
  return migrations.filter(({ name }) => !done.has(name));
}

/** The SQL files beside this module, in the order of their numbers. */
export async function schemaFiles(): Promise<readonly Migration[]> {
  const folder = new URL("./schema/", import.meta.url);
  const names = (await readdir(folder)).filter((name) => /^\d{3}-.*\.sql$/.test(name)).sort();
  return await Promise.all(
    names.map(async (name) => ({ name, sql: await readFile(new URL(name, folder), "utf8") })),
  );
}

const checksum = (sql: string): string => createHash("sha256").update(sql).digest("hex");
