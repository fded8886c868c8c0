import { Context } from "@temporalio/activity";
import { ApplicationFailure } from "@temporalio/common";
import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Extended, Skipped, Steered } from "../../workflows/messages.ts";
import { freshId, runCampaign, until } from "./run.ts";
import type { Bench } from "./run.ts";
import { broken, scripted, scriptedPlan } from "./scripted.ts";
import { scriptedRecovery } from "./scripted-recovery.ts";
import { temporalServer } from "./server.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await temporalServer();
});
afterAll(() => bench.environment.teardown());

const skip = (handle: WorkflowHandle, trial: string, why = "it is of no use", by = "ann") =>
  handle.executeUpdate<Skipped, [string, string, string]>("skip", { args: [by, trial, why] });
const extend = (handle: WorkflowHandle, repetitions: number) =>
  handle.executeUpdate<Extended, [string, number]>("extend", { args: ["ann", repetitions] });
const steer = (handle: WorkflowHandle, name: "pause" | "resume") =>
  handle.executeUpdate<Steered, [string]>(name, { args: ["ann"] });

async function refusal(update: Promise<unknown>): Promise<string> {
  const error: unknown = await update.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error("it was not refused");
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/** Until the act is told to stop. */
async function cut(): Promise<void> {
  const beat = setInterval(() => Context.current().heartbeat(), 100);
  await Context.current().cancelled.finally(() => clearInterval(beat));
}

function gate() {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

test("a pending trial of the running sweep is skipped at once, with who and why, and never prepared", async () => {
  const campaignId = freshId();
  const first = gate();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 3 }, "migration"]), {
    measure: () => async (ref) => (ref.trialId.endsWith("load1") ? first.passed : undefined),
  });
  const { result } = await runCampaign(bench, script.activities, { campaignId }, async (handle) => {
    await until("the first trial is measured", () => script.calls.includes("measure load1#1"));
    const trial = `${campaignId}/b01/forwarding-1-load2`;
    expect(await skip(handle, trial)).toEqual({ trial, verdict: "skipped" });
    expect(script.trials[1]).toMatchObject({
      state: "skipped",
      reason: "skipped by ann: it is of no use",
    });
    expect(await skip(handle, trial)).toEqual({ trial, verdict: "skipped" });
    const migration = `${campaignId}/b01/migration-2`;
    expect(await skip(handle, migration)).toMatchObject({ verdict: "skipped" });
    first.open();
  });
  expect(result).toMatchObject({ ledger: "4 planned = 2 valid + 0 invalid + 2 skipped" });
  expect(script.calls.filter((call) => /load2|2#/.test(call))).toEqual([]);
  const { client } = bench.environment;
  await expect(
    client.workflow.getHandle(`${campaignId}/b01/migration-2`).describe(),
  ).rejects.toThrow("not found");
});

test("a running trial is cut and restored, then skipped; the next one follows", async () => {
  const campaignId = freshId();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 2 }, "migration", "migration"]), {
    measure: () => (ref) =>
      /load1|migration-2/.test(ref.trialId) ? cut() : Promise.resolve(undefined),
  });
  await runCampaign(bench, script.activities, { campaignId }, async (handle) => {
    await until("a load is measured", () => script.calls.includes("measure load1#1"));
    await skip(handle, `${campaignId}/b01/forwarding-1-load1`);
    expect(script.trials[0]?.state).toBe("skipped");
    await until("a migration is measured", () => script.calls.includes("measure 2#1"));
    await skip(handle, `${campaignId}/b01/migration-2`);
    expect(script.trials[2]?.state).toBe("skipped");
  });
  const of = (name: string) => script.calls.filter((call) => call.includes(name));
  expect(of("load1")).toEqual(["prepare load1#1", "measure load1#1", "restore load1#1"]);
  expect(of("2#1").slice(-3)).toEqual(["prepare 2#1", "measure 2#1", "restore 2#1"]);
  const restored = script.calls.indexOf("restore load1#1");
  expect(script.calls.indexOf("prepare load2#1")).toBeGreaterThan(restored);
  expect(script.trials.map(({ state }) => state)).toEqual(["skipped", "valid", "skipped", "valid"]);
  expect(script.trials.map(({ verdicts }) => verdicts)).toEqual([1, 1, 1, 1]);
  const child = bench.environment.client.workflow.getHandle(`${campaignId}/b01/migration-2`);
  expect((await child.describe()).searchAttributes).toMatchObject({ LhVerdict: ["skipped"] });
});

