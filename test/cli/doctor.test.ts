import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { commands } from "../../cli/commands.ts";
import { runProgram } from "../../cli/program.ts";

test("doctor looks at a state folder that is not there yet, and leaves it so", async () => {
  const folder = mkdtempSync(join(tmpdir(), "longhaul-doctor-"));
  const printed: string[] = [];
  const print = vi
    .spyOn(console, "log")
    .mockImplementation((text) => void printed.push(String(text)));
  try {
    await runProgram(["--state", join(folder, "below/state"), "doctor", "--json"], commands);
    expect(JSON.parse(printed.join(""))).toMatchObject({
      checks: expect.arrayContaining([expect.objectContaining({ name: "disk space" })]) as unknown,
    });
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    print.mockRestore();
    process.exitCode = undefined;
    rmSync(folder, { recursive: true });
  }
});
