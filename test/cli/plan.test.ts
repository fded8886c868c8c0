import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { duration } from "../../cli/plan-text.ts";
import { fileSchema } from "../../cli/schema.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "longhaul-plan-"));
afterAll(() => rmSync(folder, { recursive: true }));
const state = join(folder, "state");

/** The command line with an environment that knows no server and a state folder that does not exist. */
function longhaul(...argv: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["cli/main.ts", ...argv], {
    cwd: root,
    env: { PATH: process.env.PATH, LONGHAUL_STATE: state },
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe("longhaul plan", () => {
  test("prints scenarios × repetitions, order, time and disk, and touches nothing", () => {
    const { status, stdout } = longhaul("plan", "campaigns/demo.yaml");
    expect(status).toBe(0);
    expect(stdout).toContain("demo on lab: 18 scenarios × 3 repetitions = 54 trials");
    expect(stdout).toContain("     1  demo/b01/");
    expect(stdout).toMatch(/Estimated time: \d min/);
    expect(stdout).toContain("starts of guests: ");
    expect(stdout).toContain("Disk forecast: at most ");
    expect(stdout).toContain("calibrations are not known yet");
    expect(existsSync(state)).toBe(false);
  });

  test("gives one JSON document under --json", () => {
    const { status, stdout } = longhaul("plan", "campaigns/paper.yaml", "--json");
    expect(status).toBe(0);
    const plan = JSON.parse(stdout) as { planned: number; trials: unknown[]; omissions: unknown[] };
    expect(plan.trials).toHaveLength(plan.planned);
    expect(plan.omissions.length).toBeGreaterThan(0);
  });

  test("exits 2 for a bad file and names file, line, key, value and what would be right", () => {
    const file = join(folder, "bad.yaml");
    writeFileSync(file, "name: bad\nrepetitions: many\n");
    const { status, stdout, stderr } = longhaul("plan", file);
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(
      `${file} line 2: repetitions is "many"; expected a whole number of repetitions from 1 to 10000`,
    );
  });

  test("exits 2 for a file that is not there", () => {
    const { status, stderr } = longhaul("plan", "no-such.yaml");
    expect(status).toBe(2);
    expect(stderr).toContain("campaign file no-such.yaml cannot be read");
  });

  test.each([
    [9.6, "10 s"],
    [282, "4 min 42 s"],
    [45_117, "12 h 31 min"],
  ])("writes %d seconds as %s", (seconds, words) => {
    expect(duration(seconds)).toBe(words);
  });
});

describe("longhaul schema", () => {
  test("describes every key of a campaign file, and allows no others", () => {
    const schema = fileSchema("campaign") as {
      properties: Record<string, { description?: string }>;
      additionalProperties: boolean;
      required: string[];
    };
    expect(schema.additionalProperties).toBe(false);
    expect(schema.required).toEqual(["name"]);
    for (const [key, { description }] of Object.entries(schema.properties))
      expect(description, key).toBeTruthy();
  });

  test("describes both kinds of testbed", () => {
    const schema = fileSchema("testbed") as { oneOf: { title: string }[] };
    expect(schema.oneOf.map(({ title }) => title)).toEqual(["Embedded lab", "Physical testbed"]);
  });

  test("refuses another kind of file and lists the known ones", () => {
    const { status, stderr } = longhaul("schema", "trial");
    expect(status).toBe(2);
    expect(stderr).toContain('"trial" is no kind of file; known ones: campaign, testbed');
  });
});
