import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runProgram } from "../../cli/program.ts";
import { faultNames } from "../../model/fault.ts";

let folder = "";
let told = "";
let shown = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lab-fault-"));
  told = "";
  shown = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => Boolean((told += String(text))));
  vi.spyOn(process.stdout, "write").mockImplementation((text) => Boolean((shown += String(text))));
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  rmSync(folder, { recursive: true });
});

const fault = (...words: readonly string[]) =>
  runProgram(["--state", folder, "lab", "fault", ...words]);

test("lab fault list --json names every fault with what it does, and those that are active", async () => {
  await fault("list", "--json");
  const { faults, active } = JSON.parse(shown) as {
    faults: { fault: string; does: string; expected: string }[];
    active: unknown[];
  };
  expect(faults.map((one) => one.fault)).toEqual(faultNames);
  for (const { does, expected } of faults) expect(does && expected).not.toBe("");
  expect(active).toEqual([]);
});

test.each([
  [["gremlin"], /fault "gremlin" is unknown; known ones: link-cut, .*store-full; and list, clear/],
  [["link-cut"], /no lab is up here/],
])("lab fault %j is wrong use, and says what would be right", async (words, message) => {
  expect(await fault(...words)).toBe(2);
  expect(told).toMatch(message);
});
