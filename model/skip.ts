/** Skipping one trial by a person's wish. */
import type { TrialState } from "./trial.ts";

export interface SkipOrder {
  readonly trialId: string;
  /** Who asks, for the record. */
  readonly by: string;
  readonly why: string;
}

/** `element` is the workflow that runs it, or would. `running`: it must be cut first. */
export type SkipAnswer =
  | { readonly status: "skipped"; readonly element: string }
  | { readonly status: "running"; readonly element: string }
  | {
      readonly status: "decided";
      readonly state: TrialState;
      readonly outcome: string | null;
      readonly reason: string | null;
    }
  | { readonly status: "unknown" };

/** The reason that the trial's row keeps. */
export const skipReason = ({ by, why }: SkipOrder): string => `skipped by ${by}: ${why}`;

/** `valid, completed`, or `invalid: the offered load missed`. */
export const decidedWords = ({
  state,
  outcome,
  reason,
}: {
  readonly state: TrialState;
  readonly outcome: string | null;
  readonly reason: string | null;
}): string => [state, outcome].filter(Boolean).join(", ") + (reason === null ? "" : ` (${reason})`);
