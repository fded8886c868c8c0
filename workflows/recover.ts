/** Starts a recovery as a child of the trial's workflow, and takes the tokens back that it used. */
import {
  ChildWorkflowCancellationType,
  executeChild,
  isCancellation,
  log,
  ParentClosePolicy,
} from "@temporalio/workflow";
import { mostSteps } from "../model/ladder.ts";
import type { AttemptRef } from "../model/trial.ts";
import type { TrialBrief } from "./acts.ts";
import { faultOf } from "./faults.ts";
import { recovery } from "./recovery.ts";
import type { RecoveryResult } from "./recovery.ts";
import { attributes } from "./search.ts";

/** Its steps are bounded, so this is far beyond any run that still makes progress. */
const longest = "6 hours";

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
      workflowExecutionTimeout: longest,
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
    return { status: "exhausted", words, nextNumber: tokens.nextNumber + mostSteps };
  }
}

const callWords = (name: string): string =>
  name.startsWith("health-") ? "proof of health" : name.replace("-", " after attempt ");
