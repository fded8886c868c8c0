import { expect, test } from "vitest";
import { epochOf, token } from "../../model/tokens.ts";

test("every token of an epoch is above all of the epoch before", () => {
  expect(token(2, 1)).toBeGreaterThan(token(1, 999_999));
  expect(token(3, 42)).toBe(3_000_042);
});

test("the epoch of the store's highest token is found again, also after more than a million numbers", () => {
  expect(epochOf(token(7, 42))).toBe(7);
  expect(epochOf(token(7, 1_000_001))).toBe(8);
});