test("a cut that leaves the testbed in doubt is recovered from before the next trial", async () => {
  const campaignId = freshId();
  const recovery = scriptedRecovery();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 2 }]), {
    measure: () => (ref) => (ref.trialId.endsWith("load1") ? cut() : Promise.resolve(undefined)),
    restore: () => (ref) =>
      ref.trialId.endsWith("load1")
        ? Promise.reject(broken("R1: the guest does not end"))
        : Promise.resolve(undefined),
    collectEvidence: () => recovery.acts.collectEvidence,
    healthTrial: () => recovery.acts.healthTrial,
  });
  await runCampaign(bench, script.activities, { campaignId }, async (handle) => {
    await until("a load is measured", () => script.calls.includes("measure load1#1"));
    await skip(handle, `${campaignId}/b01/forwarding-1-load1`);
  });
  expect(recovery.orders.map(({ step }) => step)).toContain("health");
  expect(script.calls.indexOf("closeRecovery load1#1")).toBeLessThan(
    script.calls.indexOf("prepare load2#1"),
  );
  expect(script.trials.map(({ state }) => state)).toEqual(["skipped", "valid"]);
});

test("a trial with a verdict, one of another campaign and a skip without a reason are refused in words", async () => {
  const campaignId = freshId();
  const second = gate();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 2 }]), {
    measure: () => async (ref) => (ref.trialId.endsWith("load2") ? second.passed : undefined),
  });
  await runCampaign(bench, script.activities, { campaignId }, async (handle) => {
    await until("the second is measured", () => script.calls.includes("measure load2#1"));
    const valid = `${campaignId}/b01/forwarding-1-load1`;
    expect(await refusal(skip(handle, valid))).toBe(
      `campaign ${campaignId} cannot skip ${valid}, which has its verdict: valid, completed`,
    );
    expect(await refusal(skip(handle, "other/b01/x"))).toBe(
      `campaign ${campaignId} has no trial "other/b01/x"`,
    );
    const unknown = `${campaignId}/b01/forwarding-1-load9`;
    expect(await refusal(skip(handle, unknown))).toBe(
      `campaign ${campaignId} has no trial ${unknown}`,
    );
    expect(await refusal(skip(handle, valid, " "))).toContain("is told no reason");
    expect(await refusal(skip(handle, valid, "x", ""))).toContain("say who asks");
    second.open();
  });
  expect(script.trials.map(({ state }) => state)).toEqual(["valid", "valid"]);
});

test("in a paused campaign a trial is skipped while nothing runs, and so is one that a sweep holds back", async () => {
  const campaignId = freshId();
  const first = gate();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 2 }, "migration"]), {
    measure: () => async (ref) => (ref.trialId.endsWith("load1") ? first.passed : undefined),
  });
  await runCampaign(bench, script.activities, { campaignId }, async (handle) => {
    await until("the first trial is measured", () => script.calls.includes("measure load1#1"));
    await steer(handle, "pause");
    first.open();
    await until("it is restored", () => script.calls.includes("restore load1#1"));
    await skip(handle, `${campaignId}/b01/forwarding-1-load2`);
    expect(script.trials[1]?.state).toBe("skipped");
    await steer(handle, "resume");
  });
  expect(script.trials.map(({ state }) => state)).toEqual(["valid", "skipped", "valid"]);
  expect(script.calls).not.toContain("prepare load2#1");
});

test("a campaign that waits for a person skips the trial that it could not go on with", async () => {
  const campaignId = freshId();
  const recovery = scriptedRecovery(({ step }) =>
    step === "health" && recovery.released.length === 0 ? { status: "failed" } : {},
  );
  const script = scripted(scriptedPlan(campaignId, ["migration", "migration"]), {
    prepare: (next) => async (ref) => {
      await next(ref);
      if (ref.trialId.endsWith("migration-1")) throw broken("R1: no route to host");
    },
  });
  const activities = { ...script.activities, ...recovery.acts };
  await runCampaign(bench, activities, { campaignId }, async (handle) => {
    await until("it waits", () => script.states.some((state) => state.startsWith("waiting")));
    expect(script.trials[0]?.state).toBe("running");
    await skip(handle, `${campaignId}/b01/migration-1`);
    expect(script.trials[0]?.state).toBe("skipped");
    await steer(handle, "resume");
  });
  expect(script.trials.map(({ state }) => state)).toEqual(["skipped", "valid"]);
});

