import { expect, test } from "vitest";
import { etaSeconds } from "../../model/pace.ts";

test("what is left goes at the median pace of its own kind", () => {
  expect(
    etaSeconds([
      { kind: "forwarding", open: 2, medianSeconds: 6 },
      { kind: "migration", open: 1, medianSeconds: 20 },
    ]),
  ).toBe(32);
});

test("a kind that has no trial behind it goes at the pace of the other, and before the first nothing is known", () => {
  const forwarding = { kind: "forwarding", open: 0, medianSeconds: 5 } as const;
  const migration = { kind: "migration", open: 1, medianSeconds: null } as const;
  expect(etaSeconds([forwarding, migration])).toBe(5);
  expect(etaSeconds([migration])).toBeNull();
});
