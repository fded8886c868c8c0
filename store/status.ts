/** Where campaigns stand: one statement, so one snapshot, in which the ledger's sum holds. */
import type { Campaign } from "../model/campaign.ts";
import type { KindPace } from "../model/pace.ts";
import type { Calibration } from "../model/testbed.ts";
import type { Omission } from "../model/trial.ts";
import type { Database } from "./database.ts";
import type { CampaignStatus, Store } from "./store.ts";

interface StatusRow extends Omit<CampaignStatus, "campaign" | "verdicts" | "queue"> {
  readonly id: string;
  readonly valid: number;
  readonly invalid: number;
  readonly skipped: number;
  /** 0: it is not queued. */
  readonly place: number;
  readonly heldBy: string | null;
  readonly queuedAt: string | null;
  readonly content: Campaign;
  readonly omissions: readonly Omission[];
  readonly seed: number;
  readonly planHash: string;
  readonly longhaulVersion: string;
  readonly calibrations: readonly Calibration[] | null;
}

const statusSql = (where: string): string => `
  SELECT c.*, counts.*, outcomes.*, work.*, recovered.*, running.current, in_queue.*
  FROM campaign c
  CROSS JOIN LATERAL (
    SELECT count(*) AS planned,
      count(*) FILTER (WHERE state = 'valid') AS valid,
      count(*) FILTER (WHERE state = 'invalid') AS invalid,
      count(*) FILTER (WHERE state = 'skipped') AS skipped,
      count(*) FILTER (WHERE state = 'pending') AS pending,
      count(*) FILTER (WHERE state = 'running') AS running
    FROM trial WHERE campaign = c.id) AS counts
  CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(outcome, n), '{}') AS outcomes
    FROM (SELECT outcome, count(*) AS n FROM trial
          WHERE campaign = c.id AND outcome IS NOT NULL GROUP BY outcome) AS by_outcome) AS outcomes
  CROSS JOIN LATERAL (
    SELECT count(*) AS attempts FROM attempt JOIN trial ON trial.id = attempt.trial
    WHERE trial.campaign = c.id) AS work
  CROSS JOIN LATERAL (
    SELECT count(*) AS recoveries FROM event
    WHERE event.campaign = c.id AND event.kind = 'recovery') AS recovered
  LEFT JOIN LATERAL (
    SELECT jsonb_build_object('trial', t.id, 'attempt', a.attempt,
      'step', coalesce(s.name, 'starting'), 'outcome', s.outcome, 'detail', left(s.detail, 300),
      'since', to_char(s.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS current
    FROM trial t
    JOIN attempt a ON a.trial = t.id
    LEFT JOIN step s ON s.trial = t.id AND s.attempt = a.attempt
    WHERE t.campaign = c.id AND t.state = 'running'
    ORDER BY a.started_at DESC, a.attempt DESC, s.started_at DESC, s.retry DESC LIMIT 1) AS running ON true
  LEFT JOIN LATERAL (
    SELECT count(*) AS place,
      (SELECT h.id FROM campaign h
       WHERE h.testbed = c.testbed AND h.state IN ('running', 'paused', 'waiting')
       ORDER BY h.started_at DESC LIMIT 1) AS held_by
    FROM campaign o
    WHERE c.state = 'queued' AND o.state = 'queued' AND o.testbed = c.testbed
      AND (o.queued_at, o.id) <= (c.queued_at, c.id)) AS in_queue ON true
  ${where}`;

type StatusVerbs = Pick<Store, "status" | "allStatus" | "pace" | "campaign">;

export const statusVerbs = (database: Database): StatusVerbs => ({
  async status(id) {
    const [row] = await database.rows<StatusRow>(statusSql("WHERE c.id = $1"), [id]);
    return row === undefined ? null : statusOf(row);
  },

  async allStatus() {
    const rows = await database.rows<StatusRow>(statusSql("ORDER BY c.planned_at, c.id"));
    return rows.map(statusOf);
  },

  pace: (campaign) =>
    database.rows<KindPace>(
      `SELECT kind, count(*) FILTER (WHERE state IN ('pending', 'running')) AS open,
         percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - started_at))
           FILTER (WHERE state <> 'skipped' AND ended_at IS NOT NULL)::float8 AS median_seconds
       FROM trial WHERE campaign = $1 GROUP BY kind ORDER BY kind`,
      [campaign],
    ),

  async campaign(id) {
    const [row] = await database.rows<StatusRow>(statusSql("WHERE c.id = $1"), [id]);
    if (row === undefined) return null;
    const { content, omissions, seed, planHash, longhaulVersion, calibrations } = row;
    return { ...statusOf(row), content, omissions, seed, planHash, longhaulVersion, calibrations };
  },
});

function statusOf(row: StatusRow): CampaignStatus {
  const { id, valid, invalid, skipped, place, heldBy, queuedAt } = row;
  return {
    campaign: id,
    testbed: row.testbed,
    state: row.state,
    reason: row.reason,
    planned: row.planned,
    verdicts: { valid, invalid, skipped },
    pending: row.pending,
    running: row.running,
    outcomes: row.outcomes,
    attempts: row.attempts,
    recoveries: row.recoveries,
    workflowId: row.workflowId,
    temporalUi: row.temporalUi,
    plannedAt: row.plannedAt,
    startedAt: row.startedAt,
    endedAt: row.endedAt,
    queue: place === 0 || queuedAt === null ? null : { place, heldBy, since: queuedAt },
    current: row.current,
  };
}
