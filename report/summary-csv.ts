/** Every numeric result of every scenario: n, mean, 95 % interval. */
import { csv } from "./csv.ts";
import { estimate } from "./estimate.ts";
import { type ScenarioGroup, values } from "./scenarios.ts";

/** One line for each scenario and result key; over valid, completed trials. `low95` and `high95` are empty for n < 2. */
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
      const { n, center, low, high } = estimate(values(completed, key));
      return [...levels, key, n, center, low, high];
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
