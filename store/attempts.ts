/** Attempts: opened under a token, described while they run, judged once. */
import type { AttemptRef, TrialState } from "../model/trial.ts";
import { UsageError } from "../model/usage-error.ts";
import type { Database, Session } from "./database.ts";
import { json, storable } from "./rows.ts";
import type { AttemptRow, Store } from "./store.ts";

type AttemptVerbs = Pick<Store, "openAttempt" | "setBootIds" | "setLocation" | "attempts">;

export const attemptVerbs = (database: Database): AttemptVerbs => ({
  openAttempt: (ref) =>
    database.transaction(async (session) => {
      const { trialId, testbed, attempt, token } = ref;
      const raised = await session.execute(
        "UPDATE testbed SET token = $2 WHERE name = $1 AND token <= $2",
        [testbed, token],
      );
      if (raised === 0) return false;
      const { state } = await lockTrial(session, trialId);
      if (state !== "pending" && state !== "running") return false;
      if (await hasLaterAttempt(session, ref)) return false;
      await session.execute(
        `INSERT INTO attempt (trial, attempt, testbed, token) VALUES ($1, $2, $3, $4)
         ON CONFLICT (trial, attempt) DO UPDATE SET token = $4`,
        [trialId, attempt, testbed, token],
      );
      await session.execute(
        "UPDATE trial SET state = 'running', started_at = coalesce(started_at, now()) WHERE id = $1",
        [trialId],
      );
      return true;
    }),

  setBootIds: (ref, bootIds) => describe(database, ref, "boot_ids", json(bootIds)),

  setLocation: (ref, location) => describe(database, ref, "location", storable(location)),

  attempts: (trial) =>
    database.rows<AttemptRow>(
      `SELECT attempt, token, boot_ids, verdict, outcome, reason, cut, location, started_at, ended_at
       FROM attempt WHERE trial = $1 ORDER BY attempt`,
      [trial],
    ),
});

/** Nobody else opens, judges or skips the trial until the transaction ends. */
export async function lockTrial(session: Session, trial: string): Promise<{ state: TrialState }> {
  const [row] = await session.rows<{ state: TrialState }>(
    "SELECT state FROM trial WHERE id = $1 FOR NO KEY UPDATE",
    [trial],
  );
  if (row === undefined) throw new UsageError(`trial "${trial}" is not in the store`);
  return row;
}

export async function hasLaterAttempt(session: Session, ref: AttemptRef): Promise<boolean> {
  const rows = await session.rows("SELECT 1 FROM attempt WHERE trial = $1 AND attempt > $2", [
    ref.trialId,
    ref.attempt,
  ]);
  return rows.length > 0;
}

async function describe(
  database: Database,
  { trialId, attempt, token }: AttemptRef,
  column: "boot_ids" | "location",
  value: string,
): Promise<void> {
  const changed = await database.execute(
    `UPDATE attempt SET ${column} = $4 WHERE trial = $1 AND attempt = $2 AND token = $3`,
    [trialId, attempt, token, value],
  );
  if (changed === 0) throw notOpen({ trialId, attempt, token });
}

/** The writer of an attempt that was never opened, or whose token another one has raised. */
export const notOpen = ({
  trialId,
  attempt,
  token,
}: Pick<AttemptRef, "trialId" | "attempt" | "token">): Error =>
  new Error(`${trialId}: attempt ${attempt} is not open under token ${token}: nothing was stored`);
