/** Temporal's database is lost in the middle of campaigns: another server knows nothing, the store everything. */
import { ApplicationFailure, Context } from "@temporalio/activity";
import type { Client } from "@temporalio/client";
import { afterEach, expect, test } from "vitest";
import { campaignWorkflowId, taskQueue } from "../../model/search-attributes.ts";
import { beginLostAnew } from "../../workers/lost-campaigns.ts";
import type { CampaignView, Steered } from "../../workflows/messages.ts";
import { planted } from "../store/sample-plan.ts";
import { withStore } from "../store/postgres-server.ts";
import { freshId, startCampaign, until, worker } from "../workflows/run.ts";
import { temporalServer } from "../workflows/server.ts";
import { storedActs } from "./stored-acts.ts";

const postgres = withStore();
const testbed = "lab";
afterEach(async () => {
  for (const { campaign } of await postgres.store.allStatus())
    await postgres.store.deleteCampaign(campaign);
});

/** Runs `during` beside a worker on a server of its own, which is then gone with all that it knew. */
async function onServer<Result>(
  script: Parameters<typeof storedActs>[2],
  during: (client: Client, acts: ReturnType<typeof storedActs>) => Promise<Result>,
  continueAt?: number,
): Promise<Result> {
  const bench = await temporalServer(continueAt === undefined ? {} : { continueAt });
  const { client } = bench.environment;
  const acts = storedActs(client, postgres.store, script);
  const running = await worker(bench, acts.activities, taskQueue(testbed));
  try {
    return await running.runUntil(() => during(client, acts));
  } finally {
    await bench.environment.teardown();
  }
}

/** Measures until the trial whose id ends so; that one never ends. */
const sticksAt = (end: string) => ({
  measure: async ({ trialId }: { trialId: string }) => {
    if (trialId.endsWith(end)) await Context.current().cancelled;
  },
});

/** A campaign in the store, whose second element is being measured when its server is lost. */
async function lostInTheMiddle(
  trialCount: number,
  during: (client: Client, id: string) => Promise<unknown> = () => Promise.resolve(),
) {
  const campaignId = freshId();
  const { store } = postgres;
  await planted(store, campaignId, { trialCount });
  const tokens = await onServer(sticksAt("b2/forwarding-bare-64B-load0"), async (client, acts) => {
    await startCampaign(client, taskQueue(testbed), { campaignId, testbed });
    await until("the third trial is measured", () =>
      acts.orders.includes("measure b2/forwarding-bare-64B-load0#1"),
    );
    await during(client, campaignId);
    return acts.tokens;
  });
  return { campaignId, tokens, before: await store.trials(campaignId) };
}

const attemptsOf = async (trial: string) =>
  (await postgres.store.attempts(trial)).map(({ attempt, verdict, cut }) => ({
    ...{ attempt, verdict, cut },
  }));
const valid = (attempt: number) => ({ attempt, verdict: "valid", cut: false });
const third = (id: string) => `${id}/b2/forwarding-bare-64B-load0`;
const handleOf = (client: Client, id: string) => client.workflow.getHandle(campaignWorkflowId(id));

test.each([
  ["collected", "measured", [valid(1)]],
  ["tried again", "nothing", [{ attempt: 1, verdict: "invalid", cut: true }, valid(2)]],
] as const)(
  "on an empty server a running campaign goes on from the store: verdicts stand, the running trial is %s",
  async (_how, found, attempts) => {
    const { campaignId, before, tokens } = await lostInTheMiddle(12);
    const { store } = postgres;
    await onServer(
      { collect: () => found },
      async (client, acts) => {
        expect(await beginLostAnew(client, store, "1")).toEqual([campaignId]);
        // By several workers at once, and later: it is begun once.
        expect(await beginLostAnew(client, store, "1")).toEqual([]);
        expect(await handleOf(client, campaignId).result()).toMatchObject({ status: "completed" });
        expect(acts.orders[0]).toBe("collect b2/forwarding-bare-64B-load0#1");
        // What is collected bears the token that it was measured under; every new attempt a higher one.
        const fresh = acts.tokens.slice(1);
        expect(Math.min(...fresh)).toBeGreaterThan(Math.max(...tokens));
        const runs = [];
        const query = `WorkflowId = '${campaignWorkflowId(campaignId)}'`;
        for await (const run of client.workflow.list({ query })) runs.push(run);
        expect(runs.length).toBeGreaterThan(1);
      },
      40,
    );
    const after = await store.trials(campaignId);
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
    expect(after.map(({ state }) => state)).toEqual(after.map(() => "valid"));
    expect(await attemptsOf(third(campaignId))).toEqual(attempts);
    expect(await store.status(campaignId)).toMatchObject({ state: "completed", planned: 12 });
    const [event] = await store.eventsSince("begun-anew", "2000-01-01T00:00:00Z");
    expect(event).toMatchObject({ content: { why: "Temporal does not know its workflow" } });
  },
);

