/** What differs between the plan in the store and another one under the same id, for people. */
import type { Campaign } from "../model/campaign.ts";

interface ComparedPlan {
  readonly testbed: string;
  readonly campaign: Campaign;
  /** In order of position. */
  readonly trials: readonly { readonly id: string; readonly intendedFps: number | null }[];
}

const shownAtMost = 8;

/** One line per difference, `key: stored in the store, given here`; never empty. */
export function planDifferences(stored: ComparedPlan, given: ComparedPlan): readonly string[] {
  const inFiles = [
    ...valueDifferences("testbed", stored.testbed, given.testbed),
    ...valueDifferences("", stored.campaign, given.campaign),
  ];
  const lines = inFiles.length > 0 ? inFiles : trialDifferences(stored.trials, given.trials);
  const left = lines.length - shownAtMost;
  return left > 0 ? [...lines.slice(0, shownAtMost), `and ${left} more`] : lines;
}

function valueDifferences(key: string, stored: unknown, given: unknown): readonly string[] {
  if (isRecord(stored) && isRecord(given)) {
    return [...new Set([...Object.keys(given), ...Object.keys(stored)])].flatMap((inner) =>
      valueDifferences(joined(key, inner), stored[inner], given[inner]),
    );
  }
  if (Object.is(stored, given)) return [];
  return [`${key}: ${shown(stored)} in the store, ${shown(given)} here`];
}

/** The files are equal, so the testbed's facts (line rate, calibration, platforms) made the plans differ. */
function trialDifferences(
  stored: ComparedPlan["trials"],
  given: ComparedPlan["trials"],
): readonly string[] {
  if (stored.length !== given.length) {
    return [`trials: ${stored.length} in the store, ${given.length} here`];
  }
  const index = stored.findIndex((trial, position) => trial.id !== given[position]?.id);
  if (index >= 0) {
    return [`trial ${index}: ${stored[index]?.id} in the store, ${given[index]?.id} here`];
  }
  const load = stored.findIndex(
    (trial, position) => trial.intendedFps !== (given[position]?.intendedFps ?? null),
  );
  if (load >= 0) {
    return [
      `${stored[load]?.id}: ${stored[load]?.intendedFps} fps in the store, ${given[load]?.intendedFps} fps here`,
    ];
  }
  return ["trials: the same ids with other levels"];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const joined = (key: string, inner: string): string =>
  /^\d+$/.test(inner) ? `${key}[${inner}]` : key === "" ? inner : `${key}.${inner}`;

const shown = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));
