import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { searchCapacity } from "../../activities/capacity-search.ts";

const bounds = { highestFps: 100_000, lowestRatio: 0.001, precisionRatio: 0.05 };

describe("the capacity search", () => {
  test("a router that loses nothing at the highest load has that capacity, after one trial", async () => {
    const tried: number[] = [];
    const found = await searchCapacity(bounds, async (fps) => tried.push(fps) > 0);
    expect(found).toBe(100_000);
    expect(tried).toEqual([100_000]);
  });

  test("a load that lost frames once and none at its second try is lossless", async () => {
    let tries = 0;
    expect(await searchCapacity(bounds, async () => (tries += 1) === 2)).toBe(100_000);
  });

  test("a router that always loses has no capacity", async () => {
    let trials = 0;
    expect(await searchCapacity(bounds, async () => (trials += 1) < 0)).toBeNull();
    expect(trials).toBeLessThanOrEqual(2 * (1 + 10));
  });

  test("for any true capacity the answer is lossless, and within the precision of it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 200, max: 99_999 }), async (capacity) => {
        let trials = 0;
        const found = await searchCapacity(bounds, async (fps) => {
          trials += 1;
          return fps <= capacity;
        });
        expect(found).not.toBeNull();
        expect(found).toBeLessThanOrEqual(capacity);
        expect(capacity - (found ?? 0)).toBeLessThanOrEqual(0.06 * capacity + 1);
        expect(trials).toBeLessThanOrEqual(2 * (1 + 10 + 5));
      }),
    );
  });
});
