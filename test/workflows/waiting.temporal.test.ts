import { afterAll, beforeAll, expect, test } from "vitest";
import type { CampaignView, Steered } from "../../workflows/messages.ts";
import { freshId, runCampaign, until } from "./run.ts";
import type { Bench } from "./run.ts";
import { broken, scripted, scriptedPlan } from "./scripted.ts";
import { lockedUp } from "./locked-up.ts";
import { labFacts, scriptedRecovery } from "./scripted-recovery.ts";
import { temporalServer } from "./server.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await temporalServer();
});
afterAll(() => bench.environment.teardown());

test("a defect of the campaign's input calls for no recovery", async () => {
  const campaignId = freshId();
  const recovery = scriptedRecovery();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 1 }]), {
    prepare: (next) => async (ref) => {
      await next(ref);
      throw broken("no such image", "UsageError");
    },
  });
  await runCampaign(bench, { ...script.activities, ...recovery.acts }, { campaignId });
  expect(recovery.orders).toEqual([]);
  expect(script.trials[0]).toMatchObject({
    state: "invalid",
    reason: "prepare: no such image; no attempt and no recovery can change that",
    attempts: [{ attempt: 1, verdict: "invalid" }],
  });
});

test("input that can never be measured does not use up the whole plan: after five elements a person is asked", async () => {
  const campaignId = freshId();
  const recovery = scriptedRecovery();
  let mended = false;
  const plan = scriptedPlan(
    campaignId,
    Array.from({ length: 7 }, () => "migration" as const),
  );
  const script = scripted(plan, {
    prepare: (next) => async (ref) => {
      await next(ref);
      if (!mended) throw broken("no such image", "UsageError");
    },
  });
  const acts = { ...script.activities, ...recovery.acts };
  await runCampaign(bench, acts, { campaignId }, async (handle) => {
    const view = await waiting(handle);
    expect(view?.reason).toContain("5 elements in a row ended without a measurement");
    expect(view?.reason).toContain("no such image");
    expect(script.trials.map(({ state }) => state).slice(4)).toEqual([
      ...["invalid", "pending", "pending"],
    ]);
    mended = true;
    await handle.executeUpdate("resume", { args: ["a person"] });
  });
  expect(script.trials.map(({ state }) => state).slice(5)).toEqual(["valid", "valid"]);
});

test("a capacity search that fails is tried again after a run of the ladder, and then waits for a person", async () => {
  const campaignId = freshId();
  const recovery = scriptedRecovery();
  let searches = 0;
  const script = scripted(scriptedPlan(campaignId, [{ loads: 1 }]), {
    openCapacities: () => async () => [{ platform: "bare", frameSizeBytes: 64 }],
    resolveCapacity: () => async () => {
      searches += 1;
      if (searches < 3) throw broken("A: no answer", "CommandFailed");
      return { fps: 1000 };
    },
  });
  const acts = { ...script.activities, ...recovery.acts };
  await runCampaign(bench, acts, { campaignId }, async (handle) => {
    const view = await waiting(handle);
    expect(view?.reason).toBe("no capacity of bare at 64 B: resolveCapacity: A: no answer");
    expect(searches).toBe(2);
    expect(recovery.ends).toMatchObject([{ outcome: "recovered" }]);
    await handle.executeUpdate("resume", { args: ["a person"] });
  });
  expect(searches).toBe(3);
  expect(script.trials[0]).toMatchObject({ state: "valid" });
});

test.each([
  [1, "is begun again under a higher token", []],
  [5, "five times in a row calls for a person", ["waiting"]],
] as const)("a capacity search that Longhaul's own death cut (%i) %s", async (cuts, _, waits) => {
  const campaignId = freshId();
  const recovery = scriptedRecovery();
  const tokens: number[] = [];
  const script = scripted(scriptedPlan(campaignId, [{ loads: 1 }]), {
    openCapacities: () => async () => [{ platform: "bare", frameSizeBytes: 64 }],
    resolveCapacity: () => async (order) => {
      tokens.push(order.token);
      // As a worker that is told to stop ends its acts.
      if (tokens.length <= cuts) throw broken("the worker was told to stop", "WorkerShutdown");
      return { fps: 1000 };
    },
  });
  const acts = { ...script.activities, ...recovery.acts };
  await runCampaign(bench, acts, { campaignId }, async (handle) => {
    if (waits.length === 0) return;
    const view = await waiting(handle);
    expect(view?.reason).toContain("no capacity of bare at 64 B");
    await handle.executeUpdate("resume", { args: ["a person"] });
  });
  expect(tokens).toHaveLength(cuts + 1);
  expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
  expect(recovery.orders).toEqual([]);
  expect(script.trials[0]).toMatchObject({ state: "valid" });
});

