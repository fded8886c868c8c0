/**
 * One measurement campaign: takes the testbed, then runs the plan's elements in order, each as a child
 * workflow. Workflow id: `campaign/<id>`. Nothing that happens to a trial ends it; what it cannot get
 * (store, server, testbed) it waits for.
 *
 * Continues as new when the server suggests it, between elements, with epoch, token number and pause
 * as its argument. Changes to this file need `patched()` where a running history would replay otherwise.
 */
import {
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  isCancellation,
  patched,
  workflowInfo,
} from "@temporalio/workflow";
import { controlDesk } from "./campaign-control.ts";
import { measureAll } from "./campaign-elements.ts";
import type { Carried } from "./campaign-elements.ts";
import { heldWords } from "../model/search-attributes.ts";
import { act } from "./policies.ts";

export interface CampaignInput {
  readonly campaignId: string;
  readonly testbed: string;
  readonly attemptLimit: number;
  /** Wait in turn for a busy testbed. Absent: end as `busy`. */
  readonly queue?: boolean;
  /** Given by the campaign to itself when it continues as new, and by the worker that begins a lost one anew; null at the start. */
  readonly carried: Carried | null;
}

/** `busy`: the testbed is another's and nothing was begun; the same campaign may be started again. */
export type CampaignResult =
  | {
      readonly status: "completed" | "cancelled";
      /** For people: the sum as it stood at the end. */
      readonly ledger: string | null;
      readonly outcomes: Readonly<Record<string, number>>;
    }
  | { readonly status: "busy"; readonly heldBy: string };

export async function campaign(input: CampaignInput): Promise<CampaignResult> {
  const { campaignId, testbed } = input;
  const desk = controlDesk(input);
  let cancellation: Error | null = null;
  try {
    const end = await desk.work.run(async () => {
      const carried = input.carried ?? (await begin());
      if (carried === "queued" || "heldBy" in carried) return carried;
      return await measureAll(input, desk, carried);
    });
    heedLateCancel();
    if (end !== null && end !== "queued" && "heldBy" in end)
      return { status: "busy", heldBy: end.heldBy };
    if (end !== null) {
      // The update that cancels is answered only when the campaign has ended.
      await CancellationScope.nonCancellable(() =>
        condition(() => allHandlersFinished() || isCancelled()),
      );
      heedLateCancel();
      await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
      await continueAsNew<typeof campaign>({
        ...input,
        carried: end === "queued" ? null : { ...end, paused: desk.isPaused() },
      });
    }
  } catch (error) {
    if (!(error instanceof Error) || !isCancellation(error)) throw error;
    cancellation = error;
  }
  const status = cancellation === null ? "completed" : "cancelled";
  await CancellationScope.nonCancellable(() => end(status));
  // Asked of Temporal itself, not by the update: Temporal then shows the workflow as cancelled, too.
  if (cancellation !== null && !desk.wasAsked()) throw cancellation;
  return { status, ...desk.ledger() };

  function isCancelled(): boolean {
    return desk.wasAsked() || desk.work.consideredCancelled;
  }

  /** A cancel that came when nothing was left for it to cut. @throws {CancelledFailure} */
  function heedLateCancel(): void {
    if (isCancelled() && patched("a cancel counts until the end"))
      throw new CancelledFailure("the campaign was cancelled");
  }

  /** `queued`: it still waits for its turn, and its history is long enough to continue as new. */
  async function begin(): Promise<Carried | { heldBy: string } | "queued"> {
    for (;;) {
      desk.step(`taking the testbed ${testbed}`);
      const moves = desk.queueMoves();
      const lock = await act("acquireTestbed", { summary: `take ${testbed}` })(
        campaignId,
        testbed,
        false,
        input.queue,
      );
      if (lock.status === "granted") {
        await desk.become("running", null);
        return { epoch: lock.epoch, nextNumber: 1, setbacks: 0, paused: false };
      }
      if (lock.status === "busy") {
        await desk.become("planned", heldWords(testbed, lock.heldBy));
        return lock;
      }
      await desk.queue(lock);
      if (workflowInfo().continueAsNewSuggested) return "queued";
      await desk.untilQueueMoves(moves);
    }
  }

  async function end(status: "completed" | "cancelled"): Promise<void> {
    desk.close();
    desk.step(status === "completed" ? "closing" : "skipping what has no verdict");
    if (status === "cancelled")
      await act("closeCancelled", { summary: "skip what has no verdict" })(
        campaignId,
        desk.cancelledBy(),
      );
    await act("releaseTestbed", { summary: `let ${testbed} go` })(campaignId, testbed);
    desk.step("ended");
    await desk.become(status, status === "completed" ? null : `cancelled by ${desk.cancelledBy()}`);
    await desk.refresh(0);
    await condition(allHandlersFinished);
  }
}
