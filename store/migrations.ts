/** Brings the schema to this program's version: the files of store/schema in order, each once. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { UsageError } from "../model/usage-error.ts";
import { openDatabase } from "./database.ts";
import type { Database, Session } from "./database.ts";
import { untilUnused } from "./schema-use.ts";

/**
 * A file only adds, so that an older program goes on beside a newer one: tables, columns that are null
 * or have a default, indices. One that it could not go on with says `-- breaking: why` in its first
 * line; it is applied when no worker uses the store any more, and older programs refuse the store then.
 */
export interface Migration {
  /** `001-campaigns.sql` */
  readonly name: string;
  readonly sql: string;
}

export interface Applied {
  readonly name: string;
  readonly checksum: string;
  readonly breaking: boolean;
}

/** Key of the advisory lock that lets one program migrate at a time. Any number that nobody else uses. */
const lockKey = 0x4c6f6e67;

/**
 * Applies what is missing in one transaction; programs that come at the same time wait. A breaking file
 * waits for the workers that use the store. Idempotent.
 * @throws {UsageError} the database has a breaking file that this program does not know, or knows a file differently
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<void> {
  if (await isCurrent(database, migrations)) return;
  // A large store may need longer than any other statement may take.
  const unhurried = openDatabase(database.url, null);
  try {
    await applyMissing(unhurried, migrations);
  } finally {
    await unhurried.close();
  }
}

async function isCurrent(session: Session, migrations: readonly Migration[]): Promise<boolean> {
  const missing = missingMigrations(migrations, await appliedMigrations(session));
  return missing.length === 0 && (await tellsBreaking(session));
}

async function applyMissing(database: Database, migrations: readonly Migration[]): Promise<void> {
  await database.transaction(async (session) => {
    await session.execute("SET LOCAL statement_timeout = 0");
    if (missingMigrations(migrations, await appliedMigrations(session)).some(isBreaking))
      await untilUnused(session);
    await session.execute("SELECT pg_advisory_xact_lock($1)", [lockKey]);
    await session.execute(
      `CREATE TABLE IF NOT EXISTS schema_migration (
         name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
    );
    if (!(await tellsBreaking(session)))
      await session.execute(
        "ALTER TABLE schema_migration ADD COLUMN breaking boolean NOT NULL DEFAULT false",
      );
    for (const migration of missingMigrations(migrations, await appliedMigrations(session))) {
      const { name, sql } = migration;
      await session.execute(sql);
      await session.execute(
        "INSERT INTO schema_migration (name, checksum, breaking) VALUES ($1, $2, $3)",
        [name, checksum(sql), isBreaking(migration)],
      );
    }
  });
}

/** In order; none in a database that was never migrated. */
async function appliedMigrations(session: Session): Promise<readonly Applied[]> {
  const [table] = await session.rows<{ exists: boolean }>(
    "SELECT to_regclass('schema_migration') IS NOT NULL AS exists",
  );
  return table?.exists === true ? session.rows<Applied>(appliedSql) : [];
}

/** What a database has seen, in order. Longhaul 0.1.0 kept no word of what breaks. */
export const appliedSql = `
  SELECT name, checksum, coalesce((to_jsonb(m)->>'breaking')::boolean, false) AS breaking
  FROM schema_migration m ORDER BY name`;

async function tellsBreaking(session: Session): Promise<boolean> {
  const rows = await session.rows(
    "SELECT FROM pg_attribute WHERE attrelid = to_regclass('schema_migration') AND attname = 'breaking'",
  );
  return rows.length > 0;
}

const isBreaking = ({ sql }: Migration): boolean => /^-- breaking: \S/.test(sql);

/** What is still to be applied, in order. @throws {UsageError} see `migrate` */
export function missingMigrations(
  migrations: readonly Migration[],
  applied: readonly Applied[],
): readonly Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration.sql]));
  for (const { name, checksum: appliedChecksum, breaking } of applied) {
    const sql = known.get(name);
    if (sql === undefined) {
      if (breaking) throw new UsageError(tooNew(name, migrations));
    } else if (checksum(sql) !== appliedChecksum) {
      throw new UsageError(
        `the store was made with another text of store/schema/${name} than this program's. ` +
          "A schema file is never changed once it was applied: use the version that wrote the store, or another database.",
      );
    }
  }
  const done = new Set(applied.map(({ name }) => name));
  return migrations.filter(({ name }) => !done.has(name));
}

const tooNew = (name: string, migrations: readonly Migration[]): string =>
  `the store was written by a newer Longhaul: it has schema ${name}, this program knows up to ` +
  `${migrations.at(-1)?.name ?? "none"}. Use that version, or another database.`;

/** The SQL files beside this module, in the order of their numbers. */
export async function schemaFiles(): Promise<readonly Migration[]> {
  const folder = new URL("./schema/", import.meta.url);
  const names = (await readdir(folder)).filter((name) => /^\d{3}-.*\.sql$/.test(name)).sort();
  return await Promise.all(
    names.map(async (name) => ({ name, sql: await readFile(new URL(name, folder), "utf8") })),
  );
}

const checksum = (sql: string): string => createHash("sha256").update(sql).digest("hex");
