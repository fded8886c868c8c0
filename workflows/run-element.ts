/** One element of a campaign as a child workflow, which can be held and told of skips while it runs. */
import {
  ChildWorkflowCancellationType,
  isCancellation,
  log,
  ParentClosePolicy,
  startChild,
} from "@temporalio/workflow";
import { mostAttempts } from "../model/attempts.ts";
import { mostSteps } from "../model/ladder.ts";
import type { Element } from "./acts.ts";
import type { ControlDesk } from "./campaign-control.ts";
import type { CampaignInput } from "./campaign.ts";
import { elementPlan, elementSummary } from "./details.ts";
import type { ElementInput, ElementResult } from "./element.ts";
import { faultOf } from "./faults.ts";
import { forwardingSweep } from "./forwarding-sweep.ts";
import { hold, skipTrial } from "./messages.ts";
import { migrationTrial } from "./migration-trial.ts";
import { attributes } from "./search.ts";

type ElementEnd =
  | Omit<ElementResult, "trials">
  | (Omit<ElementResult, "status" | "trials"> & { readonly status: "failed" });

export async function runElement(
  { campaignId, testbed, attemptLimit }: CampaignInput,
  desk: ControlDesk,
  element: Element,
  tokens: Pick<ElementInput, "nextNumber" | "healthDue"> & { readonly epoch: number },
): Promise<ElementEnd> {
  const { kind, platform, repetition, trials } = element;
  const input = { campaignId, testbed, attemptLimit, element, ...tokens, ends: [], held: false };
  desk.plan.begins(element.id);
  try {
    const child = await startChild(kind === "forwarding" ? forwardingSweep : migrationTrial, {
      workflowId: element.id,
      args: [input],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      staticSummary: elementSummary(element),
      staticDetails: elementPlan(element),
      typedSearchAttributes: attributes({
        LhCampaign: campaignId,
        LhTestbed: testbed,
        LhKind: kind,
        LhPlatform: platform,
        LhRepetition: repetition,
        LhPlanned: trials.length,
        ...(kind === "migration" && trials[0] ? { LhScenario: trials[0].scenario } : {}),
      }),
    });
    await desk.runs(element.id, {
      hold: (held) => told(() => child.signal(hold, held)),
      skip: (order) => told(() => child.signal(skipTrial, order)),
    });
    return await child.result();
  } catch (error) {
    // A child that somebody else cancelled or terminated is a setback, not the campaign's end.
    if (isCancellation(error) && desk.work.consideredCancelled) throw error;
    const reason = `${element.id}: ${faultOf(error instanceof Error && error.cause ? error.cause : error).reason}`;
    // How far it counted is not known: leave out all that it may have used.
    const nextNumber =
      tokens.nextNumber + (trials.length + 1) * mostAttempts(attemptLimit) * (1 + mostSteps);
    return { status: "failed", reason, nextNumber };
  } finally {
    desk.elementEnded();
  }

  async function told(signal: () => Promise<void>): Promise<void> {
    try {
      await signal();
    } catch (error) {
      const what = { element: element.id, error: String(error) };
      log.info("the element ended before it could be told", what);
    }
  }
}
