/** Acts on a testbed's lock, which is a workflow: asked through a client, started when it is not there. */
import { WithStartWorkflowOperation, WorkflowNotFoundError } from "@temporalio/client";
import type { Client } from "@temporalio/client";
import { campaignWorkflowId, lockWorkflowId, taskQueue } from "../model/search-attributes.ts";
import { epochOf } from "../model/tokens.ts";
import type { Store } from "../store/store.ts";
import type { CampaignActs, LockActs } from "../workflows/acts.ts";
import type { LockAnswer, LockRequest } from "../workflows/messages.ts";
import type { testbedLock } from "../workflows/testbed-lock.ts";

type TestbedActs = Pick<CampaignActs, "acquireTestbed" | "releaseTestbed"> & LockActs;

/** Ends of a workflow. `PAUSED` is none, nor is a run that continued as new. */
const closed = ["COMPLETED", "FAILED", "CANCELLED", "TERMINATED", "TIMED_OUT"];

export const lockActs = (
  client: Client,
  store: Pick<Store, "testbed" | "status">,
): TestbedActs => ({
  async acquireTestbed(campaignId, testbed, renew, queue = false) {
    const stored = await store.testbed(testbed);
    // A Temporal database may be lost while the store lives: epochs never go back.
    const epochFloor = epochOf(stored?.token ?? 0);
    const holder = campaignWorkflowId(campaignId);
    // A lock that starts anew gives every one that waited its old place.
    const since = queue ? ((await store.status(campaignId))?.queue?.since ?? null) : null;
    const request: LockRequest = {
      ...{ holder, epochFloor, renew, queue },
      queuedSinceMs: since === null ? null : Date.parse(since),
    };
    return client.workflow.executeUpdateWithStart<typeof testbedLock, LockAnswer, [LockRequest]>(
      "acquire",
      {
        args: [request],
        startWorkflowOperation: new WithStartWorkflowOperation<typeof testbedLock>("testbedLock", {
          workflowId: lockWorkflowId(testbed),
          workflowIdConflictPolicy: "USE_EXISTING",
          taskQueue: taskQueue(testbed),
          args: [{ testbed, holder: null, epoch: epochFloor }],
          staticSummary: `lock of the testbed ${testbed}`,
        }),
      },
    );
  },

  async releaseTestbed(campaignId, testbed) {
    const lock = client.workflow.getHandle(lockWorkflowId(testbed));
    try {
      await lock.executeUpdate<boolean, [string]>("release", {
        args: [campaignWorkflowId(campaignId)],
      });
    } catch (error) {
      // No lock, nothing to let go.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  },

  async isClosed(workflowId) {
    try {
      const { status } = await client.workflow.getHandle(workflowId).describe();
      return closed.includes(status.name);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return true;
      throw error;
    }
  },
});
