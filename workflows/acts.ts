/**
 * The acts that workflows order: the seam between workflows and activities. Payloads are ids and
 * outcomes, never samples; nothing executable travels. Each act is idempotent for the same attempt
 * unless it says otherwise.
 */
import type { AttemptTally } from "../model/attempts.ts";
import type { RouterLocation } from "../model/guest.ts";
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
  /** Takes the testbed's lock for this campaign, or says who holds it. Same holder again: the same epoch, or with `renew` one above all that the store has seen. */
  acquireTestbed(
    campaignId: string,
    testbed: string,
    renew: boolean,
  ): Promise<{ status: "granted"; epoch: number } | { status: "busy"; heldBy: string }>;
  releaseTestbed(campaignId: string, testbed: string): Promise<void>;
  /** Platforms and frame sizes whose `ofCapacity` loads still wait for a capacity. */
  openCapacities(
    campaignId: string,
  ): Promise<readonly { platform: string; frameSizeBytes: number; known: boolean }[]>;
  /** Searches the capacity on the testbed (or takes the stored one) and fills in the loads of this campaign's trials. */
  resolveCapacity(input: {
    campaignId: string;
    testbed: string;
    platform: string;
    frameSizeBytes: number;
    token: number;
  }): Promise<{ fps: number }>;
  /** The next elements that hold a trial without a verdict, in order. Empty: the campaign is done. */
  nextElements(campaignId: string, limit: number): Promise<readonly Element[]>;
  campaignProgress(campaignId: string): Promise<CampaignProgress>;
  setCampaignState(campaignId: string, state: CampaignState, reason: string | null): Promise<void>;
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
  /** After an unknown end of `measure`: the store first, then the hosts' units. */
  collect(ref: AttemptRef): Promise<{ status: "measured" | "nothing" }>;
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

export type Acts = CampaignActs & LockActs & TrialActs;
