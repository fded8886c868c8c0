import { ApplicationFailure } from "@temporalio/common";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RecoveryActs } from "../../workflows/acts.ts";
import { freshId, runCampaign, until } from "./run.ts";
import type { Bench } from "./run.ts";
import { broken, scripted, scriptedPlan } from "./scripted.ts";
import { lockedUp, steps } from "./locked-up.ts";
import { labFacts, scriptedRecovery } from "./scripted-recovery.ts";
import { temporalServer } from "./server.ts";

const metadata = "__temporal_workflow_metadata";

let bench: Bench;
beforeAll(async () => {
  bench = await temporalServer();
});
afterAll(() => bench.environment.teardown());

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

test("a rung whose act fails for good counts as failed, and a refused token ends the recovery", async () => {
  const campaignId = freshId();
  const recovery = scriptedRecovery();
  const script = lockedUp(campaignId, recovery, [{ loads: 1 }, "migration"]);
  const failing: Partial<RecoveryActs> = {
    recreateRouter: async (order) => {
      const answer = await recovery.acts.recreateRouter(order);
      const tries = steps(recovery).filter((step) => step === "recreate").length;
      if (tries === 1) throw ApplicationFailure.nonRetryable("a defect", "TypeError");
      if (tries === 2) throw ApplicationFailure.nonRetryable("a higher token", "Fenced");
      return answer;
    },
  };
  const acts = { ...script.activities, ...recovery.acts, ...failing };
  const { result } = await runCampaign(bench, acts, { campaignId });
  expect(result).toMatchObject({ status: "completed" });
  expect(recovery.failures).toEqual(["recreate: recreateRouter: a defect"]);
  // What was superseded left the testbed as nobody knows: health is proven before the next measurement.
  expect(steps(recovery)).toEqual([
    ...["evidence", "destroy-both", "recreate", "destroy-both", "recreate"],
    ...["evidence", "destroy-both", "recreate", "health"],
  ]);
  expect(recovery.ends).toMatchObject([
    { outcome: "superseded" },
    { outcome: "recovered", why: expect.stringContaining("another holds the testbed") as unknown },
  ]);
  expect(script.calls.filter((call) => call === "acquireTestbed")).toHaveLength(2);
});

test("evidence whose act fails for good hides no rung: the power is there", async () => {
  const campaignId = freshId();
  let sick = 2;
  const recovery = scriptedRecovery(({ step }) =>
    step === "health" && sick-- > 0 ? { status: "failed" } : {},
  );
  const script = lockedUp(campaignId, recovery);
  const collectEvidence = () =>
    Promise.reject(ApplicationFailure.nonRetryable("a defect", "TypeError"));
  const acts = { ...script.activities, ...recovery.acts, collectEvidence };
  await runCampaign(bench, acts, { campaignId });
  expect(recovery.failures).toEqual(["evidence: collectEvidence: a defect"]);
  expect(steps(recovery)).toContain("power-cycle");
  expect(recovery.ends).toMatchObject([{ outcome: "recovered", rung: "power-cycle" }]);
});

test("a recovery that somebody terminated is closed, and a person is asked before the next one", async () => {
  const campaignId = freshId();
  const { client } = bench.environment;
  let isTerminated = false;
  const recovery = scriptedRecovery(async ({ step, id }) => {
    if (step !== "recreate" || isTerminated) return {};
    isTerminated = true;
    await client.workflow.getHandle(id).terminate("a person");
    return {};
  });
  const script = lockedUp(campaignId, recovery);
  const acts = { ...script.activities, ...recovery.acts };
  await runCampaign(bench, acts, { campaignId }, async (handle) => {
    await until("it waits", () => script.states.at(-1)?.startsWith("waiting") === true);
    expect(recovery.ends).toMatchObject([
      { outcome: "exhausted", id: `${script.trials[0]?.id}/recovery-1`, rung: null },
    ]);
    expect(script.states.at(-1)).toContain("ended without a result");
    expect(steps(recovery)).toEqual(["evidence", "destroy-both", "recreate"]);
    await handle.executeUpdate("resume", { args: ["a person"] });
  });
  expect(recovery.ends.at(-1)).toMatchObject({ outcome: "recovered" });
  expect(script.trials.map(({ state }) => state)).toEqual(["valid", "valid"]);
});

test("a ladder that ends without any host in quarantine waits for a person instead of being climbed again", async () => {
  const campaignId = freshId();
  let isMended = false;
  const recovery = scriptedRecovery(({ step }) =>
    step === "health" && !isMended ? { status: "failed" } : {},
  );
  const script = lockedUp(campaignId, recovery);
  const quarantineHosts = () =>
    Promise.reject(ApplicationFailure.nonRetryable("a defect", "TypeError"));
  const acts = { ...script.activities, ...recovery.acts, quarantineHosts };
  await runCampaign(bench, acts, { campaignId }, async (handle) => {
    await until("it waits", () => script.states.at(-1)?.startsWith("waiting") === true);
    expect(script.states.at(-1)).toContain("the quarantine of R1 failed");
    expect(steps(recovery).filter((step) => step === "evidence")).toHaveLength(1);
    isMended = true;
    await handle.executeUpdate("resume", { args: ["a person"] });
  });
  expect(script.trials.map(({ state }) => state)).toEqual(["valid", "valid"]);
});

test("a testbed that another campaign's recovery left unmended is proven healthy before the first measurement", async () => {
  const campaignId = freshId();
  const recovery = scriptedRecovery();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 1 }, { loads: 1 }]));
  const doubt = "the testbed's last recovery (other/b01/t/recovery-1) ended cancelled";
  const healthDoubt = async () => (recovery.ends.length === 0 ? doubt : null);
  const acts = { ...script.activities, ...recovery.acts, healthDoubt };
  await runCampaign(bench, acts, { campaignId });
  expect(steps(recovery)).toEqual(["evidence", "destroy-both", "recreate", "health"]);
  expect(recovery.ends).toMatchObject([{ outcome: "recovered", why: doubt }]);
  expect(script.calls.filter((call) => call.startsWith("prepare"))).toHaveLength(2);
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
  const { typedSearchAttributes, raw } = await handle.describe();
  // A weekend without store or lab is waited out.
  expect(Number(raw.executionConfig?.workflowExecutionTimeout?.seconds ?? 0)).toBe(0);
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
