/**
 * Campaigns whose workflow Temporal does not know any more (its database was damaged, dropped or
 * replaced by an older one): begun anew from the store. Verdicts stand; a trial that ran is looked up on
 * the hosts, and tried again under the next number where nothing can be collected; what was paused stays so.
 */
import {
  isGrpcServiceError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from "@temporalio/client";
import type { Client, WorkflowHandle } from "@temporalio/client";
import { defineSearchAttributeKey, rootCause, TypedSearchAttributes } from "@temporalio/common";
import {
  campaignWorkflowId,
  heldWords,
  lockWorkflowId,
  taskQueue,
} from "../model/search-attributes.ts";
import type { BegunCampaign, Store } from "../store/store.ts";
import type { Carried } from "../workflows/campaign-elements.ts";
import type { LockHolder, Steered } from "../workflows/messages.ts";
import type { campaign as campaignWorkflow } from "../workflows/campaign.ts";
import {
  failedUnder,
  failingWords,
  failuresOf,
  failuresSince,
  isDue,
} from "./failing-campaigns.ts";
import type { BegunAnew } from "./failing-campaigns.ts";

type LostStore = Pick<Store, "begunCampaigns" | "eventsSince" | "putEvent" | "setCampaignState">;

/** A lock, or a campaign, answers in milliseconds where its worker lives. */
const answerMs = 3000;

/** Ends that no person chose; who terminates or cancels a workflow in Temporal wants it to end. */
const unwanted = ["COMPLETED", "FAILED", "TIMED_OUT"];

/**
 * Begins every lost campaign anew; safe to be called by several workers at once. `version`: the Longhaul
 * that does it. @returns their ids.
 */
export async function beginLostAnew(
  client: Client,
  store: LostStore,
  version: string,
): Promise<readonly string[]> {
  const begun: string[] = [];
  const putOff = new Set<string>();
  for (const { id } of await store.begunCampaigns()) {
    const loss = await lossOf(client, id);
    // Read again: between the two looks it may have come to its end.
    const all = await store.begunCampaigns();
    const campaign = all.find((one) => one.id === id);
    if (campaign === undefined) continue;
    if (loss === null) {
      await goOnIfMended(client, campaign, version);
      continue;
    }
    const fit = loss.hadEnded ? await unlessFailing(store, campaign, loss.why, version) : campaign;
    if (fit === null) continue;
    // Who held the testbed has it again before anybody may queue for it.
    const { testbed } = fit;
    if (fit.state === "queued" && (putOff.has(testbed) || !(await isHeld(client, testbed, all)))) {
      putOff.add(testbed);
      continue;
    }
    await beginAnew(client, store, fit, waitOf(fit, all), { ...loss, version });
    begun.push(id);
  }
  return begun;
}

/** As it is to be begun anew: one that fails again and again waits for a person. null: not yet. */
async function unlessFailing(
  store: LostStore,
  campaign: BegunCampaign,
  why: string,
  version: string,
): Promise<BegunCampaign | null> {
  const nowMs = Date.now();
  const events = await store.eventsSince("begun-anew", failuresSince(nowMs));
  const failures = failuresOf(events, campaign.id, version);
  const reason = failingWords(failures, version, why);
  let fit = campaign;
  // One that is paused, or waits its turn, waits anyway.
  if (reason !== null && campaign.state === "running") {
    await store.setCampaignState(campaign.id, "waiting", reason);
    fit = { ...campaign, state: "waiting", reason };
  }
  return isDue(failures, nowMs) ? fit : null;
}

/** What failed again and again under another Longhaul is tried by this one. */
async function goOnIfMended(
  client: Client,
  { id, state, reason }: BegunCampaign,
  version: string,
): Promise<void> {
  const under = state === "waiting" ? failedUnder(reason) : null;
  if (under === null || under === version) return;
  try {
    await client.withDeadline(Date.now() + answerMs, () =>
      client.workflow
        .getHandle(campaignWorkflowId(id))
        .executeUpdate<Steered, [string]>("resume", { args: [`Longhaul ${version}`] }),
    );
  } catch (error) {
    // Its worker may not serve yet, or somebody was faster; a later look finds it.
    if (!(error instanceof WorkflowUpdateFailedError || isAway(error))) throw error;
  }
}

const isAway = (error: unknown): boolean =>
  error instanceof WorkflowNotFoundError ||
  error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
  isGrpcServiceError(error);

interface Loss {
  readonly why: string;
  /** By itself; false: Temporal does not know it. */
  readonly hadEnded: boolean;
}

/** null: its workflow runs, or a person ended it in Temporal. */
async function lossOf(client: Client, id: string): Promise<Loss | null> {
  const handle = client.workflow.getHandle(campaignWorkflowId(id));
  try {
    const { status } = await handle.describe();
    if (!unwanted.includes(status.name)) return null;
    const failure = status.name === "FAILED" ? `: ${await failureOf(handle)}` : "";
    return { why: `its workflow had ended: ${status.name}${failure}`, hadEnded: true };
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    return { why: "Temporal does not know its workflow", hadEnded: false };
  }
}

async function failureOf(failed: WorkflowHandle): Promise<string> {
  try {
    await failed.result();
    return "it ended otherwise meanwhile";
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return (rootCause(error.cause) ?? error.message).slice(0, 300);
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
    const lock = await client.withDeadline(Date.now() + answerMs, () =>
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
  content: BegunAnew,
): Promise<void> {
  const { why } = content;
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
    ...{ kind: "begun-anew", content: { ...content, state }, at: new Date().toISOString() },
  });
}
