/**
 * The record of results. The only code that knows SQL is in this folder; `store.ts` is its door.
 * Every write may be repeated: a second one with the same key changes nothing or writes the same.
 * Every verb throws `StoreUnavailable` when PostgreSQL cannot be reached.
 */
import type { Campaign } from "../model/campaign.ts";
import type { BeyondTestbed } from "../model/capacity.ts";
import type { ExtendAnswer, ExtendOrder } from "../model/extension.ts";
import type { KindPace } from "../model/pace.ts";
import type {
  ClockOffset,
  CounterSeries,
  Measurement,
  Provenance,
  RawArrivals,
} from "../model/measurement.ts";
import type { Calibration, Capacity } from "../model/testbed.ts";
import type {
  AttemptRef,
  AttemptVerdict,
  CampaignState,
  LedgerRow,
  Omission,
  PlannedTrial,
  Results,
  Scenario,
  TrialKind,
  TrialState,
} from "../model/trial.ts";
import type { SkipAnswer, SkipOrder } from "../model/skip.ts";
import type { SchemaUse } from "./schema-use.ts";
import type { RecoveryVerbs } from "./recoveries.ts";

export class StoreUnavailable extends Error {
  override name = "StoreUnavailable";
}

export interface PlannedCampaign {
  readonly id: string;
  readonly testbed: string;
  readonly campaign: Campaign;
  readonly planHash: string;
  readonly omissions: readonly Omission[];
  readonly trials: readonly PlannedTrial[];
  readonly workflowId: string;
  readonly temporalUi: string | null;
  readonly longhaulVersion: string;
  /** What the plan was checked against. */
  readonly calibrations: readonly Calibration[];
}

/** The keys of `status ID --json`, but for `etaSeconds`, which the caller adds. */
export interface CampaignStatus {
  readonly campaign: string;
  readonly testbed: string;
  readonly state: CampaignState;
  readonly reason: string | null;
  readonly planned: number;
  readonly verdicts: { readonly valid: number; readonly invalid: number; readonly skipped: number };
  readonly pending: number;
  readonly running: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly attempts: number;
  readonly recoveries: number;
  readonly workflowId: string;
  readonly temporalUi: string | null;
  readonly plannedAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** Where it waits for its testbed; null: it does not. */
  readonly queue: {
    /** 1: next. */
    readonly place: number;
    readonly heldBy: string | null;
    readonly since: string;
  } | null;
  /** The running trial and its newest step. */
  readonly current: {
    readonly trial: string;
    readonly attempt: number;
    readonly step: string;
    /** null: the step has not begun. `failed`: it is tried again, or waits for what is away. */
    readonly outcome: StepRow["outcome"] | null;
    readonly detail: string | null;
    readonly since: string | null;
  } | null;
}

/** A campaign that has begun and not ended. */
export interface BegunCampaign {
  readonly id: string;
  readonly testbed: string;
  readonly state: "running" | "paused" | "waiting" | "queued";
  readonly reason: string | null;
  readonly attemptLimit: number;
  /** Trials. */
  readonly planned: number;
}

export interface TrialRow {
  readonly id: string;
  readonly campaign: string;
  readonly kind: TrialKind;
  readonly element: string;
  readonly scenario: Scenario;
  readonly repetition: number;
  readonly position: number;
  readonly state: TrialState;
  readonly reason: string | null;
  readonly outcome: string | null;
  readonly attempts: number;
  readonly judgedAttempt: number | null;
  readonly results: Results;
  readonly doubts: readonly string[];
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

export interface StepRow {
  readonly attempt: number;
  readonly name: string;
  readonly retry: number;
  readonly outcome: "running" | "completed" | "failed" | "cancelled" | "unknown";
  readonly detail: string | null;
  readonly parts: Readonly<Record<string, number>>;
  readonly startedAt: string;
  readonly endedAt: string | null;
}

export interface AttemptRow {
  readonly attempt: number;
  readonly token: number;
  readonly bootIds: Readonly<Record<string, string>>;
  readonly verdict: "valid" | "invalid" | null;
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly cut: boolean;
  readonly location: string | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
}

export interface EventRow {
  readonly key: string;
  readonly testbed: string;
  readonly campaign: string | null;
  readonly trial: string | null;
  readonly attempt: number | null;
  readonly host: string | null;
  readonly kind: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly at: string;
}

export interface SeriesRow extends CounterSeries {
  readonly trial: string;
  readonly attempt: number;
  readonly clock: ClockOffset;
}

export interface Store extends RecoveryVerbs {
  /** Applies the SQL files of store/schema that this database has not seen, each once, under a lock. */
  migrate(): Promise<void>;
  /** For a program that runs on: held while it uses the store. */
  useSchema(): Promise<SchemaUse>;
  close(): Promise<void>;

  /** Adds or replaces the file of a testbed; the token stays. */
  putTestbed(testbed: { name: string; kind: string; content: unknown }): Promise<void>;
  testbed(name: string): Promise<{ content: unknown; token: number } | null>;
  testbeds(): Promise<readonly { name: string; kind: string; token: number }[]>;
  /** Raises the testbed's highest token. False when a higher one was already there. */
  raiseToken(testbed: string, token: number): Promise<boolean>;

