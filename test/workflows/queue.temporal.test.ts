import { randomUUID } from "node:crypto";
import { Context } from "@temporalio/activity";
import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lockActs } from "../../activities/lock.ts";
import { lockWorkflowId, taskQueue } from "../../model/search-attributes.ts";
import type { Acts } from "../../workflows/acts.ts";
import type { CampaignView, QueuedHolder, Steered } from "../../workflows/messages.ts";
import { freshId, startCampaign, until, worker } from "./run.ts";
import type { Bench } from "./run.ts";
import { scripted, scriptedPlan } from "./scripted.ts";
import { temporalServer } from "./server.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await temporalServer({ continueAt: 60 });
});
afterAll(() => bench.environment.teardown());

/** One testbed and campaigns of one migration each, whose measurements wait to be let go. */
function queueBench() {
  const testbed = `bench-${randomUUID().slice(0, 8)}`;
  const queue = taskQueue(testbed);
  const { client } = bench.environment;
  const acts = lockActs(client, {
    testbed: async () => ({ content: {}, token: 0 }),
    status: async () => null,
  });
  const gates = new Map<string, { passed: Promise<void>; open: () => void }>();
  const order: string[] = [];
  const plans = new Map<string, ReturnType<typeof scripted>>();
  const campaignOf = (id: string) => plans.get(id) ?? fail(`no campaign ${id}`);
  const gateOf = (id: string) => gates.get(id) ?? fail(`no gate for ${id}`);
  /** The acts of all campaigns, told apart by the id in what they are given. */
  const plain = scripted([]).activities;
  const activities = {
    ...Object.fromEntries(
      (Object.keys(plain) as (keyof Acts)[]).map((name) => [
        name,
        (...given: unknown[]) => {
          const own = (plans.get(campaignIn(given)) ?? { activities: plain }).activities;
          return (own[name] as (...given: unknown[]) => unknown)(...given);
        },
      ]),
    ),
    isClosed: (id: string) => acts.isClosed(id),
  } as unknown as Acts;

  function plan(): string {
    const id = freshId();
    let open: () => void = () => undefined;
    const passed = new Promise<void>((resolve) => (open = resolve));
    gates.set(id, { passed, open });
    plans.set(
      id,
      scripted(scriptedPlan(id, ["migration"]), {
        acquireTestbed: () => acts.acquireTestbed,
        releaseTestbed: () => acts.releaseTestbed,
        measure: () => async () => {
          order.push(id);
          await Promise.race([passed, Context.current().cancelled]);
        },
      }),
    );
    return id;
  }

  return {
    ...{ testbed, order, activities, plan },
    open: (id: string) => gateOf(id).open(),
    states: (id: string) => campaignOf(id).states,
    start: (id: string, more = { queue: true }) =>
      startCampaign(client, queue, { campaignId: id, testbed, ...more }),
    waiting: async () =>
      (
        await client.workflow
          .getHandle(lockWorkflowId(testbed))
          .query<readonly QueuedHolder[], []>("queue")
      ).map(({ holder }) => holder.replace("campaign/", "")),
    run: async (during: () => Promise<void>) =>
      (await worker(bench, activities, queue)).runUntil(during),
  };
}

/** Acts are given the campaign's id, or an object that names it or a trial of it. */
function campaignIn([first]: readonly unknown[]): string {
  if (typeof first === "string") return first;
  const given = first as { campaignId?: string; ref?: { campaignId: string } };
  return given.campaignId ?? given.ref?.campaignId ?? "";
}

const fail = (message: string): never => {
  throw new Error(message);
};
const view = (handle: WorkflowHandle) => handle.query<CampaignView, []>("state");
const isQueued = (handle: WorkflowHandle, words: string) =>
  until(words, async () => {
    const { state, reason } = await view(handle);
    return state === "queued" && reason?.startsWith(words) === true;
  });

test("campaigns wait in turn for a busy testbed, each says its place and who holds it, and each gets it at once", async () => {
  const at = queueBench();
  const ids = [at.plan(), at.plan(), at.plan()] as const;
  await at.run(async () => {
    const [first, second, third] = [
      await at.start(ids[0]),
      await (await measured(0), at.start(ids[1])),
      await (await queued(1), at.start(ids[2])),
    ] as const;
    await isQueued(second, `1st in the queue of the testbed ${at.testbed}, which ${ids[0]} holds`);
    await isQueued(third, `2nd in the queue of the testbed ${at.testbed}, which ${ids[0]} holds`);
    at.open(ids[0]);
    expect(await first.result()).toMatchObject({ status: "completed" });
    await measured(1);
    await isQueued(third, `1st in the queue of the testbed ${at.testbed}, which ${ids[1]} holds`);
    at.open(ids[1]);
    at.open(ids[2]);
    expect(await third.result()).toMatchObject({ status: "completed" });
  });
  expect(at.order).toEqual(ids);
  expect(at.states(ids[1])).toEqual([
    `queued: 1st in the queue of the testbed ${at.testbed}, which ${ids[0]} holds`,
    "running",
    "completed",
  ]);

  async function measured(index: number): Promise<void> {
    await until(`campaign ${index} measures`, () => at.order.length > index);
  }
  async function queued(count: number): Promise<void> {
    await until(`${count} wait`, async () => (await at.waiting()).length === count);
  }
});

