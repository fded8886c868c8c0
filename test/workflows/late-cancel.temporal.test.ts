import type { Client, WorkflowHandle } from "@temporalio/client";
import { WorkflowUpdateStage } from "@temporalio/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Extended, Steered } from "../../workflows/messages.ts";
import { freshId, runCampaign, until } from "./run.ts";
import type { Bench } from "./run.ts";
import { scripted, scriptedPlan } from "./scripted.ts";
import { temporalServer } from "./server.ts";

const continueAt = 300;
/** Elements that the campaign reads at a time. */
const slice = 10;
let bench: Bench;
beforeAll(async () => {
  bench = await temporalServer({ continueAt });
});
afterAll(() => bench.environment.teardown());

const migrations = (count: number) => Array.from({ length: count }, () => "migration" as const);
const cancelled = (handle: WorkflowHandle) =>
  handle.startUpdate<Steered, [string]>("cancel", {
    args: ["a person"],
    waitForStage: WorkflowUpdateStage.ACCEPTED,
  });
const gate = () => {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
};
const described = (client: Client, id: string) =>
  client.workflow.getHandle(`campaign/${id}`).describe();
/** Says what needs no answer until its history is so long that the server suggests to continue as new. */
async function lengthened(client: Client, id: string): Promise<void> {
  const handle = client.workflow.getHandle(`campaign/${id}`);
  while ((await handle.describe()).historyLength < continueAt)
    await Promise.all(Array.from({ length: 20 }, () => handle.signal("lookAgain")));
}

test("a cancel that comes while the campaign waits for another update before it continues as new ends it", async () => {
  const campaignId = freshId();
  const extended = gate();
  const script = scripted(scriptedPlan(campaignId, migrations(slice + 2)), {
    extendCampaign: (next) => async (order) => {
      await extended.opened;
      return next(order);
    },
  });
  const { result } = await runCampaign(bench, script.activities, { campaignId }, async (handle) => {
    await until("it runs", () => script.states.includes("running"));
    const extending = handle.executeUpdate<Extended, [number | string, number]>("extend", {
      args: ["a person", 2],
    });
    await lengthened(bench.environment.client, campaignId);
    await until("it waits for nothing but the update", async () => {
      const { raw } = await described(bench.environment.client, campaignId);
      return (
        (raw.pendingChildren?.length ?? 0) === 0 &&
        raw.pendingWorkflowTask == null &&
        raw.pendingActivities?.map(({ activityType }) => activityType?.name).join() ===
          "extendCampaign"
      );
    });
    const update = await cancelled(handle);
    extended.open();
    expect(await update.result()).toEqual({ state: "cancelled" });
    expect(await extending).toMatchObject({ repetitions: 2 });
  });
  expect(result).toMatchObject({ status: "cancelled" });
  expect(script.calls.filter((call) => call === "releaseTestbed")).toHaveLength(1);
});

test.each(["an update", "Temporal itself"] as const)(
  "a cancel asked of %s that falls into the restoring of the last trial before the campaign continues as new ends it",
  async (asked) => {
    const campaignId = freshId();
    const { client } = bench.environment;
    const restored = gate();
    let restoring = false;
    const script = scripted(scriptedPlan(campaignId, migrations(slice + 2)), {
      restore:
        () =>
        async ({ trialId }) => {
          if (!trialId.endsWith(`-${slice}`)) return;
          await lengthened(client, campaignId);
          restoring = true;
          await restored.opened;
        },
    });
    const ended = runCampaign(bench, script.activities, { campaignId }, async (handle) => {
      await until("the trial is restored", () => restoring);
      if (asked === "Temporal itself") {
        await handle.cancel();
        await until("it knows", async () => {
          const { raw } = await described(client, campaignId);
          return raw.workflowExtendedInfo?.cancelRequested === true;
        });
        restored.open();
        return;
      }
      const update = await cancelled(handle);
      restored.open();
      expect(await update.result()).toEqual({ state: "cancelled" });
    });
    if (asked === "an update") expect((await ended).result).toMatchObject({ status: "cancelled" });
    else await expect(ended).rejects.toThrow("Workflow execution cancelled");
    expect(script.trials.map(({ state }) => state).slice(slice)).toEqual(["skipped", "skipped"]);
    expect(script.calls.filter((call) => call === "releaseTestbed")).toHaveLength(1);
  },
);