  /** Writes campaign and all trials in one transaction. @throws {UsageError} the id exists with another plan hash. Same hash: changes nothing. */
  putPlan(plan: PlannedCampaign): Promise<"written" | "exists">;
  /** `<name>-<n>` with the lowest n not used yet. */
  freshCampaignId(name: string): Promise<string>;
  /** For an id under which nothing was planned in the end. */
  giveBackCampaignId(id: string): Promise<void>;
  campaign(id: string): Promise<
    | (CampaignStatus & {
        content: Campaign;
        omissions: readonly Omission[];
        seed: number;
        planHash: string;
        longhaulVersion: string;
        /** null: planned by a Longhaul that did not keep them. */
        calibrations: readonly Calibration[] | null;
      })
    | null
  >;
  /** In the order in which Temporal should know them: those that hold a testbed, then the queued ones in turn. */
  begunCampaigns(): Promise<readonly BegunCampaign[]>;
  /** `queuedAt` counts for the state `queued` alone. */
  setCampaignState(
    id: string,
    state: CampaignState,
    reason?: string | null,
    queuedAt?: string | null,
  ): Promise<void>;
  /** Raises plan and rows together; a completed campaign is `planned` again. Idempotent. */
  extendCampaign(order: ExtendOrder): Promise<ExtendAnswer>;
  deleteCampaign(id: string): Promise<void>;
  /** One snapshot. Sums hold: planned = valid + invalid + skipped + pending + running. */
  status(id: string): Promise<CampaignStatus | null>;
  allStatus(): Promise<readonly CampaignStatus[]>;
  /** Counted by the database: what a status needs of the trials without reading them. */
  pace(campaign: string): Promise<readonly KindPace[]>;

  /** Trials of the next elements without a verdict, in order of position, whole elements only. */
  pendingElements(
    campaign: string,
    limit: number,
  ): Promise<readonly { element: string; kind: TrialKind; trials: readonly TrialRow[] }[]>;
  trials(campaign: string): Promise<readonly TrialRow[]>;
  /** Trials with a verdict in order of their end: those that ended at `since` or later, of them the `newest`. */
  endedTrials(
    campaign: string,
    which: { since?: string | null; newest: number },
  ): Promise<readonly TrialRow[]>;
  trial(id: string): Promise<TrialRow | null>;
  /** Fills in the intended load of every `ofCapacity` trial of this platform and frame size; those whose load is among `beyond` get their verdict at once, in the same transaction. */
  resolveLoads(
    campaign: string,
    platform: string,
    frameSizeBytes: number,
    capacity: { readonly fps: number; readonly beyond: readonly BeyondTestbed[] },
  ): Promise<void>;
  /** Turns the running and every pending trial to skipped and ends the campaign, in one transaction. */
  cancelCampaign(id: string, by: string): Promise<void>;
  /** The verdict `skipped` for a trial without one, in one transaction; a running one only with `evenRunning`. The same order again changes nothing. */
  skipTrial(order: SkipOrder, how: { readonly evenRunning: boolean }): Promise<SkipAnswer>;

  /** Opens an attempt and puts the trial to running; raises the testbed's token. Same numbers again: changes nothing. False: a higher token was there, or the trial has its verdict. */
  openAttempt(ref: AttemptRef): Promise<boolean>;
  setBootIds(ref: AttemptRef, bootIds: Readonly<Record<string, string>>): Promise<void>;
  setLocation(ref: AttemptRef, location: string): Promise<void>;
  attempts(trial: string): Promise<readonly AttemptRow[]>;

  putMeasurement(ref: AttemptRef, measurement: Measurement): Promise<void>;
  measurement(trial: string, attempt: number): Promise<Measurement | null>;
  putProvenance(ref: AttemptRef, provenance: Provenance): Promise<void>;
  provenance(trial: string, attempt: number): Promise<Provenance | null>;
  /** Bulk write by COPY, off the event loop. `bundles` are one host's sampler results as they came. */
  putSeries(
    ref: AttemptRef,
    series: readonly { clock: ClockOffset; series: readonly CounterSeries[] }[],
  ): Promise<void>;
  series(trial: string, attempt: number): Promise<readonly SeriesRow[]>;
  /** Bulk write as of series. Those that are there stay. */
  putArrivals(ref: AttemptRef, host: string, raw: RawArrivals): Promise<void>;
  /** null: the campaign did not keep them, or no frame came. */
  arrivals(trial: string, attempt: number): Promise<RawArrivals | null>;

  /**
   * Verdict of an attempt, results, ledger and, when the attempt is valid or `final`, the trial's own
   * verdict, in one transaction. A trial that has its verdict keeps it.
   */
  judge(
    ref: AttemptRef,
    judgement: {
      verdict: AttemptVerdict;
      results: Results;
      ledger: readonly LedgerRow[];
      doubts: readonly string[];
      final: boolean;
    },
  ): Promise<void>;
  ledger(trial: string, attempt: number): Promise<readonly LedgerRow[]>;
  /** Of every valid trial of the campaign, by trial id; one without a ledger is absent. */
  ledgers(campaign: string): Promise<ReadonlyMap<string, readonly LedgerRow[]>>;

  /** Upserts by (trial, attempt, name, retry). */
  putStep(ref: AttemptRef, step: StepRow): Promise<void>;
  steps(trial: string): Promise<readonly StepRow[]>;
  putEvent(event: EventRow): Promise<void>;
  /** Of all campaigns, in order. */
  eventsSince(kind: string, since: string): Promise<readonly EventRow[]>;
  events(filter: { campaign?: string; trial?: string }): Promise<readonly EventRow[]>;

  putCalibration(calibration: Calibration): Promise<void>;
  calibrations(testbed: string): Promise<readonly Calibration[]>;
  putCapacity(capacity: Capacity): Promise<void>;
  capacities(testbed: string): Promise<readonly Capacity[]>;
}
