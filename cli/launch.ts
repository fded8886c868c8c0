/** Puts a campaign on its way: testbed taken, plan written, workflow started. Each step may be repeated. */
import { WithStartWorkflowOperation, type Client } from "@temporalio/client";
import { defineSearchAttributeKey, TypedSearchAttributes } from "@temporalio/common";
import { expandPlan, type Plan } from "../model/plan.ts";
import { campaignWorkflowId, lockWorkflowId, taskQueue } from "../model/search-attributes.ts";
import { testbedFacts } from "../model/testbed-limits.ts";
import { epochOf } from "../model/tokens.ts";
import { durationText } from "../report/number-text.ts";
import type { CampaignStatus, Store } from "../store/store.ts";
import type { campaign as campaignWorkflow } from "../workflows/campaign.ts";
import type { LockAnswer, LockRequest } from "../workflows/messages.ts";
import type { testbedLock } from "../workflows/testbed-lock.ts";
import { holdsTestbed } from "./campaign-json.ts";
import type { RunFiles } from "./run-files.ts";

/** A worker takes up a new testbed's queue within seconds, and loads its workflows first. */
const lockDeadlineMs = 60_000;

/** Another campaign that has begun, and not ended, on what this one needs; null: none. */
export async function holderOf(
  store: Pick<Store, "allStatus" | "testbeds">,
  { testbed }: RunFiles,
  id: string | null,
): Promise<CampaignStatus | null> {
  const kinds = new Map((await store.testbeds()).map(({ name, kind }) => [name, kind]));
  // A state folder has one lab, whatever its testbed files call it.
  const shared = (name: string) =>
    name === testbed.name || (testbed.kind === "lab" && kinds.get(name) === "lab");
  const all = await store.allStatus();
  const holds = (status: CampaignStatus) => shared(status.testbed) && holdsTestbed(status);
  return all.find((status) => status.campaign !== id && holds(status)) ?? null;
}

export const busy = (testbed: string, holder: string): Error =>
  new Error(
    `testbed ${testbed} is busy: campaign ${holder} holds it; \`longhaul status ${holder}\` shows how long, \`longhaul cancel ${holder}\` ends it; with --queue this one waits its turn`,
  );

/** Takes the testbed for the campaign before its workflow does, so that a busy one is known before anything is planned. Null: it is taken; otherwise its holder's id. */
export async function takeTestbed(
  client: Client,
  store: Pick<Store, "testbed">,
  testbed: string,
  id: string,
): Promise<string | null> {
  const { token } = (await store.testbed(testbed)) ?? { token: 0 };
  const epochFloor = epochOf(token);
  const request: LockRequest = { holder: campaignWorkflowId(id), epochFloor, renew: false };
  const answer = await client
    .withDeadline(Date.now() + lockDeadlineMs, () =>
      client.workflow.executeUpdateWithStart<typeof testbedLock, LockAnswer, [LockRequest]>(
        "acquire",
        {
          args: [request],
          startWorkflowOperation: new WithStartWorkflowOperation<typeof testbedLock>(
            "testbedLock",
            {
              workflowId: lockWorkflowId(testbed),
              workflowIdConflictPolicy: "USE_EXISTING",
              taskQueue: taskQueue(testbed),
              args: [{ testbed, holder: null, epoch: epochFloor }],
              staticSummary: `lock of the testbed ${testbed}`,
            },
          ),
        },
      ),
    )
    .catch((cause: unknown) => {
      throw new Error(
        `testbed ${testbed}: its lock did not answer within ${lockDeadlineMs / 1000} s; \`longhaul status\` shows the worker, \`longhaul logs worker\` why`,
        { cause },
      );
    });
  return answer.status === "granted" ? null : answer.heldBy.replace(/^campaign\//, "");
}

/** Gives back what `takeTestbed` took, when the campaign could not be started after it. */
export async function letTestbedGo(client: Client, testbed: string, id: string): Promise<void> {
  await client.workflow
    .getHandle(lockWorkflowId(testbed))
    .executeUpdate<boolean, [string]>("release", { args: [campaignWorkflowId(id)] });
}

/**
 * A campaign that exists is planned with the calibrations that it was planned with before: a later
 * calibration of the generator makes no other plan of the same files.
 * @throws {UsageError} a load beyond the calibration, or the id exists with another plan.
 */
export async function writePlan(
  store: Pick<Store, "campaign" | "calibrations" | "putPlan">,
  { campaign, testbed }: Pick<RunFiles, "campaign" | "testbed">,
  id: string,
  stored: { readonly temporalUi: string | null; readonly longhaulVersion: string },
): Promise<Plan> {
  const found = await store.campaign(id);
  const calibrations = found?.calibrations ?? (await store.calibrations(testbed.name));
  const facts = testbedFacts(testbed, calibrations);
  const plan = expandPlan(campaign, facts, id);
  await store.putPlan({
    id,
    testbed: testbed.name,
    campaign,
    planHash: plan.hash,
    omissions: plan.omissions,
    trials: plan.trials,
    workflowId: campaignWorkflowId(id),
    calibrations,
    ...stored,
  });
  const repetitions = found?.content.repetitions ?? campaign.repetitions;
  // One that was extended since has more of them than the file that it was planned from.
  return repetitions === campaign.repetitions
    ? plan
    : expandPlan({ ...campaign, repetitions }, facts, id);
}

/** Starts the campaign's workflow; one that runs already is left as it is. */
export async function startCampaign(
  client: Client,
  { campaign, testbed }: RunFiles,
  id: string,
  plan: Plan,
  queue: boolean,
): Promise<void> {
  const repetitions = plan.trials.at(-1)?.repetition ?? 0;
  const facts = [
    `${plan.trials.length} trials in ${repetitions} ${repetitions === 1 ? "repetition" : "repetitions"}`,
    `seed ${campaign.seed}`,
    `about ${durationText(plan.estimate.seconds)}`,
    ...(plan.omissions.length > 0 ? [`${plan.omissions.length} scenarios omitted`] : []),
  ];
  await client.workflow.start<typeof campaignWorkflow>("campaign", {
    workflowId: campaignWorkflowId(id),
    workflowIdConflictPolicy: "USE_EXISTING",
    taskQueue: taskQueue(testbed.name),
    args: [
      {
        ...{ campaignId: id, testbed: testbed.name, attemptLimit: campaign.attemptLimit },
        ...(queue ? { queue } : {}),
        carried: null,
      },
    ],
    staticSummary: `${id}: ${plan.trials.length} trials on ${testbed.name}`.slice(0, 180),
    staticDetails: [
      `# Campaign ${id}`,
      ...facts.map((fact) => `- ${fact}`),
      `- platforms: ${[...new Set(plan.trials.map(({ scenario }) => scenario.platform))].join(", ")}`,
      "",
      `Where it stands: \`longhaul status ${id}\`, or *current details* beside this.`,
    ].join("\n"),
    typedSearchAttributes: new TypedSearchAttributes([
      { key: defineSearchAttributeKey("LhCampaign", "KEYWORD"), value: id },
      { key: defineSearchAttributeKey("LhTestbed", "KEYWORD"), value: testbed.name },
      { key: defineSearchAttributeKey("LhKind", "KEYWORD"), value: "campaign" },
      { key: defineSearchAttributeKey("LhPlanned", "INT"), value: plan.trials.length },
      { key: defineSearchAttributeKey("LhDone", "INT"), value: 0 },
    ]),
  });
}