test("a campaign that waits for a person ends when all that it could not go on with is skipped", async () => {
  const campaignId = freshId();
  const recovery = scriptedRecovery(({ step }) => (step === "health" ? { status: "failed" } : {}));
  const script = scripted(scriptedPlan(campaignId, ["migration"]), {
    prepare: (next) => async (ref) => {
      await next(ref);
      throw broken("R1: no route to host");
    },
  });
  const activities = { ...script.activities, ...recovery.acts };
  const { result } = await runCampaign(bench, activities, { campaignId }, async (handle) => {
    await until("it waits", () => script.states.some((state) => state.startsWith("waiting")));
    await skip(handle, `${campaignId}/b01/migration-1`);
  });
  expect(result).toMatchObject({ status: "completed" });
  expect(script.trials.map(({ state }) => state)).toEqual(["skipped"]);
});

test("a trial that is found with a verdict when it is prepared is passed over, and nothing is touched", async () => {
  const campaignId = freshId();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 2 }]), {
    prepare: (next) => async (ref) => {
      if (!ref.trialId.endsWith("load1")) return next(ref);
      const trial = script.trials[0];
      if (trial) Object.assign(trial, { state: "skipped", verdicts: 1 });
      throw ApplicationFailure.nonRetryable(`${ref.trialId} has its verdict: skipped`, "Decided");
    },
  });
  await runCampaign(bench, script.activities, { campaignId });
  expect(script.calls.filter((call) => call.includes("load1"))).toEqual(["prepare load1#1"]);
  expect(script.calls.filter((call) => call === "acquireTestbed")).toHaveLength(1);
  expect(script.trials.map(({ state }) => state)).toEqual(["skipped", "valid"]);
});

test("repetitions are added while it measures; fewer are refused; as many change nothing", async () => {
  const campaignId = freshId();
  const first = gate();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 2 }, "migration"]), {
    measure: () => async (ref) => (ref.trialId.includes("b01") ? first.passed : undefined),
  });
  const { result } = await runCampaign(bench, script.activities, { campaignId }, async (handle) => {
    await until("the first trial is measured", () => script.calls.includes("measure load1#1"));
    expect(await extend(handle, 3)).toEqual({ repetitions: 3, planned: 9, added: 6 });
    expect(await extend(handle, 3)).toEqual({ repetitions: 3, planned: 9, added: 0 });
    expect(await refusal(extend(handle, 2))).toBe(
      `campaign ${campaignId} has 3 repetitions planned`,
    );
    expect(await refusal(extend(handle, 0))).toContain("give a whole number");
    first.open();
  });
  expect(result).toMatchObject({ ledger: "9 planned = 9 valid + 0 invalid + 0 skipped" });
});

test("repetitions that are being added when the last trial has ended are measured, too", async () => {
  const campaignId = freshId();
  const [last, adding] = [gate(), gate()];
  const script = scripted(scriptedPlan(campaignId, ["migration"]), {
    measure: () => async (ref) => (ref.trialId.includes("b01") ? last.passed : undefined),
    extendCampaign: (next) => async (order) => {
      await adding.passed;
      return next(order);
    },
    nextElements: (next) => async (id, limit) => {
      const elements = await next(id, limit);
      if (elements.length === 0) adding.open();
      return elements;
    },
  });
  const { result } = await runCampaign(bench, script.activities, { campaignId }, async (handle) => {
    await until("it is measured", () => script.calls.includes("measure 1#1"));
    const extended = extend(handle, 2);
    await until("it is being extended", () => script.calls.includes("extendCampaign"));
    last.open();
    expect(await extended).toMatchObject({ planned: 2, added: 1 });
  });
  expect(result).toMatchObject({ ledger: "2 planned = 2 valid + 0 invalid + 0 skipped" });
});