test("a paused campaign stays paused when its server is lost, and goes on when it is told to", async () => {
  const { store } = postgres;
  const { campaignId } = await lostInTheMiddle(4, (client, id) =>
    handleOf(client, id).executeUpdate<Steered, [string]>("pause", { args: ["a person"] }),
  );
  await onServer({}, async (client, acts) => {
    await beginLostAnew(client, store, "1");
    const handle = handleOf(client, campaignId);
    await until(
      "the testbed is its own again",
      async () =>
        (await handle.query<CampaignView, []>("state")).step === "taking up what was left",
    );
    expect(await store.status(campaignId)).toMatchObject({
      state: "paused",
      reason: "paused by a person",
    });
    expect(acts.orders).toEqual([]);
    await handle.executeUpdate<Steered, [string]>("resume", { args: ["a person"] });
    expect(await handle.result()).toMatchObject({ status: "completed" });
  });
});

test("a campaign that waits for a person, or for a host in quarantine, waits again", async () => {
  const { store } = postgres;
  const [setBack, quarantined] = [freshId(), freshId()];
  await planted(store, setBack, { trialCount: 2 });
  const words = "5 elements in a row ended without a measurement; the last: scripted";
  await store.setCampaignState(setBack, "waiting", words);
  await onServer({}, async (client, acts) => {
    expect(await beginLostAnew(client, store, "1")).toEqual([setBack]);
    const handle = handleOf(client, setBack);
    await until(
      "the testbed is its own again",
      async () =>
        (await handle.query<CampaignView, []>("state")).step === "taking up what was left",
    );
    expect(await handle.query<CampaignView, []>("state")).toMatchObject({ reason: words });
    expect(await store.status(setBack)).toMatchObject({ state: "waiting", reason: words });
    expect(acts.orders).toEqual([]);
    await handle.executeUpdate<Steered, [string]>("resume", { args: ["a person"] });
    await handle.result();

    const quarantine = {
      host: "R2",
      reason: "dead",
      isolated: false,
      recovery: "r",
      since: new Date().toISOString(),
    };
    await store.putQuarantine(testbed, quarantine);
    await planted(store, quarantined, { trialCount: 2 });
    await store.setCampaignState(quarantined, "waiting", "R2 is in quarantine");
    expect(await beginLostAnew(client, store, "1")).toEqual([quarantined]);
    const other = handleOf(client, quarantined);
    await until("it waits", async () =>
      (await other.query<CampaignView, []>("state")).step.startsWith("waiting for a person"),
    );
    await other.executeUpdate<Steered, [string, string]>("releaseHost", {
      args: ["a person", "R2"],
    });
    expect(await other.result()).toMatchObject({ status: "completed" });
  });
});

test("a recovery that was under way when the server was lost is run to its end before anything is measured", async () => {
  const { store } = postgres;
  const { campaignId } = await lostInTheMiddle(4);
  const [first] = await store.trials(campaignId);
  const ref = { campaignId, testbed, trialId: first?.id ?? "", attempt: 1, token: 1 };
  const id = `${ref.trialId}/recovery-1`;
  const now = { id, why: "the outcome stalled", step: "recreate", hosts: ["R1"] };
  await store.putRecoveryStep(ref, now);
  await onServer({}, async (client, acts) => {
    await beginLostAnew(client, store, "1");
    await handleOf(client, campaignId).result();
    expect(acts.orders[0]).toBe("evidence after b1/forwarding-bare-64B-load0#1");
    const health = acts.orders.findIndex((order) => order.startsWith("health"));
    expect(health).toBeGreaterThan(0);
    expect(health).toBeLessThan(acts.orders.findIndex((order) => order.startsWith("prepare")));
  });
  expect(await store.recoveries(campaignId)).toMatchObject([{ id, outcome: "recovered" }]);
});

test("what a person ended in Temporal is not begun anew, what failed there is", async () => {
  const { store } = postgres;
  const campaignId = freshId();
  await planted(store, campaignId, { trialCount: 2 });
  await store.setCampaignState(campaignId, "running");
  await onServer({}, async (client) => {
    const start = (type: string) =>
      client.workflow.start(type, {
        workflowId: campaignWorkflowId(campaignId),
        taskQueue: "nobody",
      });
    const terminated = await start("campaign");
    await terminated.terminate("enough");
    expect(await beginLostAnew(client, store, "1")).toEqual([]);
    const running = await start("campaign");
    expect(await beginLostAnew(client, store, "1")).toEqual([]);
    await running.terminate("enough");
    await client.workflow
      .start("campaign", {
        workflowId: campaignWorkflowId(campaignId),
        taskQueue: "nobody",
        workflowExecutionTimeout: "1s",
      })
      .then((timed) => timed.result())
      .catch(() => undefined);
    expect(await beginLostAnew(client, store, "1")).toEqual([campaignId]);
    expect(await handleOf(client, campaignId).result()).toMatchObject({ status: "completed" });
  });
});

