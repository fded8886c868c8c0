/** Temporal is killed and away for longer than the SDK waits to deliver a result, or comes back older than it was. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Context } from "@temporalio/activity";
import { Client, Connection } from "@temporalio/client";
import { NativeConnection, Worker } from "@temporalio/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { campaignWorkflowId, defaultNamespace, taskQueue } from "../../model/search-attributes.ts";
import { choosePort } from "../../services/ports.ts";
import { endProcess, identityOf } from "../../services/process-identity.ts";
import { prepareTemporal, startTemporal } from "../../services/temporal-server.ts";
import type { RunningTemporal } from "../../services/temporal-server.ts";
import { temporalBinary } from "../../services/temporal.ts";
import { workflowBundle } from "../../workers/bundle.ts";
import type { Acts } from "../../workflows/acts.ts";
import { planted } from "../store/sample-plan.ts";
import { withStore } from "../store/postgres-server.ts";
import { freshId, startCampaign, until } from "../workflows/run.ts";
import { inOrder, scripted, scriptedPlan } from "../workflows/scripted.ts";
import { quietRuntime, testCache } from "../workflows/server.ts";
import { storedActs } from "./stored-acts.ts";

/** Core tries 6 to 14 s to deliver an activity's result (1.24.0). */
const outageMs = Number(process.env.LONGHAUL_TEST_OUTAGE_MS ?? 22_000);
const folder = mkdtempSync(join(tmpdir(), "longhaul-away-"));
const databaseFile = join(folder, "temporal.db");
const postgres = withStore();
let [binary, codePath] = ["", ""];
let server: RunningTemporal;
let connection: NativeConnection;
let client: Client;
const ports = { frontend: 0, ui: 0, metrics: 0 };

const start = async () => {
  server = await startTemporal({ binary, databaseFile, ports, log: join(folder, "log") });
};
async function kill(): Promise<void> {
  const identity = identityOf(server.pid);
  if (identity !== null) await endProcess(identity, "SIGKILL", 10_000);
}
/** When the server gave up the first act of this workflow that did not end, ms since 1970. */
async function timedOutAt(workflowId: string): Promise<number> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const timeout = events?.find((event) => event.activityTaskTimedOutEventAttributes);
  return Number(timeout?.eventTime?.seconds ?? NaN) * 1000;
}
const worker = (activities: Acts, queue: string) =>
  Worker.create({
    ...{ connection, namespace: defaultNamespace, taskQueue: queue, activities },
    workflowBundle: { codePath },
    maxHeartbeatThrottleInterval: "1s",
    stickyQueueScheduleToStartTimeout: "1s",
  });

beforeAll(async () => {
  quietRuntime();
  [binary, codePath] = await Promise.all([
    temporalBinary(testCache, () => undefined),
    workflowBundle(testCache),
  ]);
  const taken = new Set<number>();
  for (const name of ["frontend", "ui", "metrics"] as const)
    taken.add((ports[name] = await choosePort("a3a700", null, taken)));
  await start();
  connection = await NativeConnection.connect({ address: server.address });
  client = new Client({
    connection: await Connection.connect({ address: server.address }),
    namespace: defaultNamespace,
  });
});
afterAll(async () => {
  await client.connection.close();
  await connection.close();
  await server.stop();
  rmSync(folder, { recursive: true });
});

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
    campaigns.map(({ script, campaignId }) => worker(script.activities, campaignId)),
  );
  const running = workers.map((one) => one.run());
  try {
    const handles = await Promise.all(
      campaigns.map(({ campaignId }) => startCampaign(client, campaignId, { campaignId })),
    );
    await until("both measure", () =>
      campaigns.every(({ script }) => script.calls.includes("measure load1#1")),
    );
    await delay(1500);
    await kill();
    for (const { away } of campaigns) away.resolve(undefined);
    await delay(outageMs);
    await start();
    const restarted = Date.now();
    for (const handle of handles)
      expect(await handle.result()).toMatchObject({ status: "completed" });
    for (const { script } of campaigns) {
      // The timers fire at the restart: nobody waits for them (20 s) a second time.
      const givenUp = await timedOutAt(script.trials[0]?.element ?? "");
      expect(givenUp - restarted).toBeLessThan(15_000);
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
});

test("a Temporal that comes back with an older copy of its database repeats no trial and lowers no token", async () => {
  const { store } = postgres;
  const campaignId = freshId();
  await planted(store, campaignId, { trialCount: 8 });
  let sticks = "b2/forwarding-bare-64B-load0";
  const { activities, orders, tokens } = storedActs(client, store, {
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
    (await worker(activities, taskQueue("lab"))).runUntil(during);
  const copy = join(folder, "older.db");
  await running(async () => {
    await startCampaign(client, taskQueue("lab"), { campaignId, testbed: "lab" });
    await until("the third trial is measured", () => orders.includes(`measure ${sticks}#1`));
    await server.stop();
    // Looking at it moves what the write-ahead log holds into the file itself.
    await prepareTemporal(databaseFile, () => undefined);
    copyFileSync(databaseFile, copy);
    await start();
    sticks = "b3/forwarding-bare-64B-load1";
    await until(
      "the sixth trial is measured",
      () => orders.includes(`measure ${sticks}#1`),
      120_000,
    );
    await kill();
  });
  for (const suffix of ["-wal", "-shm"]) rmSync(databaseFile + suffix, { force: true });
  copyFileSync(copy, databaseFile);
  await start();
  sticks = "none";
  const handle = client.workflow.getHandle(campaignWorkflowId(campaignId));
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
