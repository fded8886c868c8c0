import type { Client, WorkflowHandle } from "@temporalio/client";
import type { TestWorkflowEnvironment } from "@temporalio/testing";
import { Worker } from "@temporalio/worker";
import { campaignWorkflowId } from "../../model/search-attributes.ts";
import type { Acts } from "../../workflows/acts.ts";
import type { campaign, CampaignInput } from "../../workflows/campaign.ts";

export interface Bench {
  readonly environment: TestWorkflowEnvironment;
  readonly bundle: string;
}

let count = 0;
/** A campaign id that no other test of this run has. */
export const freshId = (): string => `c${process.pid}-${++count}`;

export const worker = (
  { environment, bundle }: Bench,
  activities: Acts,
  taskQueue: string,
): Promise<Worker> =>
  Worker.create({
    connection: environment.nativeConnection,
    namespace: environment.namespace ?? "default",
    taskQueue,
    workflowBundle: { codePath: bundle },
    activities,
    maxHeartbeatThrottleInterval: "1s",
    stickyQueueScheduleToStartTimeout: "1s",
  });

export const startCampaign = (
  client: Client,
  taskQueue: string,
  input: Partial<CampaignInput> & { campaignId: string },
): Promise<WorkflowHandle<typeof campaign>> =>
  client.workflow.start<typeof campaign>("campaign", {
    workflowId: campaignWorkflowId(input.campaignId),
    taskQueue,
    args: [{ testbed: "bench", attemptLimit: 3, carried: null, ...input }],
  });

/** Runs one campaign from start to end on a worker of its own. */
export async function runCampaign(
  bench: Bench,
  activities: Acts,
  input: Partial<CampaignInput> & { campaignId: string },
  during: (handle: WorkflowHandle<typeof campaign>) => Promise<unknown> = async () => undefined,
) {
  const running = await worker(bench, activities, input.campaignId);
  return running.runUntil(async () => {
    const handle = await startCampaign(bench.environment.client, input.campaignId, input);
    const watched = during(handle);
    const result = await handle.result();
    await watched;
    return { result, handle };
  });
}

/** Resolves when the condition holds. @throws when it does not within the deadline. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  deadlineMs = 20_000,
): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
