/** The plan of a campaign: every trial is a row before the first one starts. */
import type { Campaign } from "../model/campaign.ts";
import type { PlannedTrial } from "../model/trial.ts";
import { UsageError } from "../model/usage-error.ts";
import type { Database, Session } from "./database.ts";
import { planDifferences } from "./plan-difference.ts";
import { json, snakeRecord } from "./rows.ts";
import type { PlannedCampaign, Store } from "./store.ts";

type PlanVerbs = Pick<
  Store,
  "putPlan" | "freshCampaignId" | "giveBackCampaignId" | "deleteCampaign"
>;

export const planVerbs = (database: Database): PlanVerbs => ({
  putPlan: (plan) =>
    database.transaction(async (session) => {
      // Waits for another writer of the same id: what is read next is what that one committed.
      if (!(await insertCampaign(session, plan))) {
        await refuseOtherPlan(session, plan);
        return "exists";
      }
      await session.execute("INSERT INTO campaign_id (id) VALUES ($1) ON CONFLICT DO NOTHING", [
        plan.id,
      ]);
      await insertTrials(session, plan);
      return "written";
    }),

  async freshCampaignId(name) {
    for (;;) {
      // Taken by the row, not by looking: two that ask at once get two ids.
      const rows = await database.rows<{ id: string }>(
        `INSERT INTO campaign_id (id)
         SELECT $1 || '-' || n
         FROM generate_series(1, (SELECT count(*) + 1 FROM campaign_id WHERE starts_with(id, $1 || '-'))) AS n
         WHERE NOT EXISTS (SELECT FROM campaign_id WHERE id = $1 || '-' || n)
         ORDER BY n LIMIT 1
         ON CONFLICT DO NOTHING RETURNING id`,
        [name],
      );
      if (rows[0] !== undefined) return rows[0].id;
    }
  },

  async giveBackCampaignId(id) {
    await database.execute(
      "DELETE FROM campaign_id WHERE id = $1 AND NOT EXISTS (SELECT FROM campaign WHERE id = $1)",
      [id],
    );
  },

  async deleteCampaign(id) {
    await database.transaction(async (session) => {
      await session.execute("SET LOCAL statement_timeout = 0");
      await session.execute("DELETE FROM campaign WHERE id = $1", [id]);
    });
  },
});

async function insertCampaign(session: Session, plan: PlannedCampaign): Promise<boolean> {
  const testbeds = await session.rows<{ name: string }>("SELECT name FROM testbed ORDER BY name");
  if (!testbeds.some(({ name }) => name === plan.testbed)) {
    throw new UsageError(
      `campaign "${plan.id}": its testbed "${plan.testbed}" is not in the store; ` +
        `known: ${testbeds.map(({ name }) => name).join(", ") || "none"}`,
    );
  }
  const inserted = await session.execute(
    `INSERT INTO campaign (id, testbed, name, seed, content, plan_hash, omissions, workflow_id,
       temporal_ui, longhaul_version, calibrations)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING`,
    [
      ...[plan.id, plan.testbed, plan.campaign.name, plan.campaign.seed, json(plan.campaign)],
      ...[plan.planHash, json(plan.omissions), plan.workflowId, plan.temporalUi],
      ...[plan.longhaulVersion, json(plan.calibrations)],
    ],
  );
  return inserted === 1;
}

export async function insertTrials(
  session: Session,
  plan: Pick<PlannedCampaign, "id" | "testbed" | "trials">,
): Promise<void> {
  const records = plan.trials.map(({ scenario, ...trial }) =>
    snakeRecord({ ...trial, ...scenario, campaign: plan.id, testbed: plan.testbed }),
  );
  await session.execute(
    `INSERT INTO trial (id, campaign, testbed, kind, element, platform, frame_size_bytes, load,
       intended_fps, of_capacity, direction, fault, repetition, position)
     SELECT id, campaign, testbed, kind, element, platform, frame_size_bytes, load,
       intended_fps, of_capacity, direction, fault, repetition, position
     FROM jsonb_populate_recordset(null::trial, $1)`,
    [json(records)],
  );
}

async function refuseOtherPlan(session: Session, plan: PlannedCampaign): Promise<void> {
  const [stored] = await session.rows<{
    planHash: string;
    earlierPlanHashes: readonly string[];
    testbed: string;
    content: Campaign;
  }>("SELECT plan_hash, earlier_plan_hashes, testbed, content FROM campaign WHERE id = $1", [
    plan.id,
  ]);
  if (stored === undefined || stored.planHash === plan.planHash) return;
  // It was extended since: this is the file that it was planned from.
  if (stored.earlierPlanHashes.includes(plan.planHash)) return;
  const trials = await session.rows<PlannedTrial & { intendedFps: number | null }>(
    "SELECT id, intended_fps FROM trial WHERE campaign = $1 ORDER BY position",
    [plan.id],
  );
  const differences = planDifferences(
    { testbed: stored.testbed, campaign: stored.content, trials },
    {
      testbed: plan.testbed,
      campaign: plan.campaign,
      trials: plan.trials.map(({ id, scenario }) => ({ id, intendedFps: scenario.intendedFps })),
    },
  );
  const more = plan.campaign.repetitions > stored.content.repetitions;
  const isExtension = more && differences.every((line) => line.startsWith("repetitions: "));
  throw new UsageError(
    `campaign "${plan.id}" exists with another plan:\n${differences.map((line) => `  ${line}\n`).join("")}` +
      (isExtension
        ? `\`longhaul extend ${plan.id} --repetitions ${plan.campaign.repetitions}\` adds the repetitions to it; or give this one another --id.`
        : "Give this one another --id, or leave --id away for a new one."),
  );
}
