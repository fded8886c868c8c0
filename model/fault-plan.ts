/** Faults of a campaign file: which trials get one, and how the fault becomes a level with a computed name. */
import { mistakeFor, mistakeOf, type FaultSurroundings } from "./fault-mistakes.ts";
import type { FaultName, FaultSettings } from "./fault.ts";
import type { HostName } from "./testbed.ts";
import type { PlannedTrial, TrialKind } from "./trial.ts";
import { UsageError } from "./usage-error.ts";

/** Phases of a measurement in which a fault can fall. */
export const faultMoments = ["settle", "learn", "load", "control", "migrating", "after"] as const;
export type FaultMoment = (typeof faultMoments)[number];

/** Where a fault of a campaign falls; `source` and `destination` follow the direction of the migration. */
export type FaultPlace = HostName | "source" | "destination";

export interface PlannedFault extends FaultSettings {
  readonly fault: FaultName;
  readonly host: FaultPlace | null;
  readonly when: FaultMoment;
  /** After the beginning of that phase. */
  readonly afterMs: number;
  /** null: until the trial is restored. */
  readonly forMs: number | null;
  readonly trials: {
    readonly kind: TrialKind | null;
    readonly platform: string | null;
    readonly repetitions: readonly number[] | null;
    /** Of the trial's id without the campaign's: `b02/migration-*-64B-*`; `*` stands for anything. */
    readonly name: string | null;
  };
}

/** `link-slow-5Mbps-at-migrating-100ms-for-3000ms`: computed from the values, as every level's name. */
export function faultLabel(planned: PlannedFault): string {
  const { fault, link, mbps, lossRatio, mib, host, when, afterMs, forMs } = planned;
  return [
    fault,
    ...(link === null ? [] : [link]),
    ...(mbps === null ? [] : [`${mbps}Mbps`]),
    ...(lossRatio === null ? [] : [`${Math.round(lossRatio * 1e6) / 1e4}percent`]),
    ...(mib === null ? [] : [`${mib}MiB`]),
    ...(host === null ? [] : [host]),
    `at-${when}`,
    ...(afterMs === 0 ? [] : [`${afterMs}ms`]),
    ...(forMs === null ? [] : [`for-${forMs}ms`]),
  ].join("-");
}

/**
 * The trials with their faults: a level more, and an id that names it.
 * @throws {UsageError} an entry that takes no trial, a trial that two entries take, a fault that could never fall as planned
 */
export function withFaults(
  trials: readonly PlannedTrial[],
  planned: readonly PlannedFault[],
  surroundings: FaultSurroundings,
): readonly PlannedTrial[] {
  const mistakes: string[] = [];
  /** The first trial that each is told of stands for all. */
  const toldOf = new Map<string, string>();
  const takers = new Map<string, number>();
  for (const [index, entry] of planned.entries()) {
    const taken = trials.filter((trial) => takes(entry, trial));
    const key = `faults[${index}]`;
    if (taken.length === 0) mistakes.push(`${key}.trials takes none of the planned trials`);
    const ofItself = mistakeOf(entry);
    if (ofItself !== null) mistakes.push(`${key}${ofItself}`);
    for (const trial of taken) {
      const { id } = trial;
      const other = takers.get(id);
      if (other !== undefined)
        mistakes.push(`${key} takes ${id}, which faults[${other}] has taken`);
      takers.set(id, index);
      const wrong = mistakeFor(entry, trial, surroundings);
      if (wrong !== null && !toldOf.has(key + wrong)) toldOf.set(key + wrong, id);
    }
  }
  for (const [mistake, id] of toldOf) mistakes.push(`${mistake}; it takes ${id}`);
  if (mistakes.length > 0) throw new UsageError(mistakes.join("\n"));
  return trials.map((trial) => {
    const entry = planned[takers.get(trial.id) ?? -1];
    if (entry === undefined) return trial;
    const fault = faultLabel(entry);
    const id = `${trial.id}-${fault}`;
    const element = trial.element === trial.id ? id : trial.element;
    return { ...trial, id, element, scenario: { ...trial.scenario, fault } };
  });
}

function takes(
  { trials }: PlannedFault,
  { id, kind, scenario, repetition }: PlannedTrial,
): boolean {
  const { platform, repetitions, name } = trials;
  return (
    (trials.kind === null || trials.kind === kind) &&
    (platform === null || platform === scenario.platform) &&
    (repetitions === null || repetitions.includes(repetition)) &&
    (name === null || pattern(name).test(id.slice(id.indexOf("/") + 1)))
  );
}

const pattern = (name: string): RegExp =>
  new RegExp(
    `^${name
      .split("*")
      .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
  );
