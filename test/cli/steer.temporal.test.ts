/** A campaign that a person terminated in Temporal: no order reaches it any more, and `cancel` ends it in the store. */
import { Context } from "@temporalio/activity";
import { WorkflowNotFoundError, WorkflowUpdateStage } from "@temporalio/client";
import { afterAll, expect, test } from "vitest";
import { deleteCampaign } from "../../cli/delete.ts";
import { closeWithoutWorkflow } from "../../cli/steer.ts";
import { campaignWorkflowId, lockWorkflowId, taskQueue } from "../../model/search-attributes.ts";
import { beginLostAnew } from "../../workers/lost-campaigns.ts";
import type { LockHolder } from "../../workflows/messages.ts";
import { withStore } from "../store/postgres-server.ts";
import { planted } from "../store/sample-plan.ts";
import { storedActs } from "../workers/stored-acts.ts";
import { freshId, startCampaign, until, worker } from "../workflows/run.ts";
import { temporalServer } from "../workflows/server.ts";

const postgres = withStore();
const testbed = "lab";
const bench = await temporalServer();
afterAll(() => bench.environment.teardown());

test("a campaign whose workflow was terminated is cancelled in the store, lets its testbed go and can be deleted", async () => {
  const { client } = bench.environment;
  const { store } = postgres;
  const campaignId = freshId();
  await planted(store, campaignId, { trialCount: 4 });
  const acts = storedActs(client, store, {
    measure: async ({ trialId }) => {
      if (trialId.endsWith("b2/forwarding-bare-64B-load0")) await Context.current().cancelled;
    },
  });
  const holder = async () =>
    (await client.workflow.getHandle(lockWorkflowId(testbed)).query<LockHolder, []>("holder"))
      .holder;
  const running = await worker(bench, acts.activities, taskQueue(testbed));
  await running.runUntil(async () => {
    await startCampaign(client, taskQueue(testbed), { campaignId, testbed });
    await until("the third trial is measured", () =>
      acts.orders.includes("measure b2/forwarding-bare-64B-load0#1"),
    );
    const handle = client.workflow.getHandle(campaignWorkflowId(campaignId));
    await handle.terminate("enough");
    await expect(
      handle.startUpdate("cancel", {
        args: ["a person"],
        waitForStage: WorkflowUpdateStage.ACCEPTED,
      }),
    ).rejects.toThrow(WorkflowNotFoundError);
    expect(await store.status(campaignId)).toMatchObject({ state: "running" });
    expect(await holder()).toBe(campaignWorkflowId(campaignId));
    expect(await closeWithoutWorkflow(client, store, campaignId, "a person")).toEqual({
      state: "cancelled",
    });
    expect(await store.status(campaignId)).toMatchObject({
      ...{ state: "cancelled", reason: "cancelled by a person", pending: 0, running: 0 },
      verdicts: { valid: 2, invalid: 0, skipped: 2 },
    });
    expect(await holder()).toBeNull();
    expect(await beginLostAnew(client, store, "1")).toEqual([]);
    // At its end there is nothing to cancel.
    expect(await closeWithoutWorkflow(client, store, campaignId, "a person")).toBeNull();
  });
  expect(
    await deleteCampaign(store, campaignId, {
      agrees: () => Promise.resolve(true),
      report: "/nonexistent/report",
    }),
  ).toBe(true);
});