test("a queued campaign is cancelled while it waits, and the one behind it moves up", async () => {
  const at = queueBench();
  const [holding, leaving, behind] = [at.plan(), at.plan(), at.plan()];
  await at.run(async () => {
    await at.start(holding);
    await until("the first measures", () => at.order.length === 1);
    const second = await at.start(leaving);
    await isQueued(second, "1st");
    const third = await at.start(behind);
    await isQueued(third, "2nd");
    const answer = await second.executeUpdate<Steered, [string]>("cancel", { args: ["ann"] });
    expect(answer).toEqual({ state: "cancelled" });
    expect(await second.result()).toMatchObject({ status: "cancelled" });
    await isQueued(third, "1st");
    expect(await at.waiting()).toEqual([behind]);
    at.open(holding);
    at.open(behind);
    await third.result();
  });
  expect(at.order).toEqual([holding, behind]);
});

test("a queued campaign that was terminated is passed over, and without --queue a testbed with a queue is busy", async () => {
  const at = queueBench();
  const [holding, dead, behind, impatient] = [at.plan(), at.plan(), at.plan(), at.plan()];
  await at.run(async () => {
    await at.start(holding);
    await until("the first measures", () => at.order.length === 1);
    const second = await at.start(dead);
    await isQueued(second, "1st");
    const third = await at.start(behind);
    await isQueued(third, "2nd");
    await second.terminate("the test ends it");
    const refused = await at.start(impatient, { queue: false });
    expect(await refused.result()).toEqual({ status: "busy", heldBy: `campaign/${holding}` });
    at.open(holding);
    await until("the third measures", () => at.order.length === 2);
    at.open(behind);
    await third.result();
  });
  expect(at.order).toEqual([holding, behind]);
});

test("the queue outlives its worker and the lock's continuing as new, and its order stays", async () => {
  const at = queueBench();
  const ids = Array.from({ length: 6 }, () => at.plan());
  const handles: WorkflowHandle[] = [];
  await at.run(async () => {
    for (const [index, id] of ids.entries()) {
      handles.push(await at.start(id));
      if (index === 0) await until("the first measures", () => at.order.length === 1);
      else await until(`${index} wait`, async () => (await at.waiting()).length === index);
    }
  });
  const lock = bench.environment.client.workflow.getHandle(lockWorkflowId(at.testbed));
  const before = (await lock.describe()).runId;
  for (const id of ids) at.open(id);
  await at.run(async () => {
    for (const handle of handles) await handle.result();
    expect(await at.waiting()).toEqual([]);
  });
  expect([...new Set(at.order)]).toEqual(ids);
  expect((await lock.describe()).runId).not.toBe(before);
});

test("a campaign that waits long continues as new, and keeps its place", async () => {
  const at = queueBench();
  const [holding, waiting] = [at.plan(), at.plan()];
  const passing = Array.from({ length: 8 }, () => at.plan());
  await at.run(async () => {
    await at.start(holding);
    await until("the first measures", () => at.order.length === 1);
    const handle = await at.start(waiting);
    await isQueued(handle, "1st");
    const { runId } = await handle.describe();
    const lock = bench.environment.client.workflow.getHandle(lockWorkflowId(at.testbed));
    // Every one that leaves moves the queue.
    for (const id of passing) {
      const other = await at.start(id);
      await isQueued(other, "2nd");
      await lock.executeUpdate<boolean, [string]>("release", { args: [`campaign/${id}`] });
      await other.terminate("the test ends it");
    }
    await until("it has continued as new", async () => (await handle.describe()).runId !== runId);
    const again = bench.environment.client.workflow.getHandle(handle.workflowId);
    await isQueued(again, "1st");
    at.open(holding);
    at.open(waiting);
    expect(await again.result()).toMatchObject({ status: "completed" });
  });
  expect(at.order).toEqual([holding, waiting]);
});
