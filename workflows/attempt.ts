/**
 * The loop that both kinds of trial share: attempts until one is valid or the limit is spent. An
 * attempt is prepare · measure · [locate] · judge beside restore; after an unknown end of `measure` the
 * store and the hosts are asked (`collect`) before another attempt may exist.
 */
import { CancellationScope, isCancellation, log, patched } from "@temporalio/workflow";
import { begun, ended, isSpent, spentReason } from "../model/attempts.ts";
import type { AttemptTally } from "../model/attempts.ts";
import type { AttemptRef, AttemptVerdict, TrialKind, TrialOutcome } from "../model/trial.ts";
import type { TrialActs, TrialBrief } from "./acts.ts";
import { faultOf } from "./faults.ts";
import { patiently } from "./patience.ts";
import { act, timesOf } from "./policies.ts";
import type { RecoveryResult } from "./recovery.ts";

export interface TrialRun {
  readonly campaignId: string;
  readonly testbed: string;
  readonly attemptLimit: number;
  readonly kind: TrialKind;
  readonly brief: TrialBrief;
  /** Stands before every step's name in Temporal's timeline. */
  readonly title: string;
  readonly nextToken: () => number;
  /** Proves the testbed's health before the next attempt, where that is due after `attempts`; null: nothing is due. */
  readonly provenHealth: (attempts: number) => Promise<RecoveryResult | null>;
  /** Brings the testbed back to health after this attempt. `exhausted`: nothing may be measured on it now. */
  readonly recover: (ref: AttemptRef, why: string) => Promise<RecoveryResult>;
  /** Somebody has asked to skip this trial. */
  readonly isSkipped: () => boolean;
  /** Runs what a skip cuts; null: one has cut it, and it was restored. */
  readonly cuttable: <Result>(work: () => Promise<Result>) => Promise<Result | null>;
}

/**
 * `superseded`: a higher token was seen; nothing more may be done under this epoch. `interrupted`: the
 * testbed could not be brought back to health; the trial goes on when a person has mended it. `skipped`:
 * by a person. `decided`: it was found with a verdict, which stands.
 */
export type TrialEnd =
  | {
      readonly verdict: "valid";
      readonly outcome: TrialOutcome;
      readonly words?: string;
      readonly attempts: number;
    }
  | {
      readonly verdict: "invalid";
      readonly reason: string;
      readonly attempts: number;
      /** Its input cannot be measured: no further attempt was made. */
      readonly ofInput?: true;
    }
  | { readonly verdict: "superseded"; readonly reason: string }
  | { readonly verdict: "interrupted"; readonly reason: string }
  | { readonly verdict: "skipped"; readonly reason: string }
  | { readonly verdict: "decided"; readonly reason: string };

type AttemptEnd =
  | AttemptVerdict
  | (Extract<AttemptVerdict, { verdict: "invalid" }> & { readonly ofInput: true })
  | { readonly verdict: "superseded"; readonly reason: string }
  | { readonly verdict: "decided"; readonly reason: string };

/** null: a skip ended it before it had a verdict, with the testbed restored. */
export async function runTrial(run: TrialRun): Promise<TrialEnd | null> {
  let tally = run.brief.tally;
  for (;;) {
    if (run.isSkipped()) return null;
    const leftOver = tally.open;
    const health = leftOver ? null : await run.provenHealth(tally.attempts);
    if (health !== null && health.status !== "recovered") return putOff(health);
    if (health !== null && run.isSkipped()) return null;
    if (!leftOver) tally = begun(tally);
    const { campaignId, testbed, brief, nextToken } = run;
    const ref = {
      campaignId,
      testbed,
      trialId: brief.trialId,
      attempt: tally.attempts,
      token: (leftOver ? brief.openToken : null) ?? nextToken(),
    };
    const doubts: string[] = [];
    const end = await run.cuttable(() => attempt(run, ref, tally, leftOver, doubts));
    if (end?.verdict === "superseded" || end?.verdict === "decided") return end;
    if (end?.verdict === "valid" && end.outcome !== "completed")
      doubts.unshift(
        `the outcome ${end.outcome}${end.words === undefined ? "" : `: ${end.words}`}`,
      );
    const [why] = doubts;
    const recovered = why === undefined ? null : await run.recover(ref, why);
    if (end === null) return null;
    if (end.verdict === "valid") return { ...end, attempts: tally.attempts };
    tally = ended(tally, end.cut);
    if ("ofInput" in end)
      return { verdict: "invalid", reason: end.reason, attempts: tally.attempts, ofInput: true };
    if (recovered !== null && recovered.status !== "recovered" && !isSpent(tally, run.attemptLimit))
      return putOff(recovered);
    if (isSpent(tally, run.attemptLimit))
      return {
        verdict: "invalid",
        reason: spentReason(tally, end.reason),
        attempts: tally.attempts,
      };
  }
}

