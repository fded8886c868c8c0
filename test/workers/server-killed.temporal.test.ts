/** Temporal and PostgreSQL are killed (SIGKILL) within each act of a trial and of its recovery. */
import { Context } from "@temporalio/activity";
import { expect, test } from "vitest";
import type { PlannedTrial } from "../../model/trial.ts";
import { samplePlan } from "../store/sample-plan.ts";
import { withStore } from "../store/postgres-server.ts";
import { freshId, startCampaign, until } from "../workflows/run.ts";
import { killableTemporal } from "./killable-temporal.ts";
import { storedActs } from "./stored-acts.ts";
import { held, stuckActNames, stuckScript, termsOf } from "./stuck-acts.ts";

const temporal = killableTemporal();
const postgres = withStore();

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
    await until("each is within its act", () => campaigns.every(({ own }) => own.reached), 60_000);
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
    for (const one of workers) one.shutdown();
    await Promise.all(running);
  }
}, 180_000);

/** The first trial migrates, so that every act is ordered. */
const trialsOf = (id: string): readonly PlannedTrial[] =>
  samplePlan(id, { trialCount: 2 }).trials.map((trial, index) => {
    const own = `${id}/b1/${index === 0 ? "migration" : "forwarding"}-bare-64B-load0`;
    const scenario = { ...trial.scenario, intendedFps: 1000, ofCapacity: null };
    return index === 0
      ? {
          ...{ ...trial, id: own, element: own, kind: "migration" },
          scenario: { ...scenario, direction: "R1toR2" },
        }
      : { ...trial, id: own, scenario };
  });

test("PostgreSQL killed within each act at once costs no trial, and each has one verdict", async () => {
  const { store, server } = postgres;
  const campaigns = stuckActNames.map((act) => {
    const campaignId = freshId();
    const own = gate();
    const terms = termsOf(act);
    const { activities, orders } = storedActs(temporal.client, store, terms);
    // The scripted rung gives up hosts in memory alone.
    const quarantines = (testbed: string) => terms.recovery.quarantines(testbed);
    return {
      act,
      campaignId,
      own,
      orders,
      acts: held({ ...activities, quarantines }, act, own.hold),
    };
  });
  for (const { campaignId: id } of campaigns) {
    await store.putTestbed({ name: id, kind: "lab", content: { name: id } });
    await store.putPlan(samplePlan(id, { testbed: id, trials: trialsOf(id) }));
  }
  const workers = await Promise.all(
    campaigns.map(({ campaignId, acts }) => temporal.worker(acts, campaignId)),
  );
  const running = workers.map((one) => one.run());
  try {
    const handles = await Promise.all(
      campaigns.map(({ campaignId }) =>
        startCampaign(temporal.client, campaignId, { campaignId, testbed: campaignId }),
      ),
    );
    await until("each is within its act", () => campaigns.every(({ own }) => own.reached), 60_000);
    process.kill(server.running.pid, "SIGKILL");
    await expect.poll(() => store.status("none").catch(String)).toMatch(/cannot be reached/);
    for (const { own } of campaigns) own.letGo();
    await server.restart();
    const undone = async () =>
      (await Promise.all(campaigns.map(({ campaignId }) => store.status(campaignId)))).flatMap(
        (status, index) =>
          status?.state === "completed"
            ? []
            : [`${campaigns[index]?.act}: ${status?.state} ${status?.reason}`],
      );
    await expect.poll(undone, { timeout: 100_000, interval: 500 }).toEqual([]);
    await Promise.all(handles.map((handle) => handle.result()));
    for (const { act, campaignId, orders } of campaigns) {
      expect(await store.status(campaignId), act).toMatchObject({
        planned: 2,
        verdicts: { valid: 2, invalid: 0, skipped: 0 },
      });
      const measured = orders.filter((order) => order.startsWith("measure"));
      expect(measured, act).toEqual([...new Set(measured)]);
    }
  } finally {
    for (const one of workers) one.shutdown();
    await Promise.all(running);
  }
}, 240_000);
