/** Runs of the ladder of recovery, and hosts in quarantine. What each rung did is an event of kind `rung`. */
import type { Quarantine } from "../model/ladder.ts";
import type { AttemptRef } from "../model/trial.ts";
import type { Database } from "./database.ts";
import { storable } from "./rows.ts";

export interface RecoveryRow {
  readonly id: string;
  readonly testbed: string;
  readonly campaign: string;
  readonly trial: string;
  readonly attempt: number;
  readonly why: string;
  /** Now tried; null once the run has ended. */
  readonly step: string | null;
  readonly stepHosts: readonly string[];
  readonly stepSince: string | null;
  /** null while it runs. */
  readonly outcome: RecoveryOutcome | null;
  /** The highest rung that had to be climbed. */
  readonly rung: string | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
}
export type RecoveryOutcome = "recovered" | "exhausted" | "superseded" | "cancelled";

export interface QuarantineRow extends Quarantine {
  readonly isolated: boolean;
  readonly recovery: string;
  readonly since: string;
}

export interface HealthRow {
  readonly status: string;
  readonly words: string;
  readonly at: string;
}

export interface RecoveryVerbs {
  /** Says which step is tried now, by the database's clock; opens the run's row at its first step. A run that ended stays ended. */
  putRecoveryStep(
    ref: AttemptRef,
    now: { id: string; why: string; step: string; hosts: readonly string[] },
  ): Promise<void>;
  /** Ended now, by the clock that stamps attempts as well. Idempotent; a run that has ended keeps its end. */
  endRecovery(id: string, end: { outcome: RecoveryOutcome; rung: string | null }): Promise<void>;
  /** Of any campaign on this testbed, the one that began last; null: there was none. `outcome` null: it has no end. */
  lastRecovery(testbed: string): Promise<Pick<RecoveryRow, "id" | "outcome"> | null>;
  /** How often recovery power-cycled each host of the testbed: not after trials with a planned fault, and not before a person last released it. */
  powerCycles(
    testbed: string,
    withinHours: number,
  ): Promise<readonly { readonly host: string; readonly cycles: number }[]>;
  /** In the order in which they began. */
  recoveries(campaign: string): Promise<readonly RecoveryRow[]>;
  /** Of its recoveries; null: there was none. */
  lastHealthTrial(campaign: string): Promise<HealthRow | null>;
  /** Whether a recovery ended on the testbed since the last attempt before this one began. */
  isAfterRecovery(ref: AttemptRef): Promise<boolean>;

  /** Idempotent: what the first recovery says of it stays; that one may say it anew. */
  putQuarantine(testbed: string, quarantine: QuarantineRow): Promise<void>;
  quarantines(testbed: string): Promise<readonly QuarantineRow[]>;
  /** Lets these hosts take part again. @returns those that were in quarantine. */
  releaseHosts(testbed: string, hosts: readonly string[]): Promise<readonly string[]>;
}

export const recoveryVerbs = (database: Database): RecoveryVerbs => ({
  async putRecoveryStep({ testbed, campaignId, trialId, attempt }, { id, why, step, hosts }) {
    await database.execute(
      `INSERT INTO recovery (id, testbed, campaign, trial, attempt, why, step, step_hosts, step_since, started_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now(), now())
       ON CONFLICT (id) DO UPDATE SET step = $7, step_hosts = $8, step_since = now()
         WHERE recovery.ended_at IS NULL`,
      [id, testbed, campaignId, trialId, attempt, storable(why), step, [...hosts]],
    );
  },

  async endRecovery(id, { outcome, rung }) {
    await database.execute(
      `UPDATE recovery SET outcome = $2, rung = $3, ended_at = now(), step = NULL, step_hosts = '{}', step_since = NULL
       WHERE id = $1 AND ended_at IS NULL`,
      [id, outcome, rung],
    );
  },

  async lastRecovery(testbed) {
    const [row] = await database.rows<Pick<RecoveryRow, "id" | "outcome">>(
      "SELECT id, outcome FROM recovery WHERE testbed = $1 ORDER BY started_at DESC, id DESC LIMIT 1",
      [testbed],
    );
    return row ?? null;
  },

  powerCycles: (testbed, withinHours) =>
    database.rows(
      `SELECT cycled.host, count(*)::integer AS cycles
       FROM event e LEFT JOIN trial t ON t.id = e.trial,
         jsonb_array_elements_text(e.content->'hosts') AS cycled (host)
       WHERE e.testbed = $1 AND e.kind = 'rung' AND e.content->>'step' = 'power-cycle'
         AND e.at > now() - make_interval(hours => $2) AND t.fault IS NULL
         AND NOT EXISTS (
           SELECT 1 FROM event r WHERE r.testbed = $1 AND r.kind = 'release'
             AND r.at > e.at AND jsonb_exists(r.content->'hosts', cycled.host))
       GROUP BY cycled.host ORDER BY cycled.host`,
      [testbed, withinHours],
    ),

  recoveries: (campaign) =>
    database.rows<RecoveryRow>(
      "SELECT * FROM recovery WHERE campaign = $1 ORDER BY started_at, id",
      [campaign],
    ),

  async lastHealthTrial(campaign) {
    const [row] = await database.rows<HealthRow>(
      `SELECT content->>'status' AS status, content->>'words' AS words, at FROM event
       WHERE campaign = $1 AND kind = 'rung' AND content->>'step' = 'health'
       ORDER BY at DESC, key DESC LIMIT 1`,
      [campaign],
    );
    return row ?? null;
  },

  async isAfterRecovery({ testbed, trialId, attempt }) {
    const rows = await database.rows(
      `SELECT 1 FROM attempt mine
       JOIN recovery r ON r.testbed = $1 AND r.ended_at <= mine.started_at
       WHERE mine.trial = $2 AND mine.attempt = $3 AND NOT EXISTS (
         SELECT 1 FROM attempt other
         WHERE other.testbed = $1 AND (other.trial, other.attempt) <> (mine.trial, mine.attempt)
           AND other.started_at >= r.ended_at AND other.started_at < mine.started_at)
       LIMIT 1`,
      [testbed, trialId, attempt],
    );
    return rows.length > 0;
  },

  async putQuarantine(testbed, { host, reason, isolated, recovery, since }) {
    await database.execute(
      `INSERT INTO quarantine (testbed, host, reason, isolated, recovery, since)
       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (testbed, host) DO UPDATE
         SET reason = $3, isolated = $4 WHERE quarantine.recovery = $5`,
      [testbed, host, storable(reason), isolated, recovery, since],
    );
  },

  quarantines: (testbed) =>
    database.rows<QuarantineRow>(
      "SELECT host, reason, isolated, recovery, since FROM quarantine WHERE testbed = $1 ORDER BY host",
      [testbed],
    ),

  async releaseHosts(testbed, hosts) {
    const rows = await database.rows<{ host: string }>(
      "DELETE FROM quarantine WHERE testbed = $1 AND host = ANY ($2) RETURNING host",
      [testbed, [...hosts]],
    );
    return rows.map(({ host }) => host).sort();
  },
});
