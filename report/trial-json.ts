/** A trial as scripts see it: the same keys in `trials ID --json`, in CSV and in the report's JSON. */
import type { TrialRow } from "../store/store.ts";
import { trialVerdicts, type TrialVerdict } from "../model/trial.ts";

export interface TrialJson {
  readonly id: string;
  readonly kind: TrialRow["kind"];
  readonly scenario: TrialRow["scenario"];
  readonly repetition: number;
  readonly state: TrialRow["state"];
  /** null while the trial is pending or running. */
  readonly verdict: TrialVerdict | null;
  readonly reason: string | null;
  readonly outcome: string | null;
  readonly attempts: number;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly results: TrialRow["results"];
  readonly doubts: readonly string[];
}

export const trialJson = (trial: TrialRow): TrialJson => ({
  id: trial.id,
  kind: trial.kind,
  scenario: trial.scenario,
  repetition: trial.repetition,
  state: trial.state,
  verdict: trialVerdicts.find((verdict) => verdict === trial.state) ?? null,
  reason: trial.reason,
  outcome: trial.outcome,
  attempts: trial.attempts,
  startedAt: trial.startedAt,
  endedAt: trial.endedAt,
  // The store does not keep the order of keys.
  results: Object.fromEntries(
    Object.entries(trial.results).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ),
  doubts: trial.doubts,
});
