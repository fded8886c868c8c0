/** A single trial is skipped: its verdict, and the end of what was tried of it, in one transaction. */
import { skipReason } from "../model/skip.ts";
import type { SkipAnswer } from "../model/skip.ts";
import type { TrialState } from "../model/trial.ts";
import type { Database, Session } from "./database.ts";
import { storable } from "./rows.ts";
import type { Store } from "./store.ts";

type SkipVerbs = Pick<Store, "skipTrial">;

interface SkippedRow {
  readonly element: string;
  readonly state: TrialState;
  readonly outcome: string | null;
  readonly reason: string | null;
}

export const skipVerbs = (database: Database): SkipVerbs => ({
  skipTrial: (order, { evenRunning }) =>
    database.transaction(async (session): Promise<SkipAnswer> => {
      // Nobody opens or judges it until the transaction ends; what is being judged now keeps its verdict.
      const [trial] = await session.rows<SkippedRow>(
        "SELECT element, state, outcome, reason FROM trial WHERE id = $1 FOR NO KEY UPDATE",
        [order.trialId],
      );
      if (trial === undefined) return { status: "unknown" };
      const { element, state, outcome, reason } = trial;
      const words = storable(skipReason(order));
      if (state === "running" && !evenRunning) return { status: "running", element };
      if (state === "pending" || state === "running") {
        await skip(session, order.trialId, words);
        return { status: "skipped", element };
      }
      // The same order again, whose answer was lost.
      if (state === "skipped" && reason === words) return { status: "skipped", element };
      return { status: "decided", state, outcome, reason };
    }),
});

async function skip(session: Session, trial: string, words: string): Promise<void> {
  await session.execute(
    "UPDATE trial SET state = 'skipped', reason = $2, ended_at = now() WHERE id = $1",
    [trial, words],
  );
  await session.execute(
    `UPDATE attempt SET verdict = 'invalid', reason = $2, ended_at = now()
     WHERE trial = $1 AND verdict IS NULL`,
    [trial, words],
  );
}
