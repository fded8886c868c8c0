import { afterAll, beforeAll, expect, test } from "vitest";
import { freshId, worker } from "../workflows/run.ts";
import type { Bench } from "../workflows/run.ts";
import { inOrder, scripted } from "../workflows/scripted.ts";
import { temporalServer } from "../workflows/server.ts";
import { killedPlan, killedWithin } from "./killed-plan.ts";
import type { CampaignView } from "../../workflows/messages.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await temporalServer();
});
afterAll(() => bench.environment.teardown());

async function killedInTheMiddle(campaignId: string) {
  const [handle] = await killedWithin(bench, [{ campaignId, act: "measure" }]);
  if (handle === undefined) throw new Error("no campaign was started");
  return handle;
}

/** The plan as the killed worker left it: the first trial's first attempt is open. */
function planLeftBy(campaignId: string) {
  const plan = killedPlan(campaignId);
  plan[0]?.attempts.push({ attempt: 1, token: 1_000_001, verdict: null, cut: false, reason: null });
  return plan;
}

test.concurrent(
  "a worker killed in the middle of a measurement is followed by another, which collects first and loses no trial",
  async () => {
    const campaignId = freshId();
    const handle = await killedInTheMiddle(campaignId);
    const script = scripted(planLeftBy(campaignId));
    const next = await worker(bench, script.activities, campaignId);
    await next.runUntil(async () => {
      const asked = Date.now();
      expect(await handle.query<CampaignView, []>("state")).toMatchObject({ state: "running" });
      // The sticky queue of the dead worker costs one second, not the SDK's ten.
      expect(Date.now() - asked).toBeLessThan(9500);
      expect(await handle.result()).toMatchObject({ status: "completed" });
    });
    expect(script.calls.slice(0, 3)).toEqual(["collect 1#1", "rejectAttempt 1#1", "restore 1#1"]);
    expect(script.trials).toMatchObject([
      { state: "valid", verdicts: 1, attempts: [{ cut: true }, { verdict: "valid" }] },
      { state: "valid", verdicts: 1, attempts: [{ attempt: 1 }] },
    ]);
  },
  240_000,
);

test.concurrent(
  "a measurement that finished on the hosts though its worker was killed is judged, not measured again",
  async () => {
    const campaignId = freshId();
    const handle = await killedInTheMiddle(campaignId);
    const script = scripted(planLeftBy(campaignId), {
      collect: () => async () => ({ status: "measured" }),
    });
    const next = await worker(bench, script.activities, campaignId);
    await next.runUntil(handle.result());
    expect(inOrder(script.calls.filter((call) => call.includes(" 1#")))).toEqual([
      "collect 1#1",
      "locate 1#1",
      "judge 1#1",
      "restore 1#1",
    ]);
  },
  240_000,
);
