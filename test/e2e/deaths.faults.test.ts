/** Every victim is killed in every step of real trials: `npm test` has one row of this square. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { killedInSteps, latinSquare } from "./killed-in-steps.ts";
import { ownBench } from "./own-bench.ts";

const bench = ownBench("e2e-deaths-all", 200);
const suffix = randomBytes(3).toString("hex");

beforeAll(async () => {
  expect(await bench.longhaul("up")).toMatchObject({ exitCode: 0 });
});
afterAll(async () => {
  await bench.longhaul("down");
  expect(bench.left()).toEqual([]);
});

test.each(latinSquare.map((kills, row) => ({ kills, row })))(
  "row $row: in each step of real trials something is killed, and nothing is lost or doubled",
  async ({ kills, row }) => {
    await killedInSteps(bench, `row${row}-${suffix}`, kills);
  },
  420_000,
);