const putOff = ({ status, words }: RecoveryResult): TrialEnd => ({
  verdict: status === "superseded" ? "superseded" : "interrupted",
  reason: words,
});

async function attempt(
  run: TrialRun,
  ref: AttemptRef,
  tally: AttemptTally,
  leftOver: boolean,
  /** Filled with what leaves the testbed in doubt; the first calls for a recovery. */
  doubts: string[],
): Promise<AttemptEnd> {
  const step = namedSteps(run, ref);
  let touched = true;
  let restored: Promise<void> | null = null;
  try {
    const unmeasured = leftOver
      ? await lookUp("its workflow ended", true)
      : await prepareAndMeasure();
    if (unmeasured !== null) return await reject(unmeasured.reason, unmeasured.cut);
    if (run.kind === "migration") await patiently(() => step("locate")(ref));
    const judging = patiently(() => step("judge")(ref, { final: isLast(false) }));
    // Judging needs no host: the testbed is restored meanwhile.
    if (patched("restore beside judge")) restored = CancellationScope.nonCancellable(restore);
    const verdict = await judging;
    const killsTheWorker = verdict.verdict === "invalid" && verdict.cut && isLast(true);
    return killsTheWorker ? await reject(verdict.reason, true) : verdict;
  } catch (error) {
    if (isCancellation(error)) throw error;
    const fault = faultOf(error);
    if (fault.kind === "decided") {
      touched = false;
      return { verdict: "decided", reason: fault.reason };
    }
    if (fault.kind === "fenced" && fault.act === "prepare")
      return { verdict: "superseded", reason: fault.reason };
    if (fault.ofInput) return { ...(await refuse(fault.reason)), ofInput: true };
    if (fault.act === "prepare" && fault.leavesDoubt) doubts.push(fault.reason);
    return await reject(fault.reason, fault.cut);
  } finally {
    if (touched) restored ??= CancellationScope.nonCancellable(restore);
    await restored;
  }

  async function prepareAndMeasure() {
    await patiently(() => step("prepare")(ref));
    try {
      await step("measure")(ref);
      return null;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const fault = faultOf(error);
      if (fault.kind === "harness" || fault.kind === "fenced") throw error;
      return await lookUp(fault.reason, fault.cut);
    }
  }

  /** null: the measurement had finished on the hosts and is home now. */
  async function lookUp(reason: string, cut: boolean) {
    const collected = await patiently(() => step("collect")(ref));
    if (collected.status === "measured") return null;
    const words = collected.why === undefined ? reason : `${collected.why}: ${reason}`;
    if (collected.stuck !== true) return { reason: words, cut };
    const stuck = `the measurement stands still in a worker that lives: ${words}`;
    doubts.push(stuck);
    return { reason: stuck, cut: false };
  }

  async function reject(reason: string, cut: boolean): Promise<AttemptVerdict> {
    const final = isLast(cut);
    const words = final ? spentReason(ended(tally, cut), reason) : reason;
    await step("rejectAttempt")(ref, { reason: words, cut, final });
    return { verdict: "invalid", reason, cut };
  }

  /** No attempt follows one that cannot be measured whatever is tried. */
  async function refuse(reason: string) {
    const words = `${reason}; no attempt and no recovery can change that`;
    await step("rejectAttempt")(ref, { reason: words, cut: false, final: true });
    return { verdict: "invalid", reason: words, cut: false } as const;
  }

  function isLast(cut: boolean): boolean {
    return isSpent(ended(tally, cut), run.attemptLimit);
  }

  /** A testbed that cannot be restored is in doubt: the ladder brings it back, or says that it cannot. */
  async function restore(): Promise<void> {
    try {
      await step("restore")(ref);
    } catch (error) {
      const { leavesDoubt, reason } = faultOf(error);
      log.warn("the testbed was not restored", { trial: ref.trialId, reason });
      if (leavesDoubt) doubts.push(reason);
    }
  }
}

/** One act of the attempt, named in Temporal's timeline as `trial 3/12 · 64 B 300 Mbit/s · attempt 1: measure`. */
const namedSteps =
  ({ title, brief }: TrialRun, { attempt }: AttemptRef) =>
  <Name extends keyof TrialActs>(name: Name): TrialActs[Name] => {
    const summary = `${title}attempt ${attempt}: ${name}`;
    return act(name, { summary, ...timesOf(name, brief) });
  };
