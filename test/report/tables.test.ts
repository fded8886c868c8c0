import { describe, expect, test } from "vitest";
import { csv, ledgerCsv, trialsCsv } from "../../report/csv.ts";
import { durationText, numberText } from "../../report/number-text.ts";
import { scenarioGroups } from "../../report/scenarios.ts";
import { summaryCsv } from "../../report/summary-csv.ts";
import { failures, resultsText, resultTables } from "../../report/tables.ts";
import { trialJson } from "../../report/trial-json.ts";
import { forwardingTrials, migrationTrials, sampleLedgers, sampleTrial } from "./sample-trials.ts";

const plan = { forwarding: [], migration: [] };

describe("CSV", () => {
  test("quotes what holds a comma, a quote or a line's end; missing is empty, zero is 0", () => {
    expect(
      csv(
        ["a", "b"],
        [
          ['x,"y"', null],
          [0, "line\nend"],
        ],
      ),
    ).toBe('a,b\r\n"x,""y""",\r\n0,"line\nend"\r\n');
  });

  test("has a column for every key of the trials' JSON and of their results", () => {
    const trials = [...forwardingTrials, ...migrationTrials];
    const [header = ""] = trialsCsv(trials).split("\r\n");
    const columns = header.split(",");
    const row = trialJson(sampleTrial({}));
    const own = Object.keys(row).filter((key) => key !== "scenario" && key !== "results");
    const results = trials.flatMap((trial) => Object.keys(trial.results));
    for (const key of [...own, ...Object.keys(row.scenario), ...results])
      expect(columns).toContain(key);
    expect(new Set(columns).size).toBe(columns.length);
  });

  test("has a line for every planned trial, whatever became of it", () => {
    const trials = [sampleTrial({ state: "pending" }), sampleTrial({ state: "skipped" })];
    const lines = trialsCsv(trials).trimEnd().split("\r\n");
    expect(lines).toHaveLength(3);
    expect(lines[1]).toContain(",pending,,");
  });

  test("of ledgers has a line for each trial and place", () => {
    const lines = ledgerCsv(sampleLedgers).trimEnd().split("\r\n");
    expect(lines[0]).toBe("trial,place,frames");
    expect(lines).toHaveLength(1 + 3 * 5);
  });

  test("of scenarios has n, mean and interval of every numeric result", () => {
    const text = summaryCsv(scenarioGroups(migrationTrials, plan));
    const total = text.split("\r\n").find((line) => line.includes(",totalTimeMs,"));
    expect(total).toMatch(
      /^migration,kvm-virtio,64,idle,1000,,,3,3,totalTimeMs,3,2200,195\d\.\d+,244\d\.\d+,2200,,$/,
    );
  });
});

describe("a planned fault", () => {
  const fault = "link-cut-at-migrating-100ms";
  const idle = migrationTrials[0]?.scenario;
  if (idle === undefined) throw new Error("there is no migration among the samples");
  const disturbed = [1, 2].map((repetition) => ({
    ...sampleTrial({ kind: "migration", repetition, outcome: "stalled", results: {} }),
    scenario: { ...idle, fault },
  }));
  const trials = [...migrationTrials, ...disturbed];

  test("is a level of its own in the table, and its failures stand beside n", () => {
    const text = resultsText(trials, plan);
    expect(text).toMatch(/planned fault/);
    expect(text).toMatch(new RegExp(`idle +${fault} +0 of 2 .* 2 of 2 \\[0, 1.00\\], 2 stalled`));
    expect(text).toMatch(/idle +– +3 of 3 /);
    expect(resultsText(migrationTrials, plan)).not.toContain("planned fault");
  });

  test("stands in both CSV files, with the share of failures where nothing completed", () => {
    const [header, ...lines] = trialsCsv(trials).trimEnd().split("\r\n");
    const column = header?.split(",").indexOf("fault") ?? -1;
    expect(lines.map((line) => line.split(",")[column])).toEqual(["", "", "", fault, fault]);
    const summary = summaryCsv(scenarioGroups(trials, plan)).split("\r\n");
    const failed = summary.filter((line) => line.includes(",failureRatio,"));
    expect(failed).toEqual([
      "migration,kvm-virtio,64,idle,1000,,,3,3,failureRatio,3,0,0,1,,,",
      `migration,kvm-virtio,64,idle,1000,,${fault},2,2,failureRatio,2,1,0,1,,,`,
    ]);
  });
});

describe("the table of results", () => {
  test("prints means with intervals, and the share of failures beside n", () => {
    const text = resultsText([...forwardingTrials, ...migrationTrials], plan);
    expect(text).toContain("Forwarding");
    expect(text).toContain("Live migration");
    expect(text).toMatch(/kvm-virtio +64 +idle +3 of 3 +2,200 ± 248 /);
    expect(text).toMatch(/kvm-e1000 +64 +20,000 frames\/s +3 of 3 .* 0\.500 /);
  });

  test("a migration that failed is counted, and its time is in no mean", () => {
    const failed = sampleTrial({
      kind: "migration",
      platform: "kvm-virtio",
      load: "idle",
      repetition: 4,
      outcome: "failed-resumed",
      results: { totalTimeMs: 99_999 },
    });
    const [group] = scenarioGroups([...migrationTrials, failed], plan);
    expect(group?.completed).toHaveLength(3);
    expect(failures({ trials: group?.trials ?? [] })).toMatch(
      /^1 of 4 \[0\.0\d+, 0\.\d+\], 1 failed-resumed$/,
    );
  });

  test("a scenario of one trial has no interval", () => {
    const [table] = resultTables(
      scenarioGroups([sampleTrial({ results: { offeredFps: 1000, forwardedFps: 1000 } })], plan),
    );
    expect(table?.rows[0]?.[4]).toMatchObject({ n: 1, low: null });
  });

  test("directions are rows of their own only where they are a level", () => {
    const [first] = migrationTrials;
    if (!first) throw new Error("no migration among the samples");
    const back = { ...first, scenario: { ...first.scenario, direction: "R2toR1" as const } };
    expect(scenarioGroups([first, back], plan)).toHaveLength(1);
    const part = { platforms: ["kvm-virtio"], frameSizesBytes: [64], loads: [] };
    const levels = {
      forwarding: [],
      migration: [{ ...part, directions: ["R1toR2", "R2toR1"] as const }],
    };
    expect(scenarioGroups([first, back], levels)).toHaveLength(2);
  });
});

describe("numbers", () => {
  test.each([
    [0, "0"],
    [null, "–"],
    [0.0004, "4.0e-4"],
    [0.051234, "0.051"],
    [9.876, "9.88"],
    [98.76, "98.8"],
    [987.6, "988"],
    [1_488_095.2, "1,488,095"],
    [Number.NaN, "–"],
  ])("%s reads %s", (value, text) => {
    expect(numberText(value)).toBe(text);
  });
  test.each([
    [8.4, "8 s"],
    [125, "2 min 05 s"],
    [7500, "2 h 05 min"],
    [-3, "0 s"],
  ])("%s seconds read %s", (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });
});
