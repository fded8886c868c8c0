/** The looks at a host's CPU times, and what is read out of them. */
import { execaSync } from "execa";
import { join } from "node:path";
import { expect, test } from "vitest";
import { indicesOf, int64s, uint32s } from "../../probes/columns.ts";

const python = `
import json, sys
from agent.host_load import Looks
looks = Looks({"0": [], "1": []}, kept=8)
for index in range(100):
    cpus = {"0": [index * kind for kind in range(10)]}
    if index < 50:
        cpus["1"] = [7]
    looks.add(index * 1000, cpus, index)
json.dump({**looks.result(), "kept": len(looks.at_us)}, sys.stdout)
`;

test("a unit that runs for long keeps a bounded number of looks, from its begin to its end, and loses no time", async () => {
  const { stdout } = execaSync("python3", ["-B", "-c", python], {
    env: { PYTHONPATH: join(import.meta.dirname, "../../probes") },
  });
  const given = JSON.parse(stdout) as Record<"atUs" | "ticks" | "runnable", string> & {
    cpus: number[];
    kept: number;
  };
  expect(given.cpus).toEqual([0, 1]);
  expect(given.kept).toBeLessThanOrEqual(8);
  const atUs = await int64s(given.atUs);
  expect(atUs[0]).toBe(0);
  expect(atUs.at(-1)).toBe(99_000);
  expect(atUs).toEqual([...atUs].sort((one, other) => one - other));
  const ticks = await int64s(given.ticks);
  expect(ticks).toHaveLength(16 * atUs.length);
  const last = ticks.slice(-16);
  // One CPU's eight kinds, then those of the one that went offline, as they were last known.
  expect(last).toEqual([
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((kind) => 99 * kind),
    7,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
  expect((await uint32s(given.runnable)).at(-1)).toBe(98);
});

test("a span is held by the looks next to it, outside of it where there are some", () => {
  const stamps = [10, 20, 30, 40];
  expect(indicesOf(stamps, { fromUs: 20, toUs: 30 })).toEqual([1, 2]);
  expect(indicesOf(stamps, { fromUs: 21, toUs: 31 })).toEqual([1, 3]);
  expect(indicesOf(stamps, { fromUs: 5, toUs: 99 })).toEqual([0, 3]);
  expect(indicesOf(stamps, null)).toEqual([0, 3]);
  expect(indicesOf([], { fromUs: 5, toUs: 99 })).toEqual([0, -1]);
});
