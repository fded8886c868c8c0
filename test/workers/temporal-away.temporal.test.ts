/** Temporal is killed and away for longer than the SDK waits to deliver a result, or comes back older than it was. */
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Context } from "@temporalio/activity";
import { expect, test } from "vitest";
import { campaignWorkflowId, taskQueue } from "../../model/search-attributes.ts";
import { prepareTemporal } from "../../services/temporal-server.ts";
import { planted } from "../store/sample-plan.ts";
import { withStore } from "../store/postgres-server.ts";
import { freshId, startCampaign, until } from "../workflows/run.ts";
import { inOrder, scripted, scriptedPlan } from "../workflows/scripted.ts";
import { killableTemporal } from "./killable-temporal.ts";
import { storedActs } from "./stored-acts.ts";

/** Core tries 6 to 14 s to deliver an activity's result (1.24.0). */
const outageMs = Number(process.env.LONGHAUL_TEST_OUTAGE_MS ?? 22_000);
/** A busy machine may take so long to come to a trial. */
const patienceMs = 90_000;
const temporal = killableTemporal();
const postgres = withStore();

test("what was measured while Temporal was away is collected, whether it ended in the outage or after it", async () => {
  const { promise: back, resolve: isBack } = Promise.withResolvers<undefined>();
  const campaigns = (["ends within", "ends after"] as const).map((when) => {
    const campaignId = freshId();
    const away = Promise.withResolvers<undefined>();
    const script = scripted(scriptedPlan(campaignId, [{ loads: 2 }]), {
      measure: (next) => async (ref) => {
        if (ref.trialId.endsWith("load2")) return next(ref);
        const beat = setInterval(() => Context.current().heartbeat(), 200);
        await away.promise;
        if (when === "ends after") await Promise.race([Context.current().cancelled, back]);
        clearInterval(beat);
      },
      collect: () => async () => ({ status: "measured" }),
    });
    return { campaignId, script, away };
  });
  const workers = await Promise.all(
    campaigns.map(({ script, campaignId }) => temporal.worker(script.activities, campaignId)),
  );
  const running = workers.map((one) => one.run());
  try {
    const handles = await Promise.all(
      campaigns.map(({ campaignId }) => startCampaign(temporal.client, campaignId, { campaignId })),
    );
    await until(
      "both measure",
      () => campaigns.every(({ script }) => script.calls.includes("measure load1#1")),
      patienceMs,
    );
    await delay(1500);
    await temporal.kill();
    for (const { away } of campaigns) away.resolve(undefined);
    await delay(outageMs);
    await temporal.start();
    for (const handle of handles)
      expect(await handle.result()).toMatchObject({ status: "completed" });
    for (const { script } of campaigns) {
      expect(inOrder(script.calls.filter((call) => call.endsWith("load1#1")))).toEqual([
        ...["prepare", "measure", "collect", "judge", "restore"].map((act) => `${act} load1#1`),
      ]);
      expect(script.trials).toMatchObject([
        { state: "valid", verdicts: 1, attempts: [{ verdict: "valid" }] },
        { state: "valid", verdicts: 1 },
      ]);
    }
  } finally {
    isBack(undefined);
    for (const one of workers) one.shutdown();
    await Promise.all(running);
  }
}, 240_000);

test("a Temporal that comes back with an older copy of its database repeats no trial and lowers no token", async () => {
  const { store } = postgres;
  const { databaseFile, folder } = temporal;
  const campaignId = freshId();
  await planted(store, campaignId, { trialCount: 8 });
  let sticks = "b2/forwarding-bare-64B-load0";
  const { activities, orders, tokens } = storedActs(temporal.client, store, {
    measure: async ({ trialId }) => {
      const beat = setInterval(() => Context.current().heartbeat(), 200);
      if (trialId.endsWith(sticks))
        await Promise.race([
          Context.current().cancelled,
          until("freed", () => !trialId.endsWith(sticks), 200_000),
        ]);
      clearInterval(beat);
    },
    collect: () => "measured",
  });
  const running = async <Result>(during: () => Promise<Result>): Promise<Result> =>
    (await temporal.worker(activities, taskQueue("lab"))).runUntil(during);
  const copy = join(folder, "older.db");
  await running(async () => {
    await startCampaign(temporal.client, taskQueue("lab"), { campaignId, testbed: "lab" });
    await until(
      "the third trial is measured",
      () => orders.includes(`measure ${sticks}#1`),
      patienceMs,
    );
    await temporal.stop();
    // Looking at it moves what the write-ahead log holds into the file itself.
    await prepareTemporal(databaseFile, () => undefined);
    copyFileSync(databaseFile, copy);
    await temporal.start();
    sticks = "b3/forwarding-bare-64B-load1";
    await until(
      "the sixth trial is measured",
      () => orders.includes(`measure ${sticks}#1`),
      patienceMs,
    );
    await temporal.kill();
  });
  for (const suffix of ["-wal", "-shm"]) rmSync(databaseFile + suffix, { force: true });
  copyFileSync(copy, databaseFile);
  await temporal.start();
  sticks = "none";
  const handle = temporal.client.workflow.getHandle(campaignWorkflowId(campaignId));
  await running(() => handle.result());
  expect(await store.status(campaignId)).toMatchObject({
    state: "completed",
    planned: 8,
    verdicts: { valid: 8, invalid: 0, skipped: 0 },
    attempts: 8,
  });
  const measured = orders.filter((order) => order.startsWith("measure"));
  expect(measured).toEqual([...new Set(measured)]);
  const prepared = tokens.filter((_, index) => orders[index]?.startsWith("prepare"));
  expect(prepared).toEqual([...new Set(prepared)].sort((one, other) => one - other));
}, 240_000);
