import { expect, test } from "vitest";
import { campaignActs } from "../../activities/campaign.ts";
import { noAttempts } from "../../model/attempts.ts";
import { withStore } from "../store/postgres-server.ts";
import { samplePlan } from "../store/sample-plan.ts";

const at = withStore();

test("the plan is read in elements whose briefs carry the attempts made, and the ledger adds up to the end", async () => {
  const acts = campaignActs(at.store);
  await at.store.putTestbed({ name: "lab", kind: "lab", content: {} });
  await at.store.putPlan(samplePlan("reading"));
  await acts.setCampaignState("reading", "running", null);

  const [first, second] = await acts.nextElements("reading", 2);
  expect(first?.trials).toHaveLength(2);
  expect(first?.trials[0]).toMatchObject({ tally: noAttempts, openToken: null });
  expect(second?.id).not.toBe(first?.id);
  expect(await acts.openCapacities("reading")).not.toEqual([]);

  const trialId = first?.trials[0]?.trialId ?? "";
  const ref = { campaignId: "reading", testbed: "lab", trialId, attempt: 1, token: 1_000_001 };
  expect(await at.store.openAttempt(ref)).toBe(true);
  const [again] = await acts.nextElements("reading", 1);
  expect(again?.trials[0]).toMatchObject({
    tally: { attempts: 1, spent: 0, open: true },
    openToken: 1_000_001,
  });

  await at.store.judge(ref, {
    verdict: { verdict: "valid", outcome: "completed" },
    results: {},
    ledger: [],
    doubts: [],
    final: false,
  });
  expect(await acts.campaignProgress("reading")).toMatchObject({
    planned: 6,
    valid: 1,
    pending: 5,
    running: 0,
    outcomes: { completed: 1 },
    lastTrials: [expect.stringContaining("valid (completed)") as string],
    etaSeconds: expect.any(Number) as number,
  });

  await acts.closeCancelled("reading", "a person");
  expect(await acts.nextElements("reading", 1)).toEqual([]);
  expect(await acts.campaignProgress("reading")).toMatchObject({
    valid: 1,
    skipped: 5,
    pending: 0,
  });
});

test("with a host in quarantine only what can do without it is read, in the order of the plan", async () => {
  const acts = campaignActs(at.store);
  await at.store.putTestbed({ name: "lab", kind: "lab", content: {} });
  const plan = samplePlan("without");
  const trials = plan.trials.map((trial, position) => ({
    ...trial,
    kind: position < 2 ? ("migration" as const) : trial.kind,
  }));
  await at.store.putPlan({ ...plan, trials });
  const read = async (limit: number, quarantined: readonly { host: string; isolated: boolean }[]) =>
    (await acts.nextElements("without", limit, quarantined)).map(({ id }) => id.split("/")[1]);
  expect(await read(10, [])).toEqual(["b1", "b2", "b3"]);
  expect(await read(10, [{ host: "R2", isolated: true }])).toEqual(["b2", "b3"]);
  expect(await read(1, [{ host: "R2", isolated: true }])).toEqual(["b2"]);
  expect(await read(10, [{ host: "R2", isolated: false }])).toEqual([]);
  expect(await read(10, [{ host: "A", isolated: true }])).toEqual([]);
});

test("a campaign that the store does not know is named", async () => {
  await expect(campaignActs(at.store).nextElements("nobody", 1)).rejects.toThrow(
    "the store has no campaign nobody",
  );
});