test("a capacity search that no worker heard of any more is never run again under its token", async () => {
  const campaignId = freshId();
  const tokens: number[] = [];
  const script = scripted(scriptedPlan(campaignId, [{ loads: 1 }]), {
    openCapacities: () => async () => [{ platform: "bare", frameSizeBytes: 64 }],
    resolveCapacity: () => async (order) => {
      tokens.push(order.token);
      if (tokens.length === 1) throw new Error("the connection broke");
      return { fps: 1000 };
    },
  });
  const recovery = scriptedRecovery();
  await runCampaign(bench, { ...script.activities, ...recovery.acts }, { campaignId });
  expect(tokens).toHaveLength(2);
  expect(new Set(tokens).size).toBe(2);
});

/** No health trial is passed before a person has released hosts so many times. */
function hopeless(releases = 1) {
  const recovery = scriptedRecovery(({ step }) =>
    step === "health" && recovery.released.length < releases ? { status: "failed" } : {},
  );
  return recovery;
}

/** Answers when the campaign waits, with what it says. */
async function waiting(handle: { query: (name: string) => Promise<unknown> }) {
  let view: CampaignView | undefined;
  await until("it waits for a person", async () => {
    view = (await handle.query("state")) as CampaignView;
    return view.state === "waiting";
  });
  return view;
}

test("an exhausted ladder makes the campaign wait for a person with the reason, and it goes on by resume", async () => {
  const campaignId = freshId();
  const recovery = hopeless();
  const script = lockedUp(campaignId, recovery, [{ loads: 2 }, "migration"]);
  const { result } = await runCampaign(bench, script.activities, { campaignId }, async (handle) => {
    const view = await waiting(handle);
    expect(view?.reason).toBe(
      "R1 is in quarantine: nothing helped. Mend it, then `longhaul resume`",
    );
    expect(script.trials.map(({ state }) => state)).toEqual(["valid", "pending", "pending"]);
    await handle.executeUpdate<Steered, [string]>("resume", { args: ["a person"] });
  });
  expect(result).toMatchObject({ status: "completed" });
  expect(recovery.ends).toMatchObject([
    { outcome: "exhausted", rung: "quarantine" },
    {
      outcome: "recovered",
      why: "R1 released from quarantine: health must be proven before the next measurement",
    },
  ]);
  expect(recovery.released).toEqual(["R1 by a person"]);
  expect(script.states).toContain(
    "waiting: R1 is in quarantine: nothing helped. Mend it, then `longhaul resume`",
  );
  expect(script.trials.map(({ state, verdicts }) => [state, verdicts])).toEqual([
    ["valid", 1],
    ["valid", 1],
    ["valid", 1],
  ]);
});

