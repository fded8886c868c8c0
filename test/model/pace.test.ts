import { expect, test } from "vitest";
import { etaSeconds } from "../../model/pace.ts";

const at = (seconds: number) => new Date(seconds * 1000).toISOString();
const done = (kind: "forwarding" | "migration", seconds: number) =>
  ({ kind, state: "valid", startedAt: at(0), endedAt: at(seconds) }) as const;
const pending = (kind: "forwarding" | "migration") =>
  ({ kind, state: "pending", startedAt: null, endedAt: null }) as const;

test("what is left goes at the median pace of its own kind", () => {
  const trials = [
    done("forwarding", 4),
    done("forwarding", 6),
    done("forwarding", 90),
    done("migration", 20),
  ];
  expect(
    etaSeconds([...trials, pending("forwarding"), pending("forwarding"), pending("migration")]),
  ).toBe(32);
});

test("a kind that has no trial behind it goes at the pace of the others, and before the first nothing is known", () => {
  expect(etaSeconds([done("forwarding", 5), pending("migration")])).toBe(5);
  expect(etaSeconds([pending("migration")])).toBeNull();
});
