/** How a campaign's state changes. */
import { UsageError } from "../model/usage-error.ts";
import type { Database } from "./database.ts";
import { storable, storableOrNull } from "./rows.ts";
import type { BegunCampaign, Store } from "./store.ts";

type CampaignVerbs = Pick<Store, "begunCampaigns" | "setCampaignState" | "cancelCampaign">;

export const campaignVerbs = (database: Database): CampaignVerbs => ({
  async setCampaignState(id, state, reason = null, queuedAt = null) {
    // A cancelled campaign stays so, whatever a workflow that was cut off still reports.
    const changed = await database.execute(
      `UPDATE campaign SET
         state = $2, reason = $3,
         started_at = CASE WHEN $2 = 'running' THEN coalesce(started_at, now()) ELSE started_at END,
         ended_at = CASE WHEN $2 IN ('completed', 'cancelled') THEN coalesce(ended_at, now()) END,
         queued_at = CASE WHEN $2 = 'queued' THEN coalesce($4, queued_at, now()) END
       WHERE id = $1 AND (state <> 'cancelled' OR $2 = 'cancelled')`,
      [id, state, storableOrNull(reason), queuedAt],
    );
    if (changed === 0) await requireCampaign(database, id);
  },

  begunCampaigns: () =>
    database.rows<BegunCampaign>(
      `SELECT id, testbed, state, reason, (content->>'attemptLimit')::int AS attempt_limit,
         (SELECT count(*) FROM trial WHERE trial.campaign = campaign.id) AS planned
       FROM campaign WHERE state IN ('running', 'paused', 'waiting', 'queued')
       ORDER BY state = 'queued', queued_at, started_at, id`,
    ),

  async cancelCampaign(id, by) {
    await database.transaction(async (session) => {
      const ended = await session.execute(
        `UPDATE campaign SET state = 'cancelled', reason = $2, ended_at = now(), queued_at = NULL
         WHERE id = $1 AND state NOT IN ('cancelled', 'completed')`,
        [id, `cancelled by ${storable(by)}`],
      );
      if (ended === 0) {
        await requireCampaign(session, id);
        return;
      }
      const reason = `campaign cancelled by ${storable(by)}`;
      // A trial that is being judged is waited for; its verdict stands.
      await session.execute(
        `UPDATE trial SET state = 'skipped', reason = $2, ended_at = now()
         WHERE campaign = $1 AND state IN ('pending', 'running')`,
        [id, reason],
      );
      await session.execute(
        `UPDATE attempt SET verdict = 'invalid', reason = $2, ended_at = now()
         FROM trial WHERE trial.id = attempt.trial AND trial.campaign = $1 AND attempt.verdict IS NULL`,
        [id, reason],
      );
    });
  },
});

async function requireCampaign(session: Pick<Database, "rows">, id: string): Promise<void> {
  const rows = await session.rows("SELECT 1 FROM campaign WHERE id = $1", [id]);
  if (rows.length === 0) throw new UsageError(`campaign "${id}" is not in the store`);
}