test("with R2 in quarantine the campaign goes on with forwarding in its order, says so, and takes the migrations up after release, health proven before each change", async () => {
  const campaignId = freshId();
  let mended = false;
  const recovery = scriptedRecovery(
    ({ step, ref }) =>
      step === "health" && ref.trialId.includes("migration") && !mended
        ? { status: "failed", suspects: ["R2"] }
        : {},
    { ...labFacts, migration: true, powered: [] },
  );
  const order: string[] = [];
  const script = scripted(
    scriptedPlan(campaignId, ["migration", { loads: 2 }, "migration", { loads: 1 }]),
    {
      judge: (next) => async (ref, options) => {
        const verdict = await next(ref, options);
        order.push(ref.trialId.split("/").at(-1) ?? "");
        const first = ref.trialId === script.trials[0]?.id;
        return first ? { verdict: "valid", outcome: "stalled" } : verdict;
      },
    },
  );
  const acts = { ...script.activities, ...recovery.acts };
  const { result } = await runCampaign(bench, acts, { campaignId }, async (handle) => {
    await waiting(handle);
    expect(script.states).toContain(
      "running: R2 is in quarantine: nothing helped. What does not need it goes on; the rest waits for `longhaul release`",
    );
    expect(script.trials.map(({ state }) => state)).toEqual([
      ...["valid", "valid", "valid", "pending", "valid"],
    ]);
    mended = true;
    await handle.executeUpdate("releaseHost", { args: ["a person", "R2"] });
  });
  expect(result).toMatchObject({ status: "completed" });
  expect(order).toEqual([
    ...["migration-1", "forwarding-2-load1", "forwarding-2-load2", "forwarding-4-load1"],
    "migration-3",
  ]);
  expect(recovery.ends.map(({ id, outcome, why }) => [id.split("/").at(-1), outcome, why])).toEqual(
    [
      ["recovery-1", "exhausted", "the outcome stalled"],
      [
        expect.stringMatching(/^health-/) as unknown,
        "recovered",
        expect.stringContaining("in quarantine") as unknown,
      ],
      [
        expect.stringMatching(/^health-/) as unknown,
        "recovered",
        "R2 released from quarantine: health must be proven before the next measurement",
      ],
    ],
  );
  expect(recovery.ends[2]?.id).toContain("migration-3/health-");
  expect(script.trials.every(({ verdicts }) => verdicts === 1)).toBe(true);
});

test("what a person released is measured on only after a health trial: a testbed that is not mended waits again", async () => {
  const campaignId = freshId();
  const recovery = hopeless(2);
  const script = lockedUp(campaignId, recovery);
  const acts = { ...script.activities, ...recovery.acts };
  await runCampaign(bench, acts, { campaignId }, async (handle) => {
    await waiting(handle);
    await handle.executeUpdate("resume", { args: ["a person"] });
    await until("it waits again", () => recovery.ends.length === 2);
    await waiting(handle);
    expect(script.tokens).toHaveLength(1);
    await handle.executeUpdate("resume", { args: ["a person"] });
  });
  expect(recovery.ends.map(({ outcome }) => outcome)).toEqual([
    ...["exhausted", "exhausted", "recovered"],
  ]);
  expect(script.trials.map(({ state, verdicts }) => [state, verdicts])).toEqual([
    ["valid", 1],
    ["valid", 1],
  ]);
});

test("releasing the host lets a waiting campaign go on, too; a name is asked for", async () => {
  const campaignId = freshId();
  const recovery = hopeless();
  const script = lockedUp(campaignId, recovery);
  await runCampaign(bench, script.activities, { campaignId }, async (handle) => {
    await waiting(handle);
    await expect(
      handle.executeUpdate("releaseHost", { args: ["a person", ""] }),
    ).rejects.toMatchObject({
      cause: { message: expect.stringContaining("is told no host to release") as unknown },
    });
    await handle.executeUpdate("releaseHost", { args: ["a person", "R1"] });
  });
  expect(recovery.released).toEqual(["R1 by a person"]);
});

test("a trial interrupted between attempts goes on with its next attempt after the person's work", async () => {
  const campaignId = freshId();
  const recovery = hopeless();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 1 }]), {
    prepare: (next) => async (ref) => {
      await next(ref);
      if (ref.attempt === 1) throw broken("R1: no answer", "NoExitStatus");
    },
  });
  const acts = { ...script.activities, ...recovery.acts };
  await runCampaign(bench, acts, { campaignId }, async (handle) => {
    await waiting(handle);
    await handle.executeUpdate("resume", { args: ["a person"] });
  });
  expect(script.trials[0]).toMatchObject({
    state: "valid",
    attempts: [{ verdict: "invalid" }, { attempt: 2, verdict: "valid" }],
  });
});

test("a campaign that waits for a person can be cancelled", async () => {
  const campaignId = freshId();
  const script = lockedUp(campaignId, hopeless());
  const { result } = await runCampaign(bench, script.activities, { campaignId }, async (handle) => {
    await waiting(handle);
    await handle.executeUpdate("cancel", { args: ["a person"] });
  });
  expect(result).toMatchObject({ status: "cancelled" });
  expect(script.trials.map(({ state }) => state)).toEqual(["valid", "skipped"]);
});
