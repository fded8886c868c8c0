import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lockActs } from "../../activities/lock.ts";
import { lockWorkflowId, taskQueue } from "../../model/search-attributes.ts";
import type { LockHolder } from "../../workflows/messages.ts";
import { freshId, startCampaign, until, worker } from "./run.ts";
import type { Bench } from "./run.ts";
import { scripted, scriptedPlan } from "./scripted.ts";
import { temporalServer } from "./server.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await temporalServer({ continueAt: 40 });
});
afterAll(() => bench.environment.teardown());

/** The real lock on a real server, above a store that has seen `token`. */
function lockOf(token = 0) {
  const testbed = `bench-${randomUUID().slice(0, 8)}`;
  const store = {
    testbed: async () => ({ content: {}, token }),
    status: async () => null,
  };
  const acts = lockActs(bench.environment.client, store);
  const overrides = {
    acquireTestbed: () => acts.acquireTestbed,
    releaseTestbed: () => (id: string, name: string) => acts.releaseTestbed(id, name),
    isClosed: () => (id: string) => acts.isClosed(id),
  };
  const holder = () =>
    bench.environment.client.workflow
      .getHandle(lockWorkflowId(testbed))
      .query<LockHolder, []>("holder");
  return { testbed, acts, overrides, holder };
}

test("a grant's epoch is above the store's highest token, the same holder keeps it, and renewing raises it", async () => {
  const { testbed, acts } = lockOf(7_000_042);
  const script = scripted([], { isClosed: () => (id: string) => acts.isClosed(id) });
  const running = await worker(bench, script.activities, taskQueue(testbed));
  await running.runUntil(async () => {
    expect(await acts.acquireTestbed("one", testbed, false)).toEqual({
      status: "granted",
      epoch: 8,
    });
    expect(await acts.acquireTestbed("one", testbed, false)).toEqual({
      status: "granted",
      epoch: 8,
    });
    expect(await acts.acquireTestbed("one", testbed, true)).toEqual({
      status: "granted",
      epoch: 9,
    });
    await acts.releaseTestbed("one", testbed);
    await acts.releaseTestbed("one", testbed);
    expect(await acts.acquireTestbed("two", testbed, false)).toEqual({
      status: "granted",
      epoch: 10,
    });
  });
});

test("releasing a lock that was never taken is done at once", async () => {
  const { testbed, acts } = lockOf();
  await expect(acts.releaseTestbed("one", testbed)).resolves.toBeUndefined();
});

test("a busy testbed refuses a second campaign, names the holder, and the first one goes on", async () => {
  const { testbed, overrides, holder } = lockOf();
  const [first, second] = [freshId(), freshId()];
  let go: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (go = resolve));
  const script = scripted(scriptedPlan(first, ["migration"]), {
    ...overrides,
    measure: () => () => gate,
  });
  const running = await worker(bench, script.activities, taskQueue(testbed));
  const { client } = bench.environment;
  await running.runUntil(async () => {
    const one = await startCampaign(client, taskQueue(testbed), { campaignId: first, testbed });
    await until("the first campaign measures", () =>
      script.calls.some((call) => call.startsWith("measure")),
    );
    const two = await startCampaign(client, taskQueue(testbed), { campaignId: second, testbed });
    expect(await two.result()).toEqual({ status: "busy", heldBy: `campaign/${first}` });
    expect(await holder()).toEqual({ holder: `campaign/${first}`, epoch: 1 });
    go();
    expect(await one.result()).toMatchObject({ status: "completed" });
    expect(await holder()).toEqual({ holder: null, epoch: 1 });
  });
  expect(script.states).toContain(`planned: the testbed ${testbed} is held by campaign/${first}`);
});

test("a testbed whose holder was terminated is given to the next campaign under a higher epoch", async () => {
  const { testbed, acts, overrides } = lockOf();
  const dead = freshId();
  const script = scripted(scriptedPlan(dead, ["migration"]), overrides);
  const { client } = bench.environment;
  // Nobody serves its queue: it holds the lock and never moves.
  const holding = await startCampaign(client, `nobody-${testbed}`, { campaignId: dead, testbed });
  const running = await worker(bench, script.activities, taskQueue(testbed));
  await running.runUntil(async () => {
    expect(await acts.acquireTestbed(dead, testbed, false)).toMatchObject({ epoch: 1 });
    expect(await acts.acquireTestbed("next", testbed, false)).toEqual({
      status: "busy",
      heldBy: `campaign/${dead}`,
    });
    await holding.terminate("the test ends it");
    expect(await acts.acquireTestbed("next", testbed, false)).toEqual({
      status: "granted",
      epoch: 2,
    });
  });
});

test("the lock continues as new and keeps holder and epoch", async () => {
  const { testbed, acts, holder } = lockOf();
  const script = scripted([], {});
  const running = await worker(bench, script.activities, taskQueue(testbed));
  await running.runUntil(async () => {
    const { client } = bench.environment;
    await acts.acquireTestbed("one", testbed, false);
    const handle = client.workflow.getHandle(lockWorkflowId(testbed));
    const first = (await handle.describe()).runId;
    for (let grant = 2; grant <= 15; grant++)
      expect(await acts.acquireTestbed("one", testbed, true)).toMatchObject({ epoch: grant });
    expect((await handle.describe()).runId).not.toBe(first);
    expect(await holder()).toEqual({ holder: "campaign/one", epoch: 15 });
  });
});
