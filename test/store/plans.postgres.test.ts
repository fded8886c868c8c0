import { expect, test } from "vitest";
import { UsageError } from "../../model/usage-error.ts";
import { planted, sampleCampaign, samplePlan } from "./sample-plan.ts";
import { withStore } from "./postgres-server.ts";

const postgres = withStore();

test("a plan written twice exists once, with every trial pending", async () => {
  const plan = await planted(postgres.store, "twice");
  expect(await postgres.store.putPlan(plan)).toBe("exists");
  expect(await postgres.store.trials("twice")).toMatchObject(
    plan.trials.map((trial) => ({ ...trial, state: "pending", attempts: 0, results: {} })),
  );
  expect(await postgres.store.status("twice")).toMatchObject({
    campaign: "twice",
    state: "planned",
    planned: 6,
    pending: 6,
    running: 0,
    verdicts: { valid: 0, invalid: 0, skipped: 0 },
    outcomes: {},
    attempts: 0,
    recoveries: 0,
    startedAt: null,
    current: null,
  });
});

test("a plan written by two at the same time exists once", async () => {
  await planted(postgres.store, "other");
  const plan = samplePlan("same-time");
  const answers = await Promise.all([postgres.store.putPlan(plan), postgres.store.putPlan(plan)]);
  expect(answers.toSorted()).toEqual(["exists", "written"]);
});

test("another plan under the same id is refused with what differs", async () => {
  await planted(postgres.store, "taken");
  const other = samplePlan("taken", {
    planHash: "other",
    campaign: { ...sampleCampaign, repetitions: 5, guest: { ...sampleCampaign.guest, vcpus: 2 } },
  });
  const refusal = postgres.store.putPlan(other);
  await expect(refusal).rejects.toThrow(UsageError);
  await expect(refusal).rejects.toThrow(
    [
      'campaign "taken" exists with another plan:',
      "  repetitions: 3 in the store, 5 here",
      "  guest.vcpus: 1 in the store, 2 here",
      "Give this one another --id, or leave --id away for a new one.",
    ].join("\n"),
  );
});

test("a plan for a testbed that is not in the store is refused with the known ones", async () => {
  await planted(postgres.store, "known");
  await expect(postgres.store.putPlan(samplePlan("nowhere", { testbed: "rack9" }))).rejects.toThrow(
    'campaign "nowhere": its testbed "rack9" is not in the store; known: lab',
  );
});

test("fresh ids differ even when asked for at the same time, and none is used again", async () => {
  await planted(postgres.store, "fresh-2");
  const ids = await Promise.all(
    Array.from({ length: 6 }, () => postgres.store.freshCampaignId("fresh")),
  );
  expect(ids.toSorted()).toEqual([
    "fresh-1",
    "fresh-3",
    "fresh-4",
    "fresh-5",
    "fresh-6",
    "fresh-7",
  ]);
  await postgres.store.deleteCampaign("fresh-2");
  expect(await postgres.store.freshCampaignId("fresh")).toBe("fresh-8");
});

test("loads of a capacity are filled in once and keep their first value", async () => {
  await planted(postgres.store, "capacity");
  await postgres.store.resolveLoads("capacity", "bare", 64, { fps: 80_000, beyond: [] });
  await postgres.store.resolveLoads("capacity", "bare", 64, { fps: 90_000, beyond: [] });
  const loads = (await postgres.store.trials("capacity")).map((t) => t.scenario.intendedFps);
  expect(loads).toEqual([1000, 40_000, 1000, 40_000, 1000, 40_000]);
});

test("trials whose resolved load the testbed cannot offer get their verdict without an attempt, the others stay", async () => {
  await planted(postgres.store, "beyond");
  const reason = "beyond the testbed: both numbers";
  const beyond = [{ ofCapacity: 0.5, verdict: "skipped", reason }] as const;
  await postgres.store.resolveLoads("beyond", "bare", 64, { fps: 80_000, beyond });
  const trials = await postgres.store.trials("beyond");
  const asked = trials.filter(({ scenario }) => scenario.ofCapacity === 0.5);
  expect(asked).toHaveLength(3);
  for (const trial of asked)
    expect(trial).toMatchObject({
      ...{ state: "skipped", reason, attempts: 0, judgedAttempt: null },
      endedAt: expect.any(String) as string,
      scenario: { intendedFps: 40_000 },
    });
  expect(await postgres.store.status("beyond")).toMatchObject({
    ...{ planned: 6, pending: 3, attempts: 0 },
    verdicts: { valid: 0, invalid: 0, skipped: 3 },
  });
});
