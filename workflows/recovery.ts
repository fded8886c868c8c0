/**
 * One run of the ladder of recovery, after an attempt that left the testbed in doubt. Workflow id:
 * `<trial>/recovery-<attempt>`. One act for each step, each under a token of its own, each verified
 * before the next; which comes next is decided by `model/ladder.ts`. It never fails: what cannot be
 * mended ends as `exhausted`, with hosts in quarantine.
 *
 * Changes to this file need `patched()` where a running history would replay otherwise.
 */
import {
  CancellationScope,
  isCancellation,
  log,
  patched,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from "@temporalio/workflow";
import { nextStep, nothingPossible } from "../model/ladder.ts";
import type { LadderFacts, RecoveryStep, Rung, StepReport } from "../model/ladder.ts";
import { token } from "../model/tokens.ts";
import type { AttemptRef } from "../model/trial.ts";
import type { FailedRungOrder, RungActs, RungAnswer } from "./acts.ts";
import { faultOf } from "./faults.ts";
import { patiently } from "./patience.ts";
import { act } from "./policies.ts";
import { climbedWords, exhaustedWords, recoveryDetails } from "./recovery-words.ts";
import type { ClimbedStep } from "./recovery-words.ts";
import { attributes } from "./search.ts";

export interface RecoveryInput {
  readonly ref: Omit<AttemptRef, "token">;
  /** What called for it, in words. */
  readonly why: string;
  readonly epoch: number;
  /** The first number of a token that was not used yet under this epoch. */
  readonly nextNumber: number;
}

export interface RecoveryResult {
  readonly status: "recovered" | "exhausted" | "superseded";
  readonly words: string;
  /** The first number that may be used after it. */
  readonly nextNumber: number;
}

const actOf: Readonly<Record<RecoveryStep, keyof RungActs>> = {
  evidence: "collectEvidence",
  cancel: "cancelMigration",
  "destroy-both": "destroyBothCopies",
  recreate: "recreateRouter",
  "restart-toolstack": "restartToolstack",
  reboot: "rebootHosts",
  "power-cycle": "powerCycleHosts",
  quarantine: "quarantineHosts",
  health: "healthTrial",
};

export async function recovery(input: RecoveryInput): Promise<RecoveryResult> {
  const { why } = input;
  const id = workflowInfo().workflowId;
  const climbed: ClimbedStep[] = [];
  const reports: StepReport[] = [];
  let facts: LadderFacts = nothingPossible;
  let { nextNumber } = input;
  try {
    for (;;) {
      const next = nextStep(facts, reports);
      if (next.kind === "recovered")
        return await end("recovered", next.by, `recovered by ${next.by}`);
      if (next.kind === "exhausted")
        return await end(
          "exhausted",
          "quarantine",
          exhaustedWords(next.hosts, climbed.at(-1)?.status),
        );
      setCurrentDetails(recoveryDetails(why, climbed, next));
      const answer = await climb(next.step, next.hosts);
      if (answer === "superseded")
        return await end("superseded", null, "another holds the testbed");
      facts = answer.facts ?? facts;
      reports.push(answer.report);
      climbed.push({ ...answer.report, words: answer.words });
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(() => end("cancelled", null, "cut by a cancel"));
    throw error;
  }

  /** A step's act may be tried again under its token (a killed worker, a store that is away); an act that fails for good is a rung that failed. */
  async function climb(
    step: RecoveryStep,
    hosts: readonly string[],
  ): Promise<RungAnswer | "superseded"> {
    const tries = reports.filter((one) => one.step === step).length + 1;
    const summary = climbedWords(step, hosts, tries);
    const order = { ref: { ...input.ref, token: takeToken() }, id, why, step, hosts };
    const startedAt = new Date().toISOString();
    try {
      return await patiently(() => act(actOf[step], { summary })(order));
    } catch (error) {
      if (isCancellation(error)) throw error;
      const fault = faultOf(error);
      if (fault.kind === "fenced") return "superseded";
      return await failed({ ...order, startedAt, words: fault.reason }, summary);
    }
  }

  /** Its act told nothing: what it was ordered for is stored, and what the testbed declares is told, all the same. */
  async function failed(order: FailedRungOrder, summary: string): Promise<RungAnswer> {
    const { hosts, words } = order;
    try {
      if (patched("a rung that failed for good is stored"))
        return await act("failedRung", { summary: `${summary}: store that it failed` })(order);
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.warn("a failed rung was not stored", { step: order.step, reason: faultOf(error).reason });
    }
    const nobody = { unreachable: [], suspects: [] };
    return { report: { step: order.step, status: "failed", hosts, ...nobody }, words, facts: null };
  }

  function takeToken(): number {
    return token(input.epoch, nextNumber++);
  }

  async function end(
    outcome: RecoveryResult["status"] | "cancelled",
    rung: Rung | null,
    words: string,
  ): Promise<RecoveryResult> {
    const ref = { ...input.ref, token: token(input.epoch, nextNumber) };
    const order = { ref, id, why, outcome, rung, words };
    await act("closeRecovery", { summary: `${outcome}: store the end` })(order);
    setCurrentDetails(recoveryDetails(why, climbed, { kind: "ended", words }));
    upsertSearchAttributes(attributes({ LhOutcome: outcome }));
    const status = outcome === "cancelled" ? "superseded" : outcome;
    return { status, words, nextNumber };
  }
}
