/** Every numeric result of every scenario: n, mean and median, each with its 95 % interval. */
import { csv } from "./csv.ts";
import { meanEstimate, medianEstimate } from "../stats/summary.ts";
import { type ScenarioGroup, values } from "./scenarios.ts";

/** One line for each scenario and result key; over valid, completed trials. Intervals are empty where n is too small: below 2 for the mean, below 6 for the median. */
export function summaryCsv(groups: readonly ScenarioGroup[]): string {
  const header = [
    "kind",
    "platform",
    "frameSizeBytes",
    "load",
    "intendedFps",
    "direction",
    "planned",
    "valid",
    "result",
    "n",
    "mean",
    "low95",
    "high95",
    "median",
    "medianLow95",
    "medianHigh95",
  ];
  const rows = groups.flatMap((group) => {
    const { kind, platform, frameSizeBytes, load, intendedFps, direction, trials, completed } =
      group;
    const valid = trials.filter(({ state }) => state === "valid").length;
    const levels = [
      kind,
      platform,
      frameSizeBytes,
      load,
      intendedFps,
      direction,
      trials.length,
      valid,
    ];
    return numericKeys(completed).map((key) => {
      const sample = values(completed, key);
      const estimates = [meanEstimate(sample), medianEstimate(sample)].flatMap(
        ({ value, interval }) => [value, interval?.low ?? null, interval?.high ?? null],
      );
      return [...levels, key, sample.length, ...estimates];
    });
  });
  return csv(header, rows);
}

const numericKeys = (trials: ScenarioGroup["completed"]): readonly string[] => [
  ...new Set(
    trials.flatMap(({ results }) =>
      Object.keys(results).filter((key) => typeof results[key] === "number"),
    ),
  ),
];
