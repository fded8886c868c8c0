import { expect, test } from "vitest";
import { isOutOfReach, unavailable } from "../../store/database.ts";

const coded = (code: string): Error => Object.assign(new Error("x"), { code });

test.each([
  "ECONNREFUSED",
  "ECONNRESET",
  "57P01",
  "57P03",
  "08006",
  "53300",
  "53100",
  "57014",
  "28P01",
])("%s means out of reach", (code) => {
  expect(isOutOfReach(coded(code))).toBe(true);
});

test.each(["23505", "42601", "22P02", "40P01"])("%s is the statement's own error", (code) => {
  expect(isOutOfReach(coded(code))).toBe(false);
});

test("a connection that ended without a code means out of reach, any other error does not", () => {
  expect(isOutOfReach(new Error("Connection terminated unexpectedly"))).toBe(true);
  expect(isOutOfReach(new TypeError("x is not a function"))).toBe(false);
});

test("every address of a host that refused is named, the password never", () => {
  const cause = new AggregateError([new Error("connect ::1"), new Error("connect 127.0.0.1")]);
  const error = unavailable("postgresql://ann:secret@localhost:5432/results", cause);
  expect(error.message).toContain(
    "store at localhost:5432/results: PostgreSQL cannot be reached: connect ::1; connect 127.0.0.1",
  );
  expect(error.message).not.toContain("secret");
  const full = unavailable("postgresql:///", coded("53100")).message;
  expect(full).toMatch(/PostgreSQL's disk is full: x\nMake room there; results wait meanwhile\./);
  expect(unavailable("ann secret", cause).message).toContain("store at DATABASE_URL");
});
