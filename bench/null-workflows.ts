/** The hand-written workflow that the null campaign is compared with: a loop of activities, no more. */
import { continueAsNew, proxyActivities, workflowInfo } from "@temporalio/workflow";

const { nothing } = proxyActivities<{ nothing(): Promise<void> }>({
  startToCloseTimeout: "1m",
});

/** Runs `count` activities one after another. */
export async function loop(count: number): Promise<void> {
  for (let left = count; left > 0; left--) {
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof loop>(left);
    await nothing();
  }
}
