/** What both kinds of child workflow share: their input and result, tokens, and holding between trials. */
import { condition, log, setHandler, workflowInfo } from "@temporalio/workflow";
import type { SkipOrder } from "../model/skip.ts";
import { token } from "../model/tokens.ts";
import type { Element, TrialBrief } from "./acts.ts";
import { runTrial } from "./attempt.ts";
import type { AttemptRef } from "../model/trial.ts";
import type { TrialEnd } from "./attempt.ts";
import { beingMeasured, beingRecovered, endLines } from "./details.ts";
import { hold } from "./messages.ts";
import { recover } from "./recover.ts";
import type { RecoveryResult } from "./recovery.ts";
import { skipsOf } from "./skips.ts";

export interface ElementInput {
  readonly campaignId: string;
  readonly testbed: string;
  readonly attemptLimit: number;
  readonly element: Element;
  readonly epoch: number;
  /** The first number of a token that was not used yet under this epoch. */
  readonly nextNumber: number;
  /** Of a sweep that continued as new: the ends of its first trials, and whether it was held. */
  readonly ends: readonly TrialEnd[];
  readonly held: boolean;
  /** Skips asked for so far. Absent before 0.2.0. */
  readonly skips?: readonly SkipOrder[];
  /** Why the testbed's health must be proven before the first attempt; null or absent: nothing speaks against it. */
  readonly healthDue?: string | null;
}

export interface ElementResult {
  /** `exhausted`: no rung of recovery helped, and the testbed waits for a person. `refused`: of none of its trials the input can be measured. */
  readonly status: "measured" | "superseded" | "exhausted" | "refused";
  readonly reason: string | null;
  /** One line for each trial, for who looks at this workflow. */
  readonly trials: readonly string[];
  /** The first number that the next element may use. */
  readonly nextNumber: number;
}

/** Runs the element's trials one by one, each after `hold` allows it. `show`: what is done with a trial now, in words. */
export function elementRun(input: ElementInput, show: (brief: TrialBrief, now: string) => void) {
  let { nextNumber, held, healthDue = null } = input;
  setHandler(hold, (value) => void (held = value), {
    description: "Stop before the next trial, or go on",
  });
  const ended = new Set(
    input.element.trials.slice(0, input.ends.length).map(({ trialId }) => trialId),
  );
  const skips = skipsOf(input.skips ?? [], (trialId) => ended.has(trialId));
  const nextToken = (): number => token(input.epoch, nextNumber++);
  let stop: { status: "superseded" | "exhausted"; reason: string } | null = null;

  /** One run of the ladder; `name` is its workflow's id below the trial's. */
  async function mend(
    ref: Omit<AttemptRef, "token">,
    brief: TrialBrief,
    { name, why }: { readonly name: string; readonly why: string },
  ): Promise<RecoveryResult> {
    show(brief, beingRecovered(why, `${ref.trialId}/${name}`));
    const end = await recover(ref, brief, { name, why, epoch: input.epoch, nextNumber });
    nextNumber = end.nextNumber;
    if (end.status !== "recovered") stop = { status: end.status, reason: end.words };
    show(brief, beingMeasured);
    return end;
  }

  return {
    async trial(brief: TrialBrief, title: string): Promise<TrialEnd> {
      const { trialId } = brief;
      await condition(() => !held || skips.has(trialId));
      const { campaignId, testbed, attemptLimit, element } = input;
      const ran = await runTrial({
        campaignId,
        testbed,
        attemptLimit,
        kind: element.kind,
        brief,
        title,
        nextToken,
        recover: (ref, why) => mend(ref, brief, { name: `recovery-${ref.attempt}`, why }),
        async provenHealth(attempt) {
          if (healthDue === null) return null;
          const ref = { campaignId, testbed, trialId: brief.trialId, attempt };
          const name = `health-${token(input.epoch, nextNumber)}`;
          const end = await mend(ref, brief, { name, why: healthDue });
          if (end.status === "recovered") healthDue = null;
          return end;
        },
        isSkipped: () => skips.has(trialId),
        cuttable: (work) => skips.cuttable(trialId, work),
      });
      const end = ran === null || skips.has(trialId) ? await skips.settle(trialId, ran) : ran;
      ended.add(trialId);
      if (ran?.verdict === "superseded") stop ??= { status: "superseded", reason: ran.reason };
      log.info("trial ended", { trial: brief.trialId, ...end });
      return end;
    },
    /** The input with which this element continues as new. */
    carried: (ends: readonly TrialEnd[]): ElementInput => ({
      ...input,
      nextNumber,
      held,
      ends,
      skips: skips.orders(),
      healthDue,
    }),
    /** Nothing more may be measured in this element now. */
    isStopped: (): boolean => stop !== null,
    result: (ends: readonly TrialEnd[]): ElementResult => ({
      ...(stop ?? refusal(ends) ?? { status: "measured", reason: null }),
      trials: endLines(input.element.trials, ends),
      nextNumber,
    }),
    shouldContinueAsNew: (): boolean => workflowInfo().continueAsNewSuggested,
  };
}

/** null: at least one trial ended otherwise. */
function refusal(ends: readonly TrialEnd[]): { status: "refused"; reason: string } | null {
  const reasons = ends.flatMap((end) =>
    end.verdict === "invalid" && end.ofInput === true ? [end.reason] : [],
  );
  const [reason] = reasons;
  return reason === undefined || reasons.length < ends.length
    ? null
    : { status: "refused", reason };
}
