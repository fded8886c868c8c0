/** Trials of one scenario, over its repetitions: the row of a table, the point of a figure. */
import type { Campaign } from "../model/campaign.ts";
import type { Direction, TrialKind } from "../model/trial.ts";
import type { TrialRow } from "../store/store.ts";

export interface ScenarioGroup {
  readonly kind: TrialKind;
  readonly platform: string;
  readonly frameSizeBytes: number;
  readonly load: string;
  readonly intendedFps: number | null;
  /** null: forwarding, or migrations whose direction alternates and is no level. */
  readonly direction: Direction | null;
  /** Label of the fault that disturbed these trials on purpose; null: none did. */
  readonly fault: string | null;
  readonly trials: readonly TrialRow[];
  /** Valid and completed: the trials that means are over. */
  readonly completed: readonly TrialRow[];
}

/** In the order of kind, platform (as first planned), frame size, intended load, direction, fault. */
export function scenarioGroups(
  trials: readonly TrialRow[],
  campaign: Pick<Campaign, "forwarding" | "migration">,
): readonly ScenarioGroup[] {
  const directionIsLevel = campaign.migration.some(({ directions }) => directions !== "alternate");
  const groups = new Map<string, TrialRow[]>();
  for (const trial of trials) {
    const { platform, frameSizeBytes, load, direction, fault } = trial.scenario;
    const levels = [
      trial.kind,
      platform,
      frameSizeBytes,
      load,
      directionIsLevel ? direction : null,
      fault ?? null,
    ];
    const key = JSON.stringify(levels);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [trial]);
    else group.push(trial);
  }
  const platforms = platformOrder(campaign, trials);
  const rank = ({ kind, platform, frameSizeBytes, intendedFps }: ScenarioGroup) =>
    [
      kind === "forwarding" ? 0 : 1,
      platforms.indexOf(platform),
      frameSizeBytes,
      intendedFps ?? 0,
    ] as const;
  return [...groups.values()]
    .map((rows) => group(rows, directionIsLevel))
    .toSorted((a, b) => {
      const ranks = rank(b);
      for (const [index, left] of rank(a).entries())
        if (left !== ranks[index]) return left - (ranks[index] ?? 0);
      const byDirection = (a.direction ?? "").localeCompare(b.direction ?? "");
      return byDirection === 0 ? (a.fault ?? "").localeCompare(b.fault ?? "") : byDirection;
    });
}

function group(rows: readonly TrialRow[], directionIsLevel: boolean): ScenarioGroup {
  const [first] = rows;
  if (!first) throw new Error("a scenario without trials cannot be grouped");
  const { platform, frameSizeBytes, load, direction, fault = null } = first.scenario;
  return {
    kind: first.kind,
    platform,
    frameSizeBytes,
    load,
    intendedFps:
      rows.find(({ scenario }) => scenario.intendedFps !== null)?.scenario.intendedFps ?? null,
    direction: directionIsLevel ? direction : null,
    fault,
    trials: rows,
    completed: rows.filter(({ state, outcome }) => state === "valid" && outcome === "completed"),
  };
}

/** As the campaign file names them; the order that fixes every platform's colour. */
function platformOrder(
  campaign: Pick<Campaign, "forwarding" | "migration">,
  trials: readonly TrialRow[],
): readonly string[] {
  const parts = [...campaign.forwarding, ...campaign.migration];
  const planned = parts.flatMap(({ platforms }) => platforms);
  return [...new Set([...planned, ...trials.map(({ scenario }) => scenario.platform)])];
}

/** Numbers under one result key, of the trials that have one. */
export const values = (trials: readonly TrialRow[], key: string): readonly number[] =>
  trials.map(({ results }) => results[key]).filter((value) => typeof value === "number");

export const directionLabel = (direction: Direction): string => direction.replace("to", "→");
