import { afterAll, expect, test } from "vitest";
import { UsageError } from "../../model/usage-error.ts";
import { openDatabase } from "../../store/database.ts";
import type { Database } from "../../store/database.ts";
import { migrate, schemaFiles } from "../../store/migrations.ts";
import { openStore } from "../../store/open-store.ts";
import { withStore } from "./postgres-server.ts";

const postgres = withStore();
const opened: Database[] = [];
async function emptyDatabase(name: string): Promise<Database> {
  const admin = openDatabase(postgres.url);
  await admin.execute(`CREATE DATABASE ${name}`);
  await admin.close();
  const url = new URL(postgres.url);
  url.pathname = `/${name}`;
  const database = openDatabase(url.href);
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

test("a database of a newer version is refused and stays as it is", async () => {
  const database = await emptyDatabase("newer");
  const files = [{ name: "001-a.sql", sql: "CREATE TABLE a (x int)" }];
  await migrate(database, [...files, { name: "002-b.sql", sql: "CREATE TABLE b (x int)" }]);
  const refusal = migrate(database, files);
  await expect(refusal).rejects.toThrow(UsageError);
  await expect(refusal).rejects.toThrow(
    "the store was written by a newer Longhaul: it has schema 002-b.sql, this program knows up to " +
      "001-a.sql. Use that version, or another database.",
  );
});
