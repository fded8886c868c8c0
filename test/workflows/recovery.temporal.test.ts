import { ApplicationFailure } from "@temporalio/common";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CampaignView, Steered } from "../../workflows/messages.ts";
import type { RecoveryActs } from "../../workflows/acts.ts";
import { freshId, runCampaign, until } from "./run.ts";
import type { Bench } from "./run.ts";
import { broken, scripted, scriptedPlan } from "./scripted.ts";
import { labFacts, scriptedRecovery } from "./scripted-recovery.ts";
import { temporalServer } from "./server.ts";

const metadata = "__temporal_workflow_metadata";

let bench: Bench;
beforeAll(async () => {
  bench = await temporalServer();
});
afterAll(() => bench.environment.teardown());

/** A campaign whose first trial ends `locked-up`, its recovery scripted. */
function lockedUp(
  campaignId: string,
  recovery: ReturnType<typeof scriptedRecovery>,
  shape: Parameters<typeof scriptedPlan>[1] = [{ loads: 2 }],
  words: { readonly words?: string } = {},
) {
  const script = scripted(scriptedPlan(campaignId, shape), {
    judge: (next) => async (ref, options) => {
      const verdict = await next(ref, options);
      const first = ref.trialId === script.trials[0]?.id && ref.attempt === 1;
      return first ? { verdict: "valid", outcome: "locked-up", ...words } : verdict;
    },
  });
  return { ...script, activities: { ...script.activities, ...recovery.acts } };
}
const steps = ({ orders }: ReturnType<typeof scriptedRecovery>) => orders.map(({ step }) => step);

test("a valid trial with a bad outcome keeps its verdict, and the ladder is climbed before the next one", async () => {
  const campaignId = freshId();
  const recovery = scriptedRecovery();
  const script = lockedUp(campaignId, recovery);
  const { result } = await runCampaign(bench, script.activities, { campaignId });
  expect(result).toMatchObject({ status: "completed" });
  expect(script.trials).toMatchObject([
    { state: "valid", verdicts: 1, attempts: [{ attempt: 1 }] },
    { state: "valid", verdicts: 1, attempts: [{ attempt: 1 }] },
  ]);
  expect(steps(recovery)).toEqual(["evidence", "destroy-both", "recreate", "health"]);
  expect(recovery.ends).toMatchObject([{ outcome: "recovered", rung: "recreate" }]);
  expect(recovery.orders[0]).toMatchObject({
    id: `${script.trials[0]?.id}/recovery-1`,
    why: "the outcome locked-up",
  });
});

test("every rung has a higher token than all before it, and the next attempt one above them", async () => {
  const campaignId = freshId();
  const recovery = scriptedRecovery();
  const script = lockedUp(campaignId, recovery);
  await runCampaign(bench, script.activities, { campaignId });
  const rungs = recovery.orders.map(({ ref }) => ref.token);
  const [first = 0, second = 0] = script.tokens;
  const all = [first, ...rungs, second];
  expect(all).toEqual([...new Set(all)].toSorted((a, b) => a - b));
});

test("a step is verified before the next is ordered: a failed health trial leads on, not to a measurement", async () => {
  const campaignId = freshId();
  let sick = 3;
  const recovery = scriptedRecovery(({ step }) =>
    step === "health" && sick-- > 0 ? { status: "failed" } : {},
  );
  const script = lockedUp(campaignId, recovery);
  const measuredAt: number[] = [];
  const acts = {
    ...script.activities,
    measure: async (ref: Parameters<typeof script.activities.measure>[0]) => {
      measuredAt.push(recovery.orders.length);
      return script.activities.measure(ref);
    },
  };
  await runCampaign(bench, acts, { campaignId });
  expect(steps(recovery)).toEqual([
    ...["evidence", "destroy-both", "recreate", "health", "destroy-both", "recreate", "health"],
    ...["power-cycle", "destroy-both", "recreate", "health", "destroy-both", "recreate", "health"],
  ]);
  expect(measuredAt).toEqual([0, 14]);
});

test("a migration is cancelled first", async () => {
  const campaignId = freshId();
  const recovery = scriptedRecovery(() => ({}), { ...labFacts, migration: true });
  const script = lockedUp(campaignId, recovery, ["migration"]);
  await runCampaign(bench, script.activities, { campaignId });
  expect(steps(recovery)).toEqual(["evidence", "cancel", "health"]);
});