test("a workflow that fails at once is begun anew ever more rarely, then waits for a person, and goes on when told to", async () => {
  const { store } = postgres;
  const campaignId = freshId();
  await planted(store, campaignId, { trialCount: 2 });
  await store.setCampaignState(campaignId, "running");
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
  const failure = async (n: number, version: string, at: string) =>
    store.putEvent({
      ...{ key: `${campaignId} ${version} ${n}`, testbed, campaign: campaignId },
      ...{ trial: null, attempt: null, host: null, kind: "begun-anew", at },
      content: { why: "its workflow had ended: FAILED", hadEnded: true, version },
    });
  let defect = true;
  const broken = () => {
    if (defect) throw ApplicationFailure.nonRetryable("a defect");
  };
  await onServer({ openCapacities: broken }, async (client) => {
    const fails = async () => {
      await client.workflow.start("campaign", {
        workflowId: campaignWorkflowId(campaignId),
        taskQueue: taskQueue(testbed),
        args: [{ campaignId, testbed, attemptLimit: 3, carried: null }],
      });
      await handleOf(client, campaignId)
        .result()
        .catch(() => undefined);
    };
    await fails();
    await failure(1, "1", minutesAgo(30));
    await failure(2, "1", minutesAgo(0));
    // The last time is too near.
    expect(await beginLostAnew(client, store, "1")).toEqual([]);
    await failure(3, "1", minutesAgo(0));
    expect(await beginLostAnew(client, store, "1")).toEqual([]);
    const words =
      "its workflow had ended: FAILED: a defect, 4 times within an hour under Longhaul 1";
    expect(await store.status(campaignId)).toMatchObject({ state: "waiting", reason: words });
    // Under another Longhaul none of them counts; it waits as it did until that one begins.
    expect(await beginLostAnew(client, store, "2")).toEqual([campaignId]);
    const handle = handleOf(client, campaignId);
    await until(
      "it waits",
      async () =>
        (await handle.query<CampaignView, []>("state")).step === "taking up what was left",
    );
    expect(await store.status(campaignId)).toMatchObject({ state: "waiting", reason: words });
    expect(await beginLostAnew(client, store, "1")).toEqual([]);
    defect = false;
    // Not the Longhaul under which it failed: it goes on by itself.
    expect(await beginLostAnew(client, store, "2")).toEqual([]);
    expect(await handle.result()).toMatchObject({ status: "completed" });
  });
});

test("campaigns that waited in the queue have their old places behind the one that held the testbed", async () => {
  const { store } = postgres;
  const { campaignId } = await lostInTheMiddle(4);
  const [late, early] = [freshId(), freshId()];
  for (const [id, queuedAt] of [
    [late, "2026-01-01T00:00:02.000Z"],
    [early, "2026-01-01T00:00:01.000Z"],
  ] as const) {
    await planted(store, id, { trialCount: 2 });
    await store.setCampaignState(id, "queued", "2nd in the queue", queuedAt);
  }
  let goOn: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (goOn = resolve));
  await onServer({ measure: () => gate }, async (client) => {
    const begun: string[] = [];
    await until("all are begun anew", async () => {
      begun.push(...(await beginLostAnew(client, store, "1")));
      return begun.length === 3;
    });
    expect(begun).toEqual([campaignId, early, late]);
    await until("both wait again", async () => {
      const queued = await Promise.all([early, late].map((id) => store.status(id)));
      return queued.every((status) => status?.reason?.includes(campaignId) === true);
    });
    expect(await store.status(early)).toMatchObject({ queue: { place: 1, heldBy: campaignId } });
    expect(await store.status(late)).toMatchObject({ queue: { place: 2, heldBy: campaignId } });
    goOn();
    for (const id of begun) await handleOf(client, id).result();
  });
  const started = await Promise.all(
    [campaignId, early, late].map(async (id) => (await store.status(id))?.startedAt ?? ""),
  );
  expect(started).toEqual(started.toSorted());
});

test("a workflow that a person deletes in Temporal, running as it is, is begun anew", async () => {
  const { store } = postgres;
  const campaignId = freshId();
  await planted(store, campaignId, { trialCount: 2 });
  await store.setCampaignState(campaignId, "running");
  await onServer({}, async (client) => {
    const workflowId = campaignWorkflowId(campaignId);
    await client.workflow.start("campaign", { workflowId, taskQueue: "nobody" });
    await client.workflowService.deleteWorkflowExecution({
      namespace: client.options.namespace,
      workflowExecution: { workflowId },
    });
    await expect
      .poll(() => beginLostAnew(client, store, "1"), { timeout: 20_000 })
      .toEqual([campaignId]);
    expect(await handleOf(client, campaignId).result()).toMatchObject({ status: "completed" });
  });
});
