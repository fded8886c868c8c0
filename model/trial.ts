/** A planned trial, its attempts and its verdict. Words as in docs/results.md. */

export type TrialKind = "forwarding" | "migration";
export type Direction = "R1toR2" | "R2toR1";

/** The levels of one trial. `load` is the label of the load as it stands in the trial's id. */
export interface Scenario {
  readonly platform: string;
  readonly frameSizeBytes: number;
  readonly load: string;
  /** Resolved intended load; null while an `ofCapacity` load waits for the capacity search. */
  readonly intendedFps: number | null;
  /** Fraction of the capacity, for an `ofCapacity` load. */
  readonly ofCapacity: number | null;
  readonly direction: Direction | null;
  /** Label of the fault that disturbs this trial on purpose; absent where none does. */
  readonly fault?: string;
}

export interface PlannedTrial {
  /** `<campaign>/b07/forwarding-kvm-virtio-64B-300MbpsL2` */
  readonly id: string;
  readonly kind: TrialKind;
  /** The workflow that runs it: its sweep's id, or its own id for a migration. */
  readonly element: string;
  readonly scenario: Scenario;
  readonly repetition: number;
  /** Order of execution in the campaign, from 0, without gaps. */
  readonly position: number;
}

/** One load that the testbed cannot offer, left out of the plan by `beyondTestbed: omit`. */
export interface Omission {
  readonly scenario: string;
  readonly reason: string;
}

export const trialVerdicts = ["valid", "invalid", "skipped"] as const;
export type TrialVerdict = (typeof trialVerdicts)[number];
/** The two further states of a trial that has no verdict yet. */
export type TrialState = TrialVerdict | "pending" | "running";

export const migrationOutcomes = [
  "completed",
  "not-converged",
  "stalled",
  "api-hung",
  "failed-resumed",
  "undefined",
  "locked-up",
  "silently-rebooted",
  "crashed",
] as const;
export const forwardingOutcomes = [
  "completed",
  "locked-up",
  "crashed",
  "silently-rebooted",
  "degraded",
] as const;
export type TrialOutcome = (typeof migrationOutcomes)[number] | (typeof forwardingOutcomes)[number];

/** One try of a trial. `token` fences every changing act that it makes on a host. */
export interface AttemptRef {
  readonly campaignId: string;
  readonly testbed: string;
  readonly trialId: string;
  readonly attempt: number;
  readonly token: number;
}

/** How an attempt was judged. Only an invalid attempt is followed by another. */
export type AttemptVerdict =
  | {
      readonly verdict: "valid";
      readonly outcome: TrialOutcome;
      /** What was seen, for people, where it is not `completed`. */
      readonly words?: string;
    }
  | {
      readonly verdict: "invalid";
      readonly reason: string;
      /** Cut by Longhaul's own death: counted apart from the limit of attempts. */
      readonly cut: boolean;
    };

/** Results have their units in their keys; null is missing, zero is measured zero. */
export type Results = Readonly<Record<string, number | string | boolean | null>>;

/** Where frames went. `place` names as in docs/results.md; `unexplained` and `not-of-the-flow` are rows of their own. */
export interface LedgerRow {
  readonly place: string;
  readonly frames: number;
}

export const campaignStates = [
  "planned",
  "queued",
  "running",
  "paused",
  "waiting",
  "completed",
  "cancelled",
] as const;
export type CampaignState = (typeof campaignStates)[number];
