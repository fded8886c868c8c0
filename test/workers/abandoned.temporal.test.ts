/** Acts in the hand of a worker that died are given up at once; those of one that may live are left to Temporal. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Client } from "@temporalio/client";
import type { TestWorkflowEnvironment } from "@temporalio/testing";
import { identityOf } from "../../services/process-identity.ts";
import { giveUpAbandoned, workerIdentity } from "../../workers/abandoned.ts";
import { temporalServer } from "../workflows/server.ts";

let environment: TestWorkflowEnvironment;
let client: Client;
beforeAll(async () => {
  ({ environment } = await temporalServer());
  ({ client } = environment);
});
afterAll(() => environment.teardown());

const seconds = (value: number) => ({ seconds: value, nanos: 0 }) as never;

/** A workflow with one act in the hand of the worker of this identity, as the server sees it. */
async function inHandOf(identity: string, queue: string) {
  const { workflowService: service } = client;
  const namespace = environment.namespace ?? "default";
  const taskQueue = { name: queue };
  const { workflowId } = await client.workflow.start("nobodysCode", {
    taskQueue: queue,
    workflowId: queue,
  });
  const polled = <Task>(poll: () => Promise<Task>) =>
    client.withDeadline(Date.now() + 20_000, poll);
  const task = await polled(() =>
    service.pollWorkflowTaskQueue({ namespace, taskQueue, identity }),
  );
  await service.respondWorkflowTaskCompleted({
    namespace,
    taskToken: task.taskToken,
    identity,
    commands: [
      {
        // COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK
        commandType: 1,
        scheduleActivityTaskCommandAttributes: {
          activityId: "1",
          activityType: { name: "measure" },
          taskQueue,
          startToCloseTimeout: seconds(600),
          retryPolicy: { maximumAttempts: 1 },
        },
      },
    ],
  });
  await polled(() => service.pollActivityTaskQueue({ namespace, taskQueue, identity }));
  const handle = client.workflow.getHandle(workflowId);
  await vi.waitFor(async () => {
    const { raw } = await handle.describe();
    expect(raw.pendingActivities?.[0]?.lastWorkerIdentity).toBe(identity);
    const found = [];
    for await (const one of client.workflow.list({ query: `TaskQueue = '${queue}'` }))
      found.push(one);
    expect(found).toHaveLength(1);
  }, 10_000);
  return async () => {
    const { events } = await handle.fetchHistory();
    return events
      ?.map(({ activityTaskFailedEventAttributes: attributes }) => attributes?.failure)
      .find((failure) => failure != null);
  };
}

/** The identity that a worker process has now, and its end. */
async function process_() {
  const child = spawn("sleep", ["600"], { stdio: "ignore" });
  await once(child, "spawn");
  const { pid, startTicks } = identityOf(child.pid ?? 0) ?? { pid: 0, startTicks: 0 };
  const identity = workerIdentity().replace(/^\d+\/\d+/, `${pid}/${startTicks}`);
  return {
    identity,
    child,
    end: async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

test("an act of a worker that has died is given up, once, and the workflow is told why", async () => {
  const worker = await process_();
  const failure = await inHandOf(worker.identity, "dead");
  expect(await giveUpAbandoned(client, "dead")).toBe(0);
  await worker.end();
  expect(await giveUpAbandoned(client, "dead")).toBe(1);
  expect(await failure()).toMatchObject({
    message: `its worker, ${worker.identity}, has died`,
    applicationFailureInfo: { type: "WorkerDied" },
  });
  expect(await giveUpAbandoned(client, "dead")).toBe(0);
});

test("what comes so late that another worker may have the act in hand changes nothing", async () => {
  const worker = await process_();
  const failure = await inHandOf(worker.identity, "late");
  await worker.end();
  const fail = client.activity.fail.bind(client.activity) as (...words: unknown[]) => Promise<void>;
  const late = vi.spyOn(client.activity, "fail").mockImplementation(async (...words: unknown[]) => {
    await delay(1000);
    await fail(...words);
  });
  expect(await giveUpAbandoned(client, "late")).toBe(0);
  expect(late).toHaveBeenCalledOnce();
  expect(await failure()).toBeUndefined();
  late.mockRestore();
  expect(await giveUpAbandoned(client, "late")).toBe(1);
});

test("a worker that is stopped is not dead", async () => {
  const worker = await process_();
  const failure = await inHandOf(worker.identity, "stopped");
  worker.child.kill("SIGSTOP");
  expect(await giveUpAbandoned(client, "stopped")).toBe(0);
  expect(await failure()).toBeUndefined();
  await worker.end();
});

test.each([
  ["another machine", (own: string) => own.replace("@", "@elsewhere-")],
  [
    "an earlier boot",
    (own: string) => own.replace(/[0-9a-f-]{36}/, "00000000-0000-0000-0000-000000000000"),
  ],
  ["a program that names itself otherwise", () => "4711@somewhere"],
])("of %s nobody can know, so its acts are left to their heartbeats", async (who, named) => {
  const worker = await process_();
  await worker.end();
  const queue = who.replaceAll(" ", "-");
  const failure = await inHandOf(named(worker.identity), queue);
  expect(await giveUpAbandoned(client, queue)).toBe(0);
  expect(await failure()).toBeUndefined();
});
