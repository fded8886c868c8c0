/** The verdict on an attempt and, when it decides, on its trial: one transaction. */
import type { AttemptRef, LedgerRow } from "../model/trial.ts";
import { hasLaterAttempt, lockTrial } from "./attempts.ts";
import type { Database, Session } from "./database.ts";
import { json, storable } from "./rows.ts";
import type { Store } from "./store.ts";

type Judgement = Parameters<Store["judge"]>[1];
type JudgementVerbs = Pick<Store, "judge" | "ledger" | "ledgers">;

export const judgementVerbs = (database: Database): JudgementVerbs => ({
  async judge(ref, judgement) {
    await database.transaction(async (session) => {
      const { state } = await lockTrial(session, ref.trialId);
      if (!(await judgeAttempt(session, ref, judgement))) return;
      await writeLedger(session, ref, judgement.ledger);
      if (state !== "pending" && state !== "running") return;
      // An attempt that was given up as unknown cannot decide once the next one is open.
      if (await hasLaterAttempt(session, ref)) return;
      if (judgement.verdict.verdict === "valid" || judgement.final) {
        await closeTrial(session, ref, judgement);
      } else {
        await session.execute(
          "UPDATE trial SET state = 'running', started_at = coalesce(started_at, now()) WHERE id = $1",
          [ref.trialId],
        );
      }
    });
  },

  ledger: (trial, attempt) =>
    database.rows<LedgerRow>(
      "SELECT place, frames FROM ledger WHERE trial = $1 AND attempt = $2 ORDER BY ordinal",
      [trial, attempt],
    ),

  async ledgers(campaign) {
    const rows = await database.rows<LedgerRow & { trial: string }>(
      `SELECT trial.id AS trial, place, frames
       FROM trial JOIN ledger ON ledger.trial = trial.id AND ledger.attempt = trial.judged_attempt
       WHERE trial.campaign = $1 AND trial.state = 'valid' ORDER BY trial.position, ordinal`,
      [campaign],
    );
    const ledgers = new Map<string, LedgerRow[]>();
    for (const { trial, place, frames } of rows) {
      const ledger = ledgers.get(trial) ?? [];
      ledger.push({ place, frames });
      ledgers.set(trial, ledger);
    }
    return ledgers;
  },
});

/**
 * False: the attempt has its verdict, or is under a higher token, and keeps what it has. An attempt
 * rejected before it was opened gets its row here.
 */
async function judgeAttempt(
  session: Session,
  { trialId, testbed, attempt, token }: AttemptRef,
  { verdict }: Judgement,
): Promise<boolean> {
  const valid = verdict.verdict === "valid";
  const changed = await session.execute(
    `INSERT INTO attempt (trial, attempt, testbed, token, verdict, outcome, reason, cut, ended_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now())
     ON CONFLICT (trial, attempt) DO UPDATE
       SET verdict = $5, outcome = $6, reason = $7, cut = $8, ended_at = now()
       WHERE attempt.verdict IS NULL AND attempt.token <= $4`,
    [
      ...[trialId, attempt, testbed, token, verdict.verdict],
      ...(valid ? [verdict.outcome, null, false] : [null, storable(verdict.reason), verdict.cut]),
    ],
  );
  return changed === 1;
}

async function writeLedger(
  session: Session,
  { trialId, testbed, attempt }: AttemptRef,
  ledger: readonly LedgerRow[],
): Promise<void> {
  await session.execute(
    `INSERT INTO ledger (trial, attempt, testbed, ordinal, place, frames)
     SELECT $1, $2, $3, ordinal, place, frames
     FROM unnest($4::text[], $5::bigint[]) WITH ORDINALITY AS given (place, frames, ordinal)
     ON CONFLICT DO NOTHING`,
    [trialId, attempt, testbed, ledger.map((row) => row.place), ledger.map((row) => row.frames)],
  );
}

async function closeTrial(
  session: Session,
  { trialId, attempt }: AttemptRef,
  { verdict, results, doubts }: Judgement,
): Promise<void> {
  const valid = verdict.verdict === "valid";
  await session.execute(
    `UPDATE trial SET state = $2, outcome = $3, reason = $4, judged_attempt = $5, results = $6,
       doubts = $7, started_at = coalesce(started_at, now()), ended_at = now()
     WHERE id = $1`,
    [
      ...[trialId, verdict.verdict, valid ? verdict.outcome : null],
      ...[valid ? null : storable(verdict.reason), attempt, json(results), json(doubts)],
    ],
  );
}
