/** Starts a recovery as a child of the trial's workflow, and takes the tokens back that it used. */
import {
  ChildWorkflowCancellationType,
  executeChild,
  isCancellation,
  log,
  ParentClosePolicy,
  patched,
} from "@temporalio/workflow";
import { mostSteps } from "../model/ladder.ts";
import type { AttemptRef } from "../model/trial.ts";
import type { TrialBrief } from "./acts.ts";
import { token } from "../model/tokens.ts";
import { faultOf } from "./faults.ts";
import { act } from "./policies.ts";
import { recovery } from "./recovery.ts";
import type { RecoveryResult } from "./recovery.ts";
import { attributes } from "./search.ts";

export interface RecoveryCall {
  /** Last part of its workflow's id: `recovery-2` after attempt 2; `health-1000042` where nothing failed but health must be proven. */
  readonly name: string;
  /** What called for it, in words. */
  readonly why: string;
  readonly epoch: number;
  readonly nextNumber: number;
}

/** Never throws but for a cancel: a recovery that somebody terminated counts as exhausted. */
export async function recover(
  ref: Omit<AttemptRef, "token">,
  brief: Pick<TrialBrief, "platform" | "scenario">,
  { name, why, ...tokens }: RecoveryCall,
): Promise<RecoveryResult> {
  const { campaignId, testbed, trialId, attempt } = ref;
  const { platform, scenario } = brief;
  try {
    return await executeChild(recovery, {
      workflowId: `${ref.trialId}/${name}`,
      args: [{ ref: { campaignId, testbed, trialId, attempt }, why, ...tokens }],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      staticSummary: `${callWords(name)}: ${why}`.slice(0, 180),
      typedSearchAttributes: attributes({
        LhCampaign: ref.campaignId,
        LhTestbed: ref.testbed,
        LhKind: "recovery",
        LhPlatform: platform,
        LhScenario: scenario,
      }),
    });
  } catch (error) {
    if (isCancellation(error)) throw error;
    const { reason } = faultOf(error instanceof Error && error.cause ? error.cause : error);
    log.warn("a recovery ended without a result", { trial: ref.trialId, reason });
    const words = `the recovery after ${ref.trialId} ended without a result: ${reason}`;
    if (patched("the end of a recovery without a result is stored")) await close(words);
    return { status: "exhausted", words, nextNumber: tokens.nextNumber + mostSteps };
  }

  /** Nobody else says so: without it the recovery would seem to go on for ever. */
  async function close(words: string): Promise<void> {
    const id = `${trialId}/${name}`;
    const by = { ...ref, token: token(tokens.epoch, tokens.nextNumber) };
    const order = { ref: by, id, why, outcome: "exhausted", rung: null, words } as const;
    await act("closeRecovery", { summary: "store its end without a result" })(order);
  }
}

const callWords = (name: string): string =>
  name.startsWith("health-") ? "proof of health" : name.replace("-", " after attempt ");
