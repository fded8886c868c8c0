/** Scripted acts of which one holds still, and what it takes that this one is ordered. */
import type { LadderFacts } from "../../model/ladder.ts";
import type { Acts, RecoveryActs, TrialActs } from "../../workflows/acts.ts";
import { broken, scripted } from "../workflows/scripted.ts";
import { labFacts, scriptedRecovery } from "../workflows/scripted-recovery.ts";
import { killedPlan } from "./killed-plan.ts";

export type StuckAct = keyof TrialActs | keyof RecoveryActs;

/** All that a trial can order, each once. */
export const stuckActNames = [
  ...(["prepare", "measure", "collect", "locate", "judge", "rejectAttempt", "restore"] as const),
  ...(["collectEvidence", "cancelMigration", "destroyBothCopies", "recreateRouter"] as const),
  ...(["restartToolstack", "rebootHosts", "powerCycleHosts", "quarantineHosts"] as const),
  ...(["healthTrial", "closeRecovery"] as const),
];

/** Rungs that are climbed where a copy of the router on R2 cannot be destroyed: what makes each the next one. */
const behindDestroy: Readonly<Partial<Record<StuckAct, Partial<LadderFacts>>>> = {
  restartToolstack: { toolstack: true },
  rebootHosts: { rebootable: ["R1", "R2"] },
  powerCycleHosts: {},
  quarantineHosts: { powered: [] },
};

/** What it takes that the act is ordered: with one of recovery trials end `locked-up`, with one that looks up or rejects nobody knows how the first measurement ended. */
function termsOf(stuck: StuckAct) {
  let [destroyed, measured] = [0, 0];
  const { acts } = scriptedRecovery(
    ({ step }) =>
      stuck in behindDestroy && step === "destroy-both" && (destroyed += 1) <= 2
        ? { status: "failed", suspects: ["R2"] }
        : {},
    { ...labFacts, migration: stuck === "cancelMigration", ...behindDestroy[stuck] },
  );
  const lookedUp = stuck === "collect" || stuck === "rejectAttempt";
  return {
    recovery: acts,
    outcome: stuck in acts ? ("locked-up" as const) : ("completed" as const),
    measure: () =>
      lookedUp && (measured += 1) === 1
        ? Promise.reject(broken("R1 does not answer", "NoExitStatus"))
        : Promise.resolve(),
  };
}

/** A migration and a trial after it. `hold`: awaited by the act each time before it does anything. */
export function stuckScript(campaignId: string, stuck: StuckAct, hold: () => Promise<unknown>) {
  const { recovery, outcome, measure } = termsOf(stuck);
  const script = scripted(killedPlan(campaignId), {
    measure: () => measure,
    judge: (next) => async (ref, options) => {
      await next(ref, options);
      return { verdict: "valid", outcome };
    },
  });
  return { ...script, activities: held({ ...script.activities, ...recovery }, stuck, hold) };
}

function held(acts: Acts, stuck: StuckAct, hold: () => Promise<unknown>): Acts {
  const all = acts as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  return {
    ...acts,
    [stuck]: async (...args: unknown[]) => {
      await hold();
      return all[stuck]?.(...args);
    },
  };
}
