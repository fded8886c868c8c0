import fc from "fast-check";
import { expect, test } from "vitest";
import {
  begun,
  cutLimit,
  ended,
  isSpent,
  mostAttempts,
  noAttempts,
  spentReason,
  tallyOf,
} from "../../model/attempts.ts";

test("attempts that count are spent at the limit, cut ones apart and only in a row", () => {
  const fate = (...cuts: boolean[]) =>
    cuts.reduce((tally, cut) => ended(begun(tally), cut), noAttempts);
  expect(isSpent(fate(false, false), 3)).toBe(false);
  expect(isSpent(fate(false, false, false), 3)).toBe(true);
  expect(isSpent(fate(true, true, true, true), 1)).toBe(false);
  expect(isSpent(fate(true, true, true, true, true), 3)).toBe(true);
  expect(isSpent(fate(true, true, true, true, false, true), 3)).toBe(false);
  expect(spentReason(fate(true, true, true, true, true), "no heartbeat")).toBe(
    "kills the worker: 5 attempts in a row were cut; the last: no heartbeat",
  );
});

test("however attempts end, a trial makes at least its limit or five, and never more than `mostAttempts`", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
      (limit, cuts) => {
        let tally = noAttempts;
        for (const cut of cuts) if (!isSpent(tally, limit)) tally = ended(begun(tally), cut);
        expect(isSpent(tally, limit)).toBe(true);
        expect(tally.attempts).toBeGreaterThanOrEqual(Math.min(limit, cutLimit));
        expect(tally.attempts).toBeLessThanOrEqual(mostAttempts(limit));
      },
    ),
  );
});

test("a stored attempt without a verdict leaves the tally open", () => {
  const rows = [
    { attempt: 1, verdict: "invalid", cut: true },
    { attempt: 2, verdict: "invalid", cut: false },
    { attempt: 3, verdict: null, cut: false },
  ] as const;
  expect(tallyOf(rows)).toEqual({ attempts: 3, spent: 1, cutInARow: 0, open: true });
});
