/**
 * The acts that workflows order: the seam between workflows and activities. Payloads are ids and
 * outcomes, never samples; nothing executable travels. Each act is idempotent for the same attempt
 * unless it says otherwise.
 */
import type { LockAnswer } from "./messages.ts";
import type { AttemptTally } from "../model/attempts.ts";
import type { RouterLocation } from "../model/guest.ts";
import type { ExtendAnswer, ExtendOrder } from "../model/extension.ts";
import type { LadderFacts, Quarantine, RecoveryStep, Rung, StepReport } from "../model/ladder.ts";
import type { SkipAnswer, SkipOrder } from "../model/skip.ts";
import type { GivenUp } from "../model/trial-hosts.ts";
import type { AttemptRef, AttemptVerdict, CampaignState, TrialKind } from "../model/trial.ts";

/** What the workflow must know of a trial to time and name its steps. */
export interface TrialBrief {
  readonly trialId: string;
  /** For summaries: `64 B, 300 Mbit/s L2`. */
  readonly label: string;
  readonly scenario: string;
  readonly platform: string;
  /** Attempts made before this run of the workflow (after a restart), as the store counts them. */
  readonly tally: AttemptTally;
  /** The token of the newest attempt, when that one has no verdict yet. */
  readonly openToken: number | null;
  /** The longest the measuring activity can rightly take. */
  readonly measureTimeoutMs: number;
  /** The trial's detection bound; the heartbeat timeout is this + 20 s. */
  readonly detectionBoundMs: number;
}

/** One child workflow of the campaign: a sweep with its trials, or one migration trial. */
export interface Element {
  readonly id: string;
  readonly kind: TrialKind;
  readonly platform: string;
  readonly frameSizeBytes: number;
  readonly repetition: number;
  readonly trials: readonly TrialBrief[];
}

export interface CampaignProgress {
  readonly planned: number;
  readonly valid: number;
  readonly invalid: number;
  readonly skipped: number;
  readonly pending: number;
  readonly running: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly lastTrials: readonly string[];
  readonly etaSeconds: number | null;
}

export interface CampaignActs {
  /** Takes the testbed's lock for this campaign, or says who holds it; with `queue` it waits in turn from then on. Same holder again: the same epoch, or with `renew` one above all that the store has seen. */
  acquireTestbed(
    campaignId: string,
    testbed: string,
    renew: boolean,
    queue?: boolean,
  ): Promise<LockAnswer>;
  releaseTestbed(campaignId: string, testbed: string): Promise<void>;
  /** Platforms and frame sizes whose `ofCapacity` loads still wait for a capacity. */
  openCapacities(
    campaignId: string,
  ): Promise<readonly { platform: string; frameSizeBytes: number }[]>;
  /** Searches the capacity on the testbed (or takes the stored one, where that is still true) and fills in the loads of this campaign's trials. Measures: never run again under the same token. */
  resolveCapacity(input: {
    campaignId: string;
    testbed: string;
    platform: string;
    frameSizeBytes: number;
    token: number;
  }): Promise<{ fps: number }>;
  /** The next elements that hold a trial without a verdict and without need of a host in quarantine, in order. Empty with nothing in quarantine: the campaign is done. */
  nextElements(
    campaignId: string,
    limit: number,
    quarantined?: readonly GivenUp[],
  ): Promise<readonly Element[]>;
  campaignProgress(campaignId: string): Promise<CampaignProgress>;
  /** `queuedAt`: of a campaign that is `queued`, since when. */
  setCampaignState(
    campaignId: string,
    state: CampaignState,
    reason: string | null,
    queuedAt?: string | null,
  ): Promise<void>;
  /** Adds repetitions to the plan: campaign and rows in one transaction. */
  extendCampaign(order: ExtendOrder): Promise<ExtendAnswer>;
  /** Gives one trial the verdict `skipped`; one that runs only with `evenRunning`: it was cut and restored. */
  skipTrial(order: SkipOrder & { readonly evenRunning: boolean }): Promise<SkipAnswer>;
  /** Skips what has no verdict and ends the campaign, in one transaction. */
  closeCancelled(campaignId: string, by: string): Promise<void>;
}

export interface LockActs {
  /** True when that workflow runs no more (or never did). */
  isClosed(workflowId: string): Promise<boolean>;
}

