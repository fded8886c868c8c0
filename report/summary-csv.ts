/** Every numeric result of every scenario: n, mean and median, each with its 95 % interval. */
import { proportion } from "../stats/proportion.ts";
import { csv } from "./csv.ts";
import { meanEstimate, medianEstimate } from "../stats/summary.ts";
import { type ScenarioGroup, values } from "./scenarios.ts";

/** A share has no median. */
const none = [null, null, null];

/** One line for each scenario and result key, and one for the share of failures among its valid trials; over valid, completed trials. Intervals are empty where n is too small: below 2 for the mean, below 6 for the median. */
export function summaryCsv(groups: readonly ScenarioGroup[]): string {
  const header = [
    "kind",
    "platform",
    "frameSizeBytes",
    "load",
    "intendedFps",
    "direction",
    "fault",
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
    const { kind, platform, frameSizeBytes, load, intendedFps, direction, fault } = group;
    const { trials, completed } = group;
    const valid = trials.filter(({ state }) => state === "valid").length;
    const levels = [
      kind,
      platform,
      frameSizeBytes,
      load,
      intendedFps,
      direction,
      fault,
      trials.length,
      valid,
    ];
    const failures = proportion(valid - completed.length, valid);
    const share = [failures.value, failures.interval?.low ?? null, failures.interval?.high ?? null];
    const failed = valid === 0 ? [] : [[...levels, "failureRatio", valid, ...share, ...none]];
    const results = numericKeys(completed).map((key) => {
      const sample = values(completed, key);
      const estimates = [meanEstimate(sample), medianEstimate(sample)].flatMap(
        ({ value, interval }) => [value, interval?.low ?? null, interval?.high ?? null],
      );
      return [...levels, key, sample.length, ...estimates];
    });
    return [...failed, ...results];
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
