/** A look over a whole campaign that has ended, for rows that contradict each other or belong to nothing. */
import type { Database } from "./database.ts";

export interface Anomaly {
  readonly what: string;
  readonly trial: string | null;
  readonly attempt: number | null;
}

/** Every select names one thing that must not be; all of one campaign. */
const looks: readonly string[] = [
  `SELECT 'trial without a verdict' AS what, t.id AS trial, NULL::integer AS attempt
   FROM mine t WHERE t.state NOT IN ('valid', 'invalid', 'skipped')`,
  `SELECT 'attempt without a verdict', a.trial, a.attempt
   FROM attempt a JOIN mine t ON t.id = a.trial WHERE a.verdict IS NULL`,
  `SELECT 'more than one valid attempt', a.trial, max(a.attempt)
   FROM attempt a JOIN mine t ON t.id = a.trial WHERE a.verdict = 'valid'
   GROUP BY a.trial HAVING count(*) > 1`,
  `SELECT 'attempt numbers with gaps', a.trial, max(a.attempt)
   FROM attempt a JOIN mine t ON t.id = a.trial
   GROUP BY a.trial HAVING max(a.attempt) <> count(*)`,
  `SELECT 'verdict of another attempt than the last', t.id, t.judged_attempt
   FROM mine t WHERE t.state IN ('valid', 'invalid')
     AND t.judged_attempt IS DISTINCT FROM (SELECT max(attempt) FROM attempt a WHERE a.trial = t.id)`,
  `SELECT 'trial and judged attempt differ', t.id, t.judged_attempt
   FROM mine t JOIN attempt a ON a.trial = t.id AND a.attempt = t.judged_attempt
   WHERE a.verdict <> t.state OR a.outcome IS DISTINCT FROM t.outcome`,
  ...["measurement", "provenance", "ledger", "counter_series"].map(
    (table) => `SELECT 'valid attempt without a row of ${table}', a.trial, a.attempt
   FROM attempt a JOIN mine t ON t.id = a.trial WHERE a.verdict = 'valid'
     AND NOT EXISTS (SELECT 1 FROM ${table} r WHERE r.trial = a.trial AND r.attempt = a.attempt)`,
  ),
  // Of the tables that name an attempt, these alone may do so without one: the others refer to it by a foreign key.
  `SELECT DISTINCT 'step of no attempt', r.trial, r.attempt
   FROM step r JOIN mine t ON t.id = r.trial
   WHERE NOT EXISTS (SELECT 1 FROM attempt a WHERE a.trial = r.trial AND a.attempt = r.attempt)`,
  `SELECT 'event of no attempt', e.trial, e.attempt FROM event e
   WHERE e.campaign = $1 AND e.trial IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.trial = e.trial AND a.attempt = coalesce(e.attempt, a.attempt))`,
  `SELECT 'place twice in one ledger', l.trial, l.attempt
   FROM ledger l JOIN mine t ON t.id = l.trial
   GROUP BY l.trial, l.attempt, l.place HAVING count(*) > 1`,
  `SELECT 'token of another attempt', a.trial, a.attempt
   FROM attempt a JOIN mine t ON t.id = a.trial
   WHERE EXISTS (SELECT 1 FROM attempt b WHERE b.testbed = a.testbed AND b.token = a.token
     AND (b.trial, b.attempt) <> (a.trial, a.attempt))`,
  `SELECT 'recovery without an end', r.trial, r.attempt
   FROM recovery r WHERE r.campaign = $1 AND r.ended_at IS NULL`,
  `SELECT 'recovery of no attempt', r.trial, r.attempt FROM recovery r
   WHERE r.campaign = $1
     AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.trial = r.trial AND a.attempt = r.attempt)`,
];

const auditSql = `WITH mine AS (SELECT * FROM trial WHERE campaign = $1)
${looks.join("\nUNION ALL\n")}`;

/** Empty for a campaign whose rows agree. */
export const audit = (
  database: Pick<Database, "rows">,
  campaign: string,
): Promise<readonly Anomaly[]> => database.rows<Anomaly>(auditSql, [campaign]);