test("a testbed that could not be restored, and one that could not be prepared, are recovered", async () => {
  const campaignId = freshId();
  const recovery = scriptedRecovery();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 2 }]), {
    prepare: (next) => async (ref) => {
      await next(ref);
      if (ref.trialId.endsWith("load2") && ref.attempt === 1) throw broken("R1: no router");
    },
    restore: () => async (ref) => {
      if (ref.trialId.endsWith("load1")) throw broken("R2: does not tell", "CommandFailed");
    },
  });
  await runCampaign(bench, { ...script.activities, ...recovery.acts }, { campaignId });
  expect(recovery.ends.map(({ why }) => why)).toEqual([
    "restore: R2: does not tell",
    "prepare: R1: no router",
  ]);
  expect(script.trials).toMatchObject([
    { state: "valid", attempts: [{ attempt: 1 }] },
    { state: "valid", attempts: [{ verdict: "invalid" }, { verdict: "valid" }] },
  ]);
});

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
    openCapacities: () => async () => [{ platform: "bare", frameSizeBytes: 64, known: false }],
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

test("a rung whose act fails for good counts as failed, and a refused token ends the recovery", async () => {
  const campaignId = freshId();
  const recovery = scriptedRecovery();
  const script = lockedUp(campaignId, recovery, [{ loads: 1 }, "migration"]);
  const failing: Partial<RecoveryActs> = {
    recreateRouter: async (order) => {
      if (recovery.orders.length < 4) {
        await recovery.acts.recreateRouter(order);
        throw ApplicationFailure.nonRetryable("a defect", "TypeError");
      }
      throw ApplicationFailure.nonRetryable("a higher token", "Fenced");
    },
  };
  const acts = { ...script.activities, ...recovery.acts, ...failing };
  const { result } = await runCampaign(bench, acts, { campaignId });
  expect(result).toMatchObject({ status: "completed" });
  expect(steps(recovery)).toEqual(["evidence", "destroy-both", "recreate", "destroy-both"]);
  expect(recovery.ends).toMatchObject([{ outcome: "superseded" }]);
  expect(script.calls.filter((call) => call === "acquireTestbed")).toHaveLength(2);
});

test("the recovery says in Temporal what was found, what is tried, and its end", async () => {
  const campaignId = freshId();
  const { client } = bench.environment;
  const detailsOf = async (id: string) =>
    (await client.workflow.getHandle(id).query<{ currentDetails: string }, []>(metadata))
      .currentDetails;
  const said: Record<string, string> = {};
  const recovery = scriptedRecovery(async ({ step, id }) => {
    if (step !== "recreate") return {};
    said.sweep = await detailsOf(id.replace(/-load1.*/, ""));
    said.recovery = await detailsOf(id);
    return {};
  });
  const words = "no probe frame came through it; its console beats no more";
  const script = lockedUp(campaignId, recovery, [{ loads: 2 }], { words });
  await runCampaign(bench, script.activities, { campaignId });
  expect(said.sweep).toContain(`the outcome locked-up: ${words}. **Being recovered**`);
  expect(said.recovery).toBe(
    `Called for by: the outcome locked-up: ${words}\n\n- ✓ collect evidence from all hosts: evidence verified\n- ✓ destroy both copies and prove it: destroy-both verified\n\nNow: **recreate the router on R1** (R1)`,
  );
  const handle = client.workflow.getHandle(`${script.trials[0]?.id}/recovery-1`);
  const { typedSearchAttributes } = await handle.describe();
  const values = Object.fromEntries(
    typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]),
  );
  expect(values).toMatchObject({ LhKind: "recovery", LhOutcome: "recovered", LhTestbed: "bench" });
  const { events } = await handle.fetchHistory();
  const summaries = events
    ?.filter(({ activityTaskScheduledEventAttributes }) => activityTaskScheduledEventAttributes)
    .map(
      ({ userMetadata }) =>
        JSON.parse(Buffer.from(userMetadata?.summary?.data ?? []).toString()) as string,
    );
  expect(summaries).toEqual([
    "rung evidence",
    "rung destroy-both · R1, R2",
    "rung recreate · R1",
    "health",
    "recovered: store the end",
  ]);
});
