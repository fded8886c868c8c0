/** More repetitions of a planned campaign: its content and its rows are raised in one transaction. */
import type { Campaign } from "../model/campaign.ts";
import type { ExtendAnswer, ExtendOrder } from "../model/extension.ts";
import { expandPlan, type Plan } from "../model/plan.ts";
import type { TestbedFile } from "../model/testbed-file.ts";
import { testbedFacts } from "../model/testbed-limits.ts";
import type { Calibration } from "../model/testbed.ts";
import type { CampaignState } from "../model/trial.ts";
import { UsageError } from "../model/usage-error.ts";
import type { Database, Session } from "./database.ts";
import { insertTrials } from "./plan.ts";
import { json, storable } from "./rows.ts";
import type { Store } from "./store.ts";

type ExtensionVerbs = Pick<Store, "extendCampaign">;

interface StoredPlan {
  readonly state: CampaignState;
  readonly testbed: string;
  readonly file: TestbedFile;
  readonly content: Campaign;
  readonly planHash: string;
  /** null: planned by a Longhaul that did not keep them. */
  readonly calibrations: readonly Calibration[] | null;
}

export const extensionVerbs = (database: Database): ExtensionVerbs => ({
  extendCampaign: (order) =>
    database.transaction(async (session): Promise<ExtendAnswer> => {
      const { campaignId, repetitions } = order;
      const [stored] = await session.rows<StoredPlan>(
        `SELECT c.state, c.testbed, t.content AS file, c.content, c.plan_hash, c.calibrations
         FROM campaign c JOIN testbed t ON t.name = c.testbed WHERE c.id = $1 FOR UPDATE OF c`,
        [campaignId],
      );
      if (stored === undefined) return refused("is not in the store");
      if (stored.state === "cancelled")
        return refused(
          "was cancelled: what it skipped has its verdict, and verdicts are never taken back; plan a new campaign for more repetitions",
        );
      const now = stored.content.repetitions;
      if (repetitions < now)
        return refused(
          `has ${now} repetitions planned; ${repetitions} would take planned trials away`,
        );
      const ids = await plannedIds(session, campaignId);
      if (repetitions === now) return { status: "extended", planned: ids.length, added: 0 };
      const plan = planned(stored, order);
      if (plan instanceof UsageError) return refused(`cannot be extended: ${plan.message}`);
      const changed = ids.findIndex((id, position) => id !== plan.trials[position]?.id);
      if (changed >= 0)
        return refused(
          `would be planned otherwise today (trial ${changed} is ${ids[changed]} in the store, ${plan.trials[changed]?.id ?? "missing"} now): its testbed has changed since; plan a new campaign`,
        );
      const added = plan.trials.slice(ids.length);
      await insertTrials(session, { id: campaignId, testbed: stored.testbed, trials: added });
      await takeOverCapacities(session, campaignId);
      await raise(session, order, stored, plan);
      return { status: "extended", planned: plan.trials.length, added: added.length };
    }),
});

const refused = (why: string): ExtendAnswer => ({ status: "refused", why });

async function plannedIds(session: Session, campaign: string): Promise<readonly string[]> {
  const rows = await session.rows<{ id: string }>(
    "SELECT id FROM trial WHERE campaign = $1 ORDER BY position",
    [campaign],
  );
  return rows.map(({ id }) => id);
}

/** The plan with more blocks behind; a `UsageError`: the testbed, as its file stands now, cannot do it. */
function planned(
  { file, content, calibrations }: StoredPlan,
  { campaignId, repetitions }: ExtendOrder,
): Plan | UsageError {
  try {
    const facts = testbedFacts(file, calibrations);
    return expandPlan({ ...content, repetitions }, facts, campaignId);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
}

/** A load that was resolved once stays: all repetitions of a scenario have the same one, and the verdict of one that was beyond the testbed. */
async function takeOverCapacities(session: Session, campaign: string): Promise<void> {
  await session.execute(
    `UPDATE trial AS added SET intended_fps = known.intended_fps
     FROM (SELECT DISTINCT platform, frame_size_bytes, of_capacity, intended_fps FROM trial
           WHERE campaign = $1 AND of_capacity IS NOT NULL AND intended_fps IS NOT NULL) AS known
     WHERE added.campaign = $1 AND added.intended_fps IS NULL
       AND added.platform = known.platform AND added.frame_size_bytes = known.frame_size_bytes
       AND added.of_capacity = known.of_capacity`,
    [campaign],
  );
  await session.execute(
    `UPDATE trial AS added
     SET state = known.state, reason = known.reason, ended_at = now(), beyond_testbed = true
     FROM (SELECT DISTINCT ON (platform, frame_size_bytes, of_capacity) * FROM trial
           WHERE campaign = $1 AND beyond_testbed) AS known
     WHERE added.campaign = $1 AND added.state = 'pending' AND NOT added.beyond_testbed
       AND added.platform = known.platform AND added.frame_size_bytes = known.frame_size_bytes
       AND added.of_capacity = known.of_capacity`,
    [campaign],
  );
}

async function raise(
  session: Session,
  { campaignId, repetitions, by }: ExtendOrder,
  { testbed, content }: StoredPlan,
  plan: Plan,
): Promise<void> {
  await session.execute(
    `UPDATE campaign SET content = $2, plan_hash = $3,
       earlier_plan_hashes = earlier_plan_hashes || plan_hash,
       state = CASE WHEN state = 'completed' THEN 'planned' ELSE state END,
       reason = CASE WHEN state = 'completed' THEN NULL ELSE reason END,
       ended_at = NULL
     WHERE id = $1`,
    [campaignId, json({ ...content, repetitions }), plan.hash],
  );
  await session.execute(
    `INSERT INTO event (key, testbed, campaign, kind, content)
     VALUES ($1, $2, $3, 'extended', $4) ON CONFLICT DO NOTHING`,
    [
      ...[`campaign/${campaignId} extended to ${repetitions}`, testbed, campaignId],
      json({ from: content.repetitions, to: repetitions, by: storable(by) }),
    ],
  );
}
