/** What can be said to a running workflow and asked of it. Names and shapes are used by the CLI, too. */
import { defineQuery, defineSignal, defineUpdate } from "@temporalio/workflow";
import type { SkipOrder } from "../model/skip.ts";
import type { CampaignState } from "../model/trial.ts";
import type { CampaignProgress } from "./acts.ts";

/** Where a campaign is, as its workflow sees it. `step` names what it does or waits for, since `sinceMs` (Unix time). */
export interface CampaignView {
  readonly campaign: string;
  readonly testbed: string;
  readonly state: CampaignState;
  readonly reason: string | null;
  readonly step: string;
  readonly sinceMs: number;
  readonly element: string | null;
}

/** Answer to a steering update: the state that now holds. */
export interface Steered {
  readonly state: CampaignState;
}

export interface Skipped {
  readonly trial: string;
  readonly verdict: "skipped";
}

/** The plan as it now stands. */
export interface Extended {
  readonly repetitions: number;
  readonly planned: number;
  readonly added: number;
}

/** `by` says who asks, for the record; not empty. Takes effect after the current trial. */
export const pause = defineUpdate<Steered, [by: string]>("pause");
export const resume = defineUpdate<Steered, [by: string]>("resume");
/** Lets a host in quarantine take part again; without a quarantine it changes nothing. */
export const releaseHost = defineUpdate<Steered, [by: string, host: string]>("releaseHost");
/** The verdict `skipped` for one trial; answered when it has it. One that runs is cut and restored first. */
export const skip = defineUpdate<Skipped, [by: string, trialId: string, why: string]>("skip");
/** More repetitions: the new total. Answered when plan and rows have them. */
export const extend = defineUpdate<Extended, [by: string, repetitions: number]>("extend");
/** Answered when the running trial is cut, the testbed restored and every trial without a verdict skipped. */
export const cancel = defineUpdate<Steered, [by: string]>("cancel");
/** null until it was read for the first time. */
export const progress = defineQuery<CampaignProgress | null>("progress");
export const state = defineQuery<CampaignView>("state");

/** From the campaign to its running element: stop before the next trial, or go on. */
export const hold = defineSignal<[held: boolean]>("hold");

/** From the campaign to its running element: a trial shall be skipped; the one that runs is cut. */
export const skipTrial = defineSignal<[SkipOrder]>("skipTrial");
/** Back: that trial runs no more. */
export const trialLeft = defineSignal<[trialId: string]>("trialLeft");

export interface LockRequest {
  /** Workflow id of who asks. */
  readonly holder: string;
  /** The highest epoch that the store has seen; a grant's epoch is above it. */
  readonly epochFloor: number;
  /** The holder was refused on a host with its present epoch and needs a higher one. */
  readonly renew: boolean;
  /** Wait for a busy testbed, in turn; told by `lookAgain` when the turn may have come. Absent: do not wait. */
  readonly queue?: boolean;
  /** It waited since then already, Unix time; null or absent: it comes now. */
  readonly queuedSinceMs?: number | null;
}
export type LockAnswer =
  | { readonly status: "granted"; readonly epoch: number }
  | { readonly status: "busy"; readonly heldBy: string }
  | {
      readonly status: "queued";
      readonly heldBy: string;
      /** 1: next. */
      readonly place: number;
      readonly sinceMs: number;
    };
export interface QueuedHolder {
  readonly holder: string;
  readonly epochFloor: number;
  /** Unix time; no two are equal. */
  readonly sinceMs: number;
}
export interface LockHolder {
  readonly holder: string | null;
  readonly epoch: number;
}

export const acquire = defineUpdate<LockAnswer, [LockRequest]>("acquire");
/** Idempotent: false when that workflow neither holds the lock nor waits for it. */
export const release = defineUpdate<boolean, [holder: string]>("release");
export const holder = defineQuery<LockHolder>("holder");
/** First in front. */
export const queue = defineQuery<readonly QueuedHolder[]>("queue");
/** From the lock to who waits for it: the queue has moved. */
export const lookAgain = defineSignal("lookAgain");
