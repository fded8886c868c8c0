/**
 * Campaigns whose workflow Temporal does not know any more (its database was damaged, dropped or
 * replaced by an older one): begun anew from the store. Verdicts stand; a trial that ran is looked up on
 * the hosts, and tried again under the next number where nothing can be collected; what was paused stays so.
 */
import { isGrpcServiceError, WorkflowNotFoundError } from "@temporalio/client";
import type { Client } from "@temporalio/client";
import { defineSearchAttributeKey, TypedSearchAttributes } from "@temporalio/common";
import {
  campaignWorkflowId,
  heldWords,
  lockWorkflowId,
  taskQueue,
} from "../model/search-attributes.ts";
import type { BegunCampaign, Store } from "../store/store.ts";
import type { Carried } from "../workflows/campaign-elements.ts";
import type { LockHolder } from "../workflows/messages.ts";
import type { campaign as campaignWorkflow } from "../workflows/campaign.ts";

type LostStore = Pick<Store, "begunCampaigns" | "putEvent">;

/** A lock answers in milliseconds where its worker lives. */
const lockAnswerMs = 3000;

/** Ends that no person chose; who terminates or cancels a workflow in Temporal wants it to end. */
const unwanted = ["COMPLETED", "FAILED", "TIMED_OUT"];

/** Begins every lost campaign anew; safe to be called by several workers at once. @returns their ids. */
export async function beginLostAnew(client: Client, store: LostStore): Promise<readonly string[]> {
  const begun: string[] = [];
  const putOff = new Set<string>();
  for (const { id } of await store.begunCampaigns()) {
    const why = await lossOf(client, id);
    if (why === null) continue;
    // Read again: between the two looks it may have come to its end.
    const all = await store.begunCampaigns();
    const campaign = all.find((one) => one.id === id);
    if (campaign === undefined) continue;
    // Who held the testbed has it again before anybody may queue for it.
    const { testbed } = campaign;
    if (
      campaign.state === "queued" &&
      (putOff.has(testbed) || !(await isHeld(client, testbed, all)))
    ) {
      putOff.add(testbed);
      continue;
    }
    await beginAnew(client, store, campaign, waitOf(campaign, all), why);
    begun.push(id);
  }
  return begun;
}

/** null: its workflow runs, or a person ended it in Temporal. */
async function lossOf(client: Client, id: string): Promise<string | null> {
  try {
    const { status } = await client.workflow.getHandle(campaignWorkflowId(id)).describe();
    return unwanted.includes(status.name) ? `its workflow had ended: ${status.name}` : null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return "Temporal does not know its workflow";
    throw error;
  }
}

/** False: whoever held the testbed has not taken it again yet; a later look finds it. */
async function isHeld(
  client: Client,
  testbed: string,
  all: readonly BegunCampaign[],
): Promise<boolean> {
  if (!all.some((one) => one.testbed === testbed && one.state !== "queued")) return true;
  try {
    const lock = await client.withDeadline(Date.now() + lockAnswerMs, () =>
      client.workflow.getHandle(lockWorkflowId(testbed)).query<LockHolder, []>("holder"),
    );
    return lock.holder !== null;
  } catch (error) {
    // No lock yet, or nobody to answer for it: the testbed's worker may not serve yet.
    if (error instanceof WorkflowNotFoundError || isGrpcServiceError(error)) return false;
    throw error;
  }
}

/** What a campaign waited for; a quarantine it finds again by itself. */
function waitOf({ state, reason }: BegunCampaign, all: readonly BegunCampaign[]): Carried["wait"] {
  if (state !== "waiting" || reason === null) return null;
  const held = all.some((one) => heldWords(one.testbed, campaignWorkflowId(one.id)) === reason);
  return { for: held ? "testbed" : "person", reason };
}

async function beginAnew(
  client: Client,
  store: LostStore,
  { id, testbed, state, attemptLimit, planned }: BegunCampaign,
  wait: Carried["wait"],
  why: string,
): Promise<void> {
  const paused = state === "paused";
  const carriedOn: Carried = {
    epoch: null,
    nextNumber: 1,
    setbacks: 0,
    paused,
    wait: wait ?? null,
  };
  const handle = await client.workflow.start<typeof campaignWorkflow>("campaign", {
    workflowId: campaignWorkflowId(id),
    workflowIdConflictPolicy: "USE_EXISTING",
    taskQueue: taskQueue(testbed),
    args: [
      state === "queued"
        ? { campaignId: id, testbed, attemptLimit, queue: true, carried: null }
        : { campaignId: id, testbed, attemptLimit, carried: carriedOn },
    ],
    staticSummary: `${id}: ${planned} trials on ${testbed}, begun anew`.slice(0, 180),
    staticDetails: `# Campaign ${id}\n- begun anew from the store: ${why}\n- ${planned} trials\n\nWhere it stands: \`longhaul status ${id}\`, or *current details* beside this.`,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: defineSearchAttributeKey("LhCampaign", "KEYWORD"), value: id },
      { key: defineSearchAttributeKey("LhTestbed", "KEYWORD"), value: testbed },
      { key: defineSearchAttributeKey("LhKind", "KEYWORD"), value: "campaign" },
      { key: defineSearchAttributeKey("LhPlanned", "INT"), value: planned },
    ]),
  });
  await store.putEvent({
    key: `${campaignWorkflowId(id)} begun anew ${handle.firstExecutionRunId}`,
    ...{ testbed, campaign: id, trial: null, attempt: null, host: null },
    ...{ kind: "begun-anew", content: { why, state }, at: new Date().toISOString() },
  });
}
