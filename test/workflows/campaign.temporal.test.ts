import { afterAll, beforeAll, expect, test } from "vitest";
import { freshId, runCampaign } from "./run.ts";
import type { Bench } from "./run.ts";
import { broken, inOrder, scripted, scriptedPlan } from "./scripted.ts";
import { temporalServer } from "./server.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await temporalServer();
});
afterAll(() => bench.environment.teardown());

test("a campaign takes the lock, reads the plan, and orders each trial's steps one by one", async () => {
  const campaignId = freshId();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 2 }, "migration"]));
  const { result } = await runCampaign(bench, script.activities, { campaignId });
  expect(result).toEqual({
    status: "completed",
    ledger: "3 planned = 3 valid + 0 invalid + 0 skipped",
    outcomes: { completed: 3 },
  });
  expect(inOrder(script.calls)).toEqual([
    "acquireTestbed",
    "setCampaignState",
    "campaignProgress",
    "openCapacities",
    "quarantines",
    "healthDoubt",
    "nextElements",
    ...["prepare load1#1", "measure load1#1", "judge load1#1", "restore load1#1"],
    ...["prepare load2#1", "measure load2#1", "judge load2#1", "restore load2#1"],
    ...["prepare 2#1", "measure 2#1", "locate 2#1", "judge 2#1", "restore 2#1"],
    "quarantines",
    "nextElements",
    "releaseTestbed",
    "setCampaignState",
    "campaignProgress",
  ]);
  expect(script.states).toEqual(["running", "completed"]);
});

test("the testbed is restored even when preparing it fails, and the next attempt is the second", async () => {
  const campaignId = freshId();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 1 }]), {
    prepare: (next) => async (ref) => {
      await next(ref);
      if (ref.attempt === 1) throw broken("R1: no route to host");
    },
  });
  await runCampaign(bench, script.activities, { campaignId });
  expect(inOrder(script.calls.filter((call) => call.includes("#")))).toEqual([
    ...["prepare load1#1", "rejectAttempt load1#1", "restore load1#1"],
    ...["prepare load1#2", "measure load1#2", "judge load1#2", "restore load1#2"],
  ]);
  expect(script.trials[0]).toMatchObject({
    state: "valid",
    verdicts: 1,
    attempts: [
      { verdict: "invalid", cut: false, reason: "prepare: R1: no route to host" },
      { verdict: "valid" },
    ],
  });
});
