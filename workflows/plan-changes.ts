/** The plan is changed while it is measured: a trial is skipped, repetitions are added. */
import { ApplicationFailure, CancellationScope, condition, setHandler } from "@temporalio/workflow";
import type { ExtendAnswer } from "../model/extension.ts";
import { decidedWords } from "../model/skip.ts";
import type { SkipAnswer, SkipOrder } from "../model/skip.ts";
import * as messages from "./messages.ts";
import type { Extended, Skipped } from "./messages.ts";
import { act } from "./policies.ts";

interface Desk {
  readonly campaignId: string;
  readonly refuseUnless: (by: string, allowed: boolean, why: string) => void;
  /** The ledger has changed. */
  readonly changed: () => Promise<void>;
}

const longestWords = 300;

export function planChanges({ campaignId, refuseUnless, changed }: Desk) {
  /** The child workflow that is started or runs; it is told of skips once it runs. */
  let element: { readonly id: string; tell: ((order: SkipOrder) => Promise<void>) | null } | null =
    null;
  const left = new Set<string>();
  const skipped = new Set<string>();
  let [extensions, extending] = [0, 0];

  setHandler(messages.trialLeft, (trialId) => void left.add(trialId), {
    description: "From its element: a trial that shall be skipped runs no more",
  });
  setHandler(messages.skip, skip, {
    description: "Give one trial the verdict skipped; one that runs is cut and restored first",
    validator: (by: string, trialId: string, why: string) => {
      const isOwn = typeof trialId === "string" && trialId.startsWith(`${campaignId}/`);
      refuseUnless(by, isOwn, `has no trial ${JSON.stringify(trialId)}`);
      refuseUnless(
        by,
        isSentence(why),
        `is told no reason: say why in 1 to ${longestWords} letters`,
      );
    },
  });
  setHandler(messages.extend, extend, {
    description: "Raise the number of repetitions: the new total",
    validator: (by: string, repetitions: number) =>
      refuseUnless(
        by,
        Number.isSafeInteger(repetitions) && repetitions > 0,
        `cannot have ${JSON.stringify(repetitions)} repetitions: give a whole number`,
      ),
  });

  return {
    isSkipped: (trialId: string): boolean => skipped.has(trialId),
    begins: (id: string) => void (element = { id, tell: null }),
    runs(tell: (order: SkipOrder) => Promise<void>): void {
      if (element !== null) element.tell = tell;
    },
    ended: () => void (element = null),
    extensions: (): number => extensions,
    /** Rises with every skip and extension. */
    changes: (): number => skipped.size + extensions,
    /** Whether nothing was added, nor is being added, since there were so many extensions. */
    async isWhole(since: number): Promise<boolean> {
      await condition(() => extending === 0);
      return extensions === since;
    },
  };

  async function skip(by: string, trialId: string, why: string): Promise<Skipped> {
    const order = { trialId, by, why };
    let answer = await give(order, false);
    if (answer.status === "running") {
      await cut(order, answer.element);
      answer = await give(order, true);
    }
    if (answer.status === "unknown") refuse(`has no trial ${trialId}`);
    if (answer.status === "decided")
      refuse(`cannot skip ${trialId}, which has its verdict: ${decidedWords(answer)}`);
    skipped.add(trialId);
    // Its element has read the plan before; one that begins is given none of the skipped ones.
    if (answer.status === "skipped") await tell(order, answer.element);
    await changed();
    return { trial: trialId, verdict: "skipped" };
  }

  /** Resolves when the trial does not run any more: its element says so, or has ended. */
  async function cut(order: SkipOrder, id: string): Promise<void> {
    await tell(order, id);
    await condition(() => left.has(order.trialId) || element?.id !== id);
  }

  async function tell(order: SkipOrder, id: string): Promise<void> {
    const isStarting = () => element?.id === id && element.tell === null;
    await condition(() => !isStarting());
    if (element?.id === id) await element.tell?.(order);
  }

  async function extend(by: string, repetitions: number): Promise<Extended> {
    extending += 1;
    try {
      const answer = await unhurried<ExtendAnswer>(() =>
        act("extendCampaign", {
          summary: `extend to ${repetitions} repetitions, says ${by}`.slice(0, 180),
        })({
          campaignId,
          repetitions,
          by,
        }),
      );
      if (answer.status === "refused") return refuse(answer.why);
      extensions += 1;
      await changed();
      return { repetitions, planned: answer.planned, added: answer.added };
    } finally {
      extending -= 1;
    }
  }

  function give(order: SkipOrder, evenRunning: boolean): Promise<SkipAnswer> {
    const summary = `skip ${order.trialId}, says ${order.by}`.slice(0, 180);
    return unhurried(() => act("skipTrial", { summary })({ ...order, evenRunning }));
  }

  function refuse(why: string): never {
    throw ApplicationFailure.nonRetryable(`campaign ${campaignId} ${why}`, "Refused");
  }
}

/** A cancel of the campaign does not take back what was promised. */
const unhurried = <Result>(run: () => Promise<Result>): Promise<Result> =>
  CancellationScope.nonCancellable(run);

const isSentence = (text: unknown): boolean =>
  typeof text === "string" && text.trim() !== "" && text.length <= longestWords;
