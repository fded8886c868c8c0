import { afterAll, beforeAll, expect, test } from "vitest";
import { Context } from "@temporalio/activity";
import type { WorkflowHandle } from "@temporalio/client";
import { freshId, runCampaign, until } from "./run.ts";
import type { Bench } from "./run.ts";
import { scripted, scriptedPlan } from "./scripted.ts";
import { temporalServer } from "./server.ts";
import type { CampaignView, Steered } from "../../workflows/messages.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await temporalServer();
});
afterAll(() => bench.environment.teardown());

const steer = (handle: WorkflowHandle, name: "pause" | "resume" | "cancel", by = "a person") =>
  handle.executeUpdate<Steered, [string]>(name, { args: [by] });
const refusal = async (update: Promise<unknown>): Promise<string> => {
  const error: unknown = await update.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error("it was not refused");
  return error.cause instanceof Error ? error.cause.message : error.message;
};

test("a pause lets the current trial end and starts no other until resume; what cannot be done is refused with its reason", async () => {
  const campaignId = freshId();
  let go: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (go = resolve));
  const script = scripted(scriptedPlan(campaignId, [{ loads: 2 }, "migration"]), {
    measure: () => async (ref) => (ref.trialId.endsWith("load1") ? gate : undefined),
  });
  await runCampaign(bench, script.activities, { campaignId }, async (handle) => {
    await until("the first trial is measured", () => script.calls.includes("measure load1#1"));
    expect(await refusal(steer(handle, "resume"))).toBe(
      `campaign ${campaignId} is running: there is nothing to resume`,
    );
    expect(await refusal(steer(handle, "pause", ""))).toContain("say who asks");
    expect(await steer(handle, "pause")).toEqual({ state: "paused" });
    expect(await refusal(steer(handle, "pause"))).toBe(
      `campaign ${campaignId} is paused, not running`,
    );
    go();
    await until("the first trial is restored", () => script.calls.includes("restore load1#1"));
    const child = bench.environment.client.workflow.getHandle(`${campaignId}/b01/forwarding-1`);
    await until("the sweep has taken it in", async () => {
      const { pendingActivities } = (await child.describe()).raw;
      return (pendingActivities?.length ?? 0) === 0;
    });
    expect(await handle.query<CampaignView, []>("state")).toMatchObject({
      state: "paused",
      reason: "paused by a person",
      element: `${campaignId}/b01/forwarding-1`,
    });
    expect(script.calls).not.toContain("prepare load2#1");
    expect(await steer(handle, "resume")).toEqual({ state: "running" });
  });
  expect(script.states).toEqual(["running", "paused: paused by a person", "running", "completed"]);
  expect(script.trials.map(({ state }) => state)).toEqual(["valid", "valid", "valid"]);
});

test("cancel cuts the running trial, restores, then skips what has no verdict, and lets the testbed go", async () => {
  const campaignId = freshId();
  let cutBy = "";
  const script = scripted(scriptedPlan(campaignId, [{ loads: 3 }]), {
    measure: (next) => async (ref) => {
      if (ref.trialId.endsWith("load1")) return next(ref);
      const beat = setInterval(() => Context.current().heartbeat(), 100);
      try {
        await Context.current().cancelled;
      } finally {
        clearInterval(beat);
      }
    },
    closeCancelled: (next) => async (id, by) => {
      cutBy = by;
      await next(id, by);
    },
  });
  const { result } = await runCampaign(bench, script.activities, { campaignId }, async (handle) => {
    await until("the second trial is measured", () => script.calls.includes("measure load2#1"));
    expect(await steer(handle, "cancel")).toEqual({ state: "cancelled" });
  });
  expect(result).toEqual({
    status: "cancelled",
    ledger: "3 planned = 1 valid + 0 invalid + 2 skipped",
    outcomes: { completed: 1 },
  });
  expect(cutBy).toBe("a person");
  expect(script.trials.map(({ state }) => state)).toEqual(["valid", "skipped", "skipped"]);
  const end = script.calls.slice(script.calls.indexOf("measure load2#1"));
  expect(end.slice(0, 4)).toEqual([
    "measure load2#1",
    "restore load2#1",
    "closeCancelled",
    "releaseTestbed",
  ]);
});

test("a cancel asked of Temporal itself closes the campaign in the same way", async () => {
  const campaignId = freshId();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 2 }]), {
    measure: () => async () => {
      const beat = setInterval(() => Context.current().heartbeat(), 100);
      await Context.current().cancelled.finally(() => clearInterval(beat));
    },
  });
  const ended = runCampaign(bench, script.activities, { campaignId }, async (handle) => {
    await until("the first trial is measured", () => script.calls.includes("measure load1#1"));
    await handle.cancel();
  });
  await expect(ended).rejects.toThrow("Workflow execution cancelled");
  expect(script.trials.map(({ state }) => state)).toEqual(["skipped", "skipped"]);
  expect(script.calls).toContain("releaseTestbed");
});

test("queries, details and search attributes tell a person what runs and how far it is", async () => {
  const campaignId = freshId();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 1 }, "migration"]));
  const { handle } = await runCampaign(bench, script.activities, { campaignId });
  const history = await handle.fetchHistory();
  const ends = (history.events ?? []).flatMap((event) =>
    event.upsertWorkflowSearchAttributesEventAttributes ? [event] : [],
  );
  expect(ends.length).toBeLessThan(5);
  const { searchAttributes } = await handle.describe();
  expect(searchAttributes).toMatchObject({ LhCampaign: [campaignId], LhDone: [2], LhPlanned: [2] });
  const migration = bench.environment.client.workflow.getHandle(`${campaignId}/b01/migration-2`);
  const child = await migration.describe();
  expect(child.searchAttributes).toMatchObject({
    LhCampaign: [campaignId],
    LhKind: ["migration"],
    LhVerdict: ["valid"],
    LhOutcome: ["completed"],
  });
  expect(await child.staticSummary()).toContain("migration");
});
