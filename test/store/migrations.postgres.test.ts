import { createHash } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { UsageError } from "../../model/usage-error.ts";
import { openDatabase } from "../../store/database.ts";
import type { Database } from "../../store/database.ts";
import { migrate, schemaFiles } from "../../store/migrations.ts";
import { useSchema } from "../../store/schema-use.ts";
import { openStore } from "../../store/open-store.ts";
import { StoreUnavailable } from "../../store/store.ts";
import { withStore } from "./postgres-server.ts";

const postgres = withStore();
const opened: Database[] = [];
async function emptyDatabase(name: string, limitMs?: number): Promise<Database> {
  const admin = openDatabase(postgres.url);
  await admin.execute(`CREATE DATABASE ${name}`);
  await admin.close();
  const url = new URL(postgres.url);
  url.pathname = `/${name}`;
  const database = openDatabase(url.href, limitMs);
  opened.push(database);
  return database;
}
afterAll(async () => {
  await Promise.all(opened.map((database) => database.close()));
});
const applied = (database: Database) =>
  database.rows<{ name: string }>("SELECT name FROM schema_migration ORDER BY name");

test("programs that start at the same time apply each schema file once", async () => {
  const database = await emptyDatabase("same_time");
  const stores = Array.from({ length: 5 }, () => openStore(database.url));
  await Promise.all(stores.map((store) => store.migrate()));
  await Promise.all(stores.map((store) => store.close()));
  const names = (await schemaFiles()).map(({ name }) => ({ name }));
  expect(names.length).toBeGreaterThan(0);
  expect(await applied(database)).toEqual(names);
});

test("a schema file that fails leaves the database as it was", async () => {
  const database = await emptyDatabase("half");
  const broken = [
    { name: "001-a.sql", sql: "CREATE TABLE a (x int); CREATE TABLE b (x int);" },
    { name: "002-b.sql", sql: "CREATE TABLE c (x int); SELECT nonsense;" },
  ];
  await expect(migrate(database, broken)).rejects.toThrow(/nonsense/);
  expect(await database.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
  await migrate(database, broken.slice(0, 1));
  expect(await applied(database)).toEqual([{ name: "001-a.sql" }]);
});

test("a schema file may take longer than any other statement, and is then not looked at again", async () => {
  const database = await emptyDatabase("unhurried", 300);
  const sleep = "SELECT pg_sleep(1)";
  await expect(database.execute(sleep)).rejects.toThrow(StoreUnavailable);
  const slow = [{ name: "001-a.sql", sql: `CREATE TABLE a (x int); ${sleep}` }];
  await migrate(database, slow);
  expect(await applied(database)).toEqual([{ name: "001-a.sql" }]);
  await migrate(database, slow);
});

const older = [{ name: "001-a.sql", sql: "CREATE TABLE a (x int)" }];
const added = { name: "002-b.sql", sql: "ALTER TABLE a ADD COLUMN y int DEFAULT 1" };
const breaking = {
  name: "002-b.sql",
  sql: "-- breaking: x is y now\nALTER TABLE a RENAME COLUMN x TO y",
};

test("an older program goes on beside a newer one that only added to the schema", async () => {
  const database = await emptyDatabase("added");
  await migrate(database, older);
  const use = await useSchema(database.url, ["001-a.sql"]);
  await migrate(database, [...older, added]);
  expect(await use.whyStop()).toBeNull();
  await migrate(database, older);
  await database.execute("INSERT INTO a (x) VALUES (1)");
  expect(await database.rows("SELECT * FROM a")).toEqual([{ x: 1, y: 1 }]);
  await use.end();
});

test("a breaking change waits for the worker that uses the schema, which sees it and ends", async () => {
  const database = await emptyDatabase("waits");
  await migrate(database, older);
  const use = await useSchema(database.url, ["001-a.sql"]);
  expect(await use.whyStop()).toBeNull();
  const migration = migrate(database, [...older, breaking]);
  await expect
    .poll(() => use.whyStop(), { timeout: 20_000 })
    .toBe("a newer Longhaul waits to change the store");
  // Until then the old schema serves.
  await database.execute("INSERT INTO a (x) VALUES (1)");
  await use.end();
  await migration;
  expect(await database.rows("SELECT * FROM a")).toEqual([{ y: 1 }]);
});

test("a worker whose connection was cut while the schema changed is told so", async () => {
  const database = await emptyDatabase("cut");
  await migrate(database, older);
  const use = await useSchema(database.url, ["001-a.sql"]);
  const admin = openDatabase(postgres.url);
  await admin.execute(
    "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND mode = 'ShareLock'",
  );
  await admin.close();
  await migrate(database, [...older, breaking]);
  await expect
    .poll(() => use.whyStop().catch(() => null), { timeout: 20_000 })
    .toBe("a newer Longhaul has changed the store (002-b.sql)");
  await use.end();
});

test("a store of Longhaul 0.1.0, which kept no word of breaking, is taken over", async () => {
  const database = await emptyDatabase("first");
  const checksum = createHash("sha256")
    .update(older[0]?.sql ?? "")
    .digest("hex");
  await database.execute(
    "CREATE TABLE schema_migration (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
  );
  await database.execute("CREATE TABLE a (x int)");
  await database.execute("INSERT INTO schema_migration VALUES ('001-a.sql', $1)", [checksum]);
  await migrate(database, older);
  const use = await useSchema(database.url, ["001-a.sql"]);
  expect(await use.whyStop()).toBeNull();
  await use.end();
});

test("a database that a newer version has broken for this one is refused and stays as it is", async () => {
  const database = await emptyDatabase("newer");
  const files = older;
  await migrate(database, [...files, breaking]);
  const refusal = migrate(database, files);
  await expect(refusal).rejects.toThrow(UsageError);
  await expect(refusal).rejects.toThrow(
    "the store was written by a newer Longhaul: it has schema 002-b.sql, this program knows up to " +
      "001-a.sql. Use that version, or another database.",
  );
});
