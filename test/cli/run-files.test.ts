import { join } from "node:path";
import { expect, test } from "vitest";
import { readRunFiles } from "../../cli/run-files.ts";

const root = join(import.meta.dirname, "..", "..");
const demo = join(root, "campaigns", "demo.yaml");
const lab = join(root, "testbeds", "lab.yaml");

test("both files are read and multiplied out before anything is touched", () => {
  const files = readRunFiles(demo, lab, "demo-7");
  expect(files.testbedPath).toBe(lab);
  expect(files.forecast.trials[0]?.id).toMatch(/^demo-7\/b01\//);
});

test("the testbed is the lab unless it is named", () => {
  expect(readRunFiles(demo, null, null).testbed.kind).toBe("lab");
});

test("a file that is not there is named, with what would be right", () => {
  expect(() => readRunFiles("no.yaml", lab, null)).toThrow(
    "campaign file no.yaml cannot be read; give the path of a YAML file",
  );
  expect(() => readRunFiles(demo, "no-bed.yaml", null)).toThrow(
    /testbed file .*no-bed\.yaml cannot be read/,
  );
});

test("an id that no host could carry in a name is refused", () => {
  expect(() => readRunFiles(demo, lab, "Demo 1")).toThrow('campaign id "Demo 1": expected');
});
