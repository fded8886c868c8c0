/** What can be said to a running workflow and asked of it. Names and shapes are used by the CLI, too. */
import { defineQuery, defineSignal, defineUpdate } from "@temporalio/workflow";
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

/** `by` says who asks, for the record; not empty. Takes effect after the current trial. */
export const pause = defineUpdate<Steered, [by: string]>("pause");
export const resume = defineUpdate<Steered, [by: string]>("resume");
/** Lets a host in quarantine take part again; without a quarantine it changes nothing. */
export const releaseHost = defineUpdate<Steered, [by: string, host: string]>("releaseHost");
/** Answered when the running trial is cut, the testbed restored and every trial without a verdict skipped. */
export const cancel = defineUpdate<Steered, [by: string]>("cancel");
/** null until it was read for the first time. */
export const progress = defineQuery<CampaignProgress | null>("progress");
export const state = defineQuery<CampaignView>("state");

/** From the campaign to its running element: stop before the next trial, or go on. */
export const hold = defineSignal<[held: boolean]>("hold");

export interface LockRequest {
  /** Workflow id of who asks. */
  readonly holder: string;
  /** The highest epoch that the store has seen; a grant's epoch is above it. */
  readonly epochFloor: number;
  /** The holder was refused on a host with its present epoch and needs a higher one. */
  readonly renew: boolean;
}
export type LockAnswer =
  | { readonly status: "granted"; readonly epoch: number }
  | { readonly status: "busy"; readonly heldBy: string };
export interface LockHolder {
  readonly holder: string | null;
  readonly epoch: number;
}

export const acquire = defineUpdate<LockAnswer, [LockRequest]>("acquire");
/** Idempotent: false when that workflow does not hold the lock. */
export const release = defineUpdate<boolean, [holder: string]>("release");
export const holder = defineQuery<LockHolder>("holder");
