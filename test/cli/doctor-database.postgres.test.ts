/** What `doctor` finds of a PostgreSQL that somebody else runs, and that its own commands mend it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { databaseChecks } from "../../cli/doctor-database.ts";
import type { Check } from "../../cli/doctor.ts";
import { openStore } from "../../store/open-store.ts";
import { withStore } from "../store/postgres-server.ts";

const given = withStore();
const role = `bench's "one"`;
const folder = mkdtempSync(join(tmpdir(), "longhaul-doctor-"));
afterAll(() => rmSync(folder, { recursive: true }));

const asOwner = async (sql: string, database = "postgres") => {
  const url = new URL(given.url);
  url.pathname = `/${encodeURIComponent(database)}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
};
const urlOf = (database: string, password = "right") => {
  const url = new URL(given.url);
  url.username = encodeURIComponent(role);
  url.password = password;
  url.pathname = `/${database}`;
  return url.href;
};

beforeAll(async () => {
  // Takes the place of psql, which need not be installed: tells what the shell made of the command.
  writeFileSync(join(folder, "psql"), `#!/bin/sh\nprintf '%s\\n' "$@"\n`, { mode: 0o755 });
  await asOwner(`CREATE ROLE ${pg.escapeIdentifier(role)} LOGIN PASSWORD 'right'`);
});
beforeEach(() => asOwner("DROP DATABASE IF EXISTS results WITH (FORCE)"));

const failing = (checks: readonly Check[]): Check => {
  const [first] = checks.filter(({ result }) => result === "fail");
  if (first === undefined) throw new Error(`nothing fails: ${JSON.stringify(checks)}`);
  return first;
};
/** Lets a shell run the command, and its SQL be executed where it says. */
const mend = async ({ mend: command }: Check): Promise<void> => {
  const { stdout } = await execa("sh", ["-c", command ?? "false"], {
    env: { PATH: `${folder}:${process.env.PATH ?? ""}` },
  });
  const words = stdout.split("\n");
  const after = (flag: string) => words[words.indexOf(flag) + 1] ?? "";
  expect(after("-h")).toBe(new URL(given.url).hostname);
  expect(after("-p")).toBe(new URL(given.url).port);
  await asOwner(after("-c"), after("-d"));
};

test("a database that does not exist is made by the command that doctor gives, and then all is well", async () => {
  const found = failing(await databaseChecks(urlOf("results")));
  expect(found.detail).toContain('database "results" does not exist');
  await mend(found);
  const checks = await databaseChecks(urlOf("results"));
  expect(checks.map(({ name, result }) => `${name} ${result}`)).toEqual([
    "PostgreSQL ok",
    "rights ok",
  ]);
});

test("a role without the right to create tables is given it", async () => {
  await asOwner("CREATE DATABASE results");
  const found = failing(await databaseChecks(urlOf("results")));
  expect(found).toMatchObject({ name: "rights" });
  expect(found.detail).toContain("may not create tables in schema public of database results");
  await mend(found);
  expect((await databaseChecks(urlOf("results"))).every(({ result }) => result === "ok")).toBe(
    true,
  );
  const store = openStore(urlOf("results"));
  await store.migrate();
  await store.close();
  expect(await databaseChecks(urlOf("results"))).toContainEqual(
    expect.objectContaining({ name: "store schema", result: "ok" }),
  );
});

test.each([
  ["use a schema", "REVOKE ALL ON SCHEMA public FROM PUBLIC", "may use no schema"],
  ["connect", "REVOKE CONNECT ON DATABASE results FROM PUBLIC", "permission denied for database"],
])("a role that may not %s is given the right", async (_, sql, says) => {
  await asOwner("CREATE DATABASE results");
  await asOwner(`GRANT CREATE ON SCHEMA public TO ${pg.escapeIdentifier(role)}`, "results");
  await asOwner(sql, "results");
  const found = failing(await databaseChecks(urlOf("results")));
  expect(found.detail).toContain(says);
  await mend(found);
  expect((await databaseChecks(urlOf("results"))).every(({ result }) => result === "ok")).toBe(
    true,
  );
});

test("another role's store is not taken for one's own, and membership mends it", async () => {
  await asOwner("CREATE DATABASE results");
  await asOwner(
    `GRANT CREATE ON SCHEMA public TO ${pg.escapeIdentifier(role)}; CREATE ROLE keeper;
     CREATE TABLE schema_migration (name text, checksum text); ALTER TABLE schema_migration OWNER TO keeper`,
    "results",
  );
  const found = failing(await databaseChecks(urlOf("results")));
  expect(found.detail).toContain(`belong to keeper, not to ${role}`);
  await mend(found);
  expect((await databaseChecks(urlOf("results"))).every(({ result }) => result === "ok")).toBe(
    true,
  );
});

test("a store of a newer Longhaul is named as one", async () => {
  const { store, url } = given;
  await store.migrate();
  await asOwner(
    "INSERT INTO schema_migration (name, checksum, breaking) VALUES ('999-later.sql', 'x', true)",
    "longhaul",
  );
  try {
    expect(failing(await databaseChecks(url))).toMatchObject({ name: "store schema" });
    expect(failing(await databaseChecks(url)).detail).toContain("written by a newer Longhaul");
  } finally {
    await asOwner("DELETE FROM schema_migration WHERE name = '999-later.sql'", "longhaul");
  }
});

test.each([
  ["a wrong password", urlOfLater("wrong"), /password authentication failed/, /createuser .*bench/],
  ["no password", urlOfLater(""), /the server asks for a password/, /PGPASSWORD/],
  ["a port where nobody listens", () => "postgresql://x:y@127.0.0.1:9/z", /ECONNREFUSED/, /PG\*/],
  ["what is no URL", () => "postgres//x:y:z", /is no URL|ENOTFOUND|no URL/, /DATABASE_URL/],
])("%s is told as what it is", async (_, url, says, mends) => {
  const found = failing(await databaseChecks(url()));
  expect(found.name).toBe("PostgreSQL");
  expect(found.detail).toMatch(says);
  expect(found.mend).toMatch(mends);
  expect(found.detail).not.toContain("wrong");
});

function urlOfLater(password: string) {
  return () => urlOf("longhaul", password);
}
