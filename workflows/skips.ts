/** Skipping, in the child workflow that runs the trials: which are asked for, and the cut of the one that runs. */
import {
  CancellationScope,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import { decidedWords, skipReason } from "../model/skip.ts";
import type { SkipOrder } from "../model/skip.ts";
import type { TrialEnd } from "./attempt.ts";
import { skipTrial, trialLeft } from "./messages.ts";
import { act } from "./policies.ts";

/** `hasEnded`: of a trial of this element. */
export function skipsOf(carried: readonly SkipOrder[], hasEnded: (trialId: string) => boolean) {
  const orders = new Map(carried.map((order) => [order.trialId, order]));
  let running: { readonly trialId: string; readonly scope: CancellationScope } | null = null;

  setHandler(
    skipTrial,
    async (order) => {
      orders.set(order.trialId, order);
      if (running?.trialId === order.trialId) running.scope.cancel();
      if (hasEnded(order.trialId)) await tell(order.trialId);
    },
    { description: "Skip one of its trials; the one that runs is cut and restored" },
  );

  return {
    has: (trialId: string): boolean => orders.has(trialId),
    orders: (): readonly SkipOrder[] => [...orders.values()],

    /** null: a skip has cut it. */
    async cuttable<Result>(trialId: string, work: () => Promise<Result>): Promise<Result | null> {
      const scope = new CancellationScope();
      running = { trialId, scope };
      try {
        return await scope.run(work);
      } catch (error) {
        // A cancel of the campaign cuts this scope, too.
        const isCut = orders.has(trialId) && !CancellationScope.current().consideredCancelled;
        if (isCut && isCancellation(error)) return null;
        throw error;
      } finally {
        running = null;
      }
    },

    /** After a trial that was asked to be skipped: its verdict, if it has none, and the word to the campaign. */
    async settle(trialId: string, end: TrialEnd | null): Promise<TrialEnd> {
      const order = orders.get(trialId);
      if (order === undefined) throw new Error(`${trialId}: nobody asked to skip it`);
      const answer = await act("skipTrial", { summary: `skip ${trialId}`.slice(0, 180) })({
        ...order,
        evenRunning: true,
      });
      await tell(trialId);
      if (answer.status === "skipped") return { verdict: "skipped", reason: skipReason(order) };
      const reason = answer.status === "decided" ? decidedWords(answer) : answer.status;
      return end ?? { verdict: "decided", reason };
    },
  };

  async function tell(trialId: string): Promise<void> {
    const { parent } = workflowInfo();
    if (parent === undefined) return;
    try {
      await getExternalWorkflowHandle(parent.workflowId).signal(trialLeft, trialId);
    } catch (error) {
      log.info("the campaign was not told of a skip", { trial: trialId, error: String(error) });
    }
  }
}