export interface TrialActs {
  /** Brings the testbed to the trial's known state: agents, token, no old units, the guest where it must be, the load prepared. */
  prepare(ref: AttemptRef): Promise<void>;
  /** The one activity that holds all that is coupled in time. Runs once (`maximumAttempts: 1`). */
  measure(ref: AttemptRef): Promise<void>;
  /** After an unknown end of `measure`: the store first, then the hosts' units. `why`: what is known of the end. `stuck`: the measurement stands still in a worker that lives. */
  collect(
    ref: AttemptRef,
  ): Promise<{ status: "measured" } | { status: "nothing"; why?: string; stuck?: true }>;
  /** Where the router is now, asked of both hosts. */
  locate(ref: AttemptRef): Promise<{ location: RouterLocation }>;
  /** Computes, decides and stores in one transaction. `final`: no attempt follows, so that an invalid one makes the trial itself invalid. */
  judge(ref: AttemptRef, options: { readonly final: boolean }): Promise<AttemptVerdict>;
  /** Records an attempt that cannot be measured. `final`: the limit is spent and the trial itself becomes invalid. */
  rejectAttempt(
    ref: AttemptRef,
    rejection: { reason: string; cut: boolean; final: boolean },
  ): Promise<void>;
  /** Ends units and load, and brings the testbed to a state that the next trial can start from. */
  restore(ref: AttemptRef): Promise<void>;
}

/** A rung whose act failed for good; `words`: how. */
export interface FailedRungOrder extends RungOrder {
  readonly startedAt: string;
  readonly words: string;
}

/** One step of a recovery. `ref` is the attempt that it follows, under the step's own token. */
export interface RungOrder {
  readonly ref: AttemptRef;
  /** The recovery's workflow id. */
  readonly id: string;
  /** What called for the recovery, in words. */
  readonly why: string;
  readonly step: RecoveryStep;
  readonly hosts: readonly string[];
}

export interface RungAnswer {
  readonly report: StepReport;
  /** What was found, for people. */
  readonly words: string;
  /** Told by the evidence rung alone. */
  readonly facts: LadderFacts | null;
}

type RungAct = (order: RungOrder) => Promise<RungAnswer>;

/** The rungs, one act each. All are idempotent under one token, and tell a failure as their answer; they throw when the token was refused or the store is away. */
export interface RungActs {
  collectEvidence: RungAct;
  cancelMigration: RungAct;
  destroyBothCopies: RungAct;
  recreateRouter: RungAct;
  restartToolstack: RungAct;
  rebootHosts: RungAct;
  powerCycleHosts: RungAct;
  quarantineHosts: RungAct;
  /** Far below saturation; the router may be measured again only after it. */
  healthTrial: RungAct;
}

export interface RecoveryEndOrder {
  readonly ref: AttemptRef;
  readonly id: string;
  readonly why: string;
  readonly outcome: "recovered" | "exhausted" | "superseded" | "cancelled";
  readonly rung: Rung | null;
  readonly words: string;
}

export interface LeftRecovery extends Pick<TrialBrief, "trialId" | "platform" | "scenario"> {
  readonly attempt: number;
  /** Last part of its workflow's id. */
  readonly name: string;
  readonly why: string;
}

export interface RecoveryActs extends RungActs {
  /** Stores a rung whose act told no answer as one that failed. */
  failedRung(order: FailedRungOrder): Promise<RungAnswer>;
  /** Stores the end of a run of the ladder: its row and one event. */
  closeRecovery(order: RecoveryEndOrder): Promise<void>;
  quarantines(testbed: string): Promise<readonly Quarantine[]>;
  /** Why the testbed's health must be proven before it is measured on: its last recovery, of whatever campaign, did not mend it. null: nothing speaks against it. */
  healthDoubt(testbed: string): Promise<string | null>;
  /** Recoveries without an end, as the store knows them: whoever led them is gone. */
  leftRecoveries(campaignId: string): Promise<readonly LeftRecovery[]>;
  /** A person lets hosts take part again. `hosts` null: all. Stored as an event. */
  releaseHosts(order: {
    campaignId: string;
    testbed: string;
    hosts: readonly string[] | null;
    by: string;
    /** Makes a repeated write one event. */
    key: string;
  }): Promise<readonly string[]>;
}

export type Acts = CampaignActs & LockActs & TrialActs & RecoveryActs;
