/** Temporal is killed (SIGKILL) within each act of a trial and of its recovery. */
import { Context } from "@temporalio/activity";
import { expect, test } from "vitest";
import { freshId, startCampaign } from "../workflows/run.ts";
import { killableTemporal } from "./killable-temporal.ts";
import { stuckActNames, stuckScript } from "./stuck-acts.ts";

const temporal = killableTemporal();

/** An act that is reached waits, beating, until it is let go; every later one goes on at once. */
function gate() {
  const { promise: free, resolve: letGo } = Promise.withResolvers<undefined>();
  const gated = { reached: false, letGo: () => letGo(undefined), hold };
  async function hold(): Promise<void> {
    gated.reached = true;
    const beat = setInterval(() => Context.current().heartbeat(), 200);
    await free.finally(() => clearInterval(beat));
  }
  return gated;
}

test("Temporal killed within each act at once costs no trial, and none is measured twice", async () => {
  const campaigns = stuckActNames.map((act) => {
    const campaignId = freshId();
    const own = gate();
    return { act, campaignId, own, script: stuckScript(campaignId, act, own.hold) };
  });
  const workers = await Promise.all(
    campaigns.map(({ campaignId, script }) => temporal.worker(script.activities, campaignId)),
  );
  const running = workers.map((one) => one.run());
  try {
    const handles = await Promise.all(
      campaigns.map(({ campaignId }) => startCampaign(temporal.client, campaignId, { campaignId })),
    );
    await expect
      .poll(() => campaigns.flatMap(({ act, own }) => (own.reached ? [] : [act])), {
        timeout: 60_000,
      })
      .toEqual([]);
    await temporal.kill();
    for (const { own } of campaigns) own.letGo();
    await temporal.start();
    for (const handle of handles)
      expect(await handle.result()).toMatchObject({ status: "completed" });
    for (const { act, script } of campaigns) {
      expect(
        script.trials.map(({ state, verdicts }) => [state, verdicts]),
        act,
      ).toEqual([
        ["valid", 1],
        ["valid", 1],
      ]);
      const measured = script.calls.filter((call) => call.startsWith("measure"));
      expect(measured, act).toEqual([...new Set(measured)]);
    }
  } finally {
    for (const { own } of campaigns) own.letGo();
    for (const one of workers) one.shutdown();
    await Promise.all(running);
  }
}, 180_000);
