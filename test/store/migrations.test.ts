import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { missingMigrations, schemaFiles } from "../../store/migrations.ts";

const files = ["001-a.sql", "002-b.sql", "003-c.sql"].map((name) => ({ name, sql: `-- ${name}` }));
const applied = (...names: string[]) =>
  names.map((name) => ({
    name,
    breaking: false,
    checksum: createHash("sha256").update(`-- ${name}`).digest("hex"),
  }));

test("the files that a database has not seen come in order", () => {
  expect(missingMigrations(files, applied("001-a.sql"))).toEqual(files.slice(1));
  expect(missingMigrations(files, applied("001-a.sql", "002-b.sql", "003-c.sql"))).toEqual([]);
});

test("a file that was changed after it was applied is refused by name", () => {
  expect(() =>
    missingMigrations(files, [{ name: "002-b.sql", checksum: "0", breaking: false }]),
  ).toThrow("the store was made with another text of store/schema/002-b.sql than this program's.");
});

test("the schema files are numbered from 001 without a gap", async () => {
  const numbers = (await schemaFiles()).map(({ name }) => Number(name.slice(0, 3)));
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
});
