import { execa } from "execa";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clearFaults, makeFault } from "../../lab/faults/faults.ts";
import { labDown } from "../../lab/lab.ts";
import { orderOf } from "./fault-lab.ts";
import { bareFile, testState, upLab } from "./own-lab.ts";

const folder = join(import.meta.dirname, "../../.longhaul/test/store-full");
let mounted = false;
beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  await execa("mount", ["-t", "tmpfs", "-o", "size=32m", "longhaul-test", folder]);
  mounted = true;
  await upLab(testState("store-full"), bareFile);
});
afterAll(async () => {
  try {
    await labDown(testState("store-full"));
  } finally {
    if (mounted) await execa("umount", [folder]);
  }
});

test("store-full leaves no byte of a small disk, and its clearing gives all back, as the end of the lab does", async () => {
  const state = testState("store-full");
  const write = (name: string) => writeFileSync(join(folder, name), Buffer.alloc(100_000));
  write("before");
  await makeFault(state, orderOf("store-full"));
  expect(() => write("during")).toThrow(/ENOSPC/);
  await clearFaults(state);
  write("after");
  await makeFault(state, orderOf("store-full"));
  await labDown(state);
  write("after the lab");
});
