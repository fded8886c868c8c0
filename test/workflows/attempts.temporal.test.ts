import { ApplicationFailure } from "@temporalio/common";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freshId, runCampaign } from "./run.ts";
import type { Bench } from "./run.ts";
import { broken, inOrder, scripted, scriptedPlan } from "./scripted.ts";
import { scriptedRecovery } from "./scripted-recovery.ts";
import { temporalServer } from "./server.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await temporalServer();
});
afterAll(() => bench.environment.teardown());

const ofTrials = (calls: readonly string[]) => inOrder(calls.filter((call) => call.includes("#")));
const invalid = { verdict: "invalid", reason: "the load missed its rate", cut: false } as const;
const shutDown = () =>
  ApplicationFailure.create({ message: "worker is shutting down", type: "WorkerShutdown" });

test("an invalid attempt is followed by another, up to the campaign's limit, and the last one is judged as final", async () => {
  const campaignId = freshId();
  const finals: boolean[] = [];
  const script = scripted(scriptedPlan(campaignId, [{ loads: 2 }]), {
    judge: (next) => async (ref, options) => {
      if (ref.trialId.endsWith("load2")) return next(ref, options);
      finals.push(options.final);
      const row = script.trials[0]?.attempts.at(-1);
      Object.assign(row ?? {}, { verdict: "invalid", reason: invalid.reason });
      if (options.final) Object.assign(script.trials[0] ?? {}, { state: "invalid", verdicts: 1 });
      return invalid;
    },
  });
  await runCampaign(bench, script.activities, { campaignId, attemptLimit: 2 });
  expect(finals).toEqual([false, true]);
  expect(script.trials).toMatchObject([
    { state: "invalid", verdicts: 1, attempts: [{ attempt: 1 }, { attempt: 2 }] },
    { state: "valid", verdicts: 1 },
  ]);
});

test("a measured failure is an outcome: it is judged once and not tried again", async () => {
  const campaignId = freshId();
  const script = scripted(scriptedPlan(campaignId, ["migration"]), {
    judge: (next) => async (ref, options) => {
      await next(ref, options);
      return { verdict: "valid", outcome: "not-converged" };
    },
  });
  await runCampaign(bench, script.activities, { campaignId });
  expect(ofTrials(script.calls).filter((call) => call.startsWith("measure"))).toHaveLength(1);
});

test("a measurement whose end is unknown is collected before another attempt, and when it is home it is judged, not measured again", async () => {
  const campaignId = freshId();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 1 }]), {
    measure: () => async () => {
      throw shutDown();
    },
    collect: () => async () => ({ status: "measured" }),
  });
  await runCampaign(bench, script.activities, { campaignId });
  expect(ofTrials(script.calls)).toEqual([
    "prepare load1#1",
    "measure load1#1",
    "collect load1#1",
    "judge load1#1",
    "restore load1#1",
  ]);
});

test("a measurement that stops beating is collected, and with nothing found another attempt follows that does not count as spent", async () => {
  const campaignId = freshId();
  const collected = Promise.withResolvers<undefined>();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 1 }]), {
    measure: (next) => async (ref) => {
      if (ref.attempt > 1) return next(ref);
      // Without a beat, until it was given up.
      await collected.promise;
    },
    collect: (next) => (ref) => {
      collected.resolve(undefined);
      return next(ref);
    },
  });
  await runCampaign(bench, script.activities, { campaignId, attemptLimit: 1 });
  expect(ofTrials(script.calls)).toEqual([
    ...[
      "prepare load1#1",
      "measure load1#1",
      "collect load1#1",
      "rejectAttempt load1#1",
      "restore load1#1",
    ],
    ...["prepare load1#2", "measure load1#2", "judge load1#2", "restore load1#2"],
  ]);
  expect(script.trials[0]?.attempts[0]).toMatchObject({ cut: true });
});

test("a measurement that stands still in a living worker counts toward the limit and calls for a recovery", async () => {
  const campaignId = freshId();
  const recovery = scriptedRecovery();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 1 }]), {
    measure: () => async () => {
      // As when Temporal hears nothing of it any more.
      throw shutDown();
    },
    collect: () => async () => ({ status: "nothing", stuck: true }),
  });
  const acts = { ...script.activities, ...recovery.acts };
  await runCampaign(bench, acts, { campaignId, attemptLimit: 2 });
  expect(script.trials[0]).toMatchObject({ state: "invalid", verdicts: 1 });
  expect(script.trials[0]?.reason).toContain("stands still in a worker that lives");
  expect(script.trials[0]?.attempts).toMatchObject([{ cut: false }, { cut: false }]);
  expect(recovery.ends).toMatchObject([{ outcome: "recovered" }, { outcome: "recovered" }]);
});

test("five cut attempts in a row make the trial invalid as one that kills the worker, and the campaign goes on", async () => {
  const campaignId = freshId();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 2 }]), {
    measure: (next) => async (ref) => {
      if (ref.trialId.endsWith("load1")) throw shutDown();
      return next(ref);
    },
  });
  const { result } = await runCampaign(bench, script.activities, { campaignId, attemptLimit: 2 });
  expect(result).toMatchObject({ status: "completed" });
  expect(script.trials[0]).toMatchObject({ state: "invalid", verdicts: 1 });
  expect(script.trials[0]?.reason).toContain("kills the worker");
  expect(script.trials[0]?.attempts).toHaveLength(5);
  expect(script.trials[1]).toMatchObject({ state: "valid" });
});

test("a harness fault in measure is neither collected nor judged, and is told as the reason", async () => {
  const campaignId = freshId();
  const script = scripted(scriptedPlan(campaignId, [{ loads: 1 }]), {
    measure: () => async () => {
      throw broken("A: `tcpreplay --bogus` exited 1");
    },
  });
  await runCampaign(bench, script.activities, { campaignId, attemptLimit: 1 });
  expect(ofTrials(script.calls)).toEqual([
    "prepare load1#1",
    "measure load1#1",
    "rejectAttempt load1#1",
    "restore load1#1",
  ]);
  expect(script.trials[0]?.reason).toBe("measure: A: `tcpreplay --bogus` exited 1");
});

test("an attempt left open by an earlier run is looked up under its own token before the next one starts", async () => {
  const campaignId = freshId();
  const plan = scriptedPlan(campaignId, [{ loads: 1 }]);
  plan[0]?.attempts.push({ attempt: 1, token: 7, verdict: null, cut: false, reason: null });
  Object.assign(plan[0] ?? {}, { state: "running" });
  const asked: number[] = [];
  const script = scripted(plan, {
    collect: (next) => async (ref) => {
      asked.push(ref.token);
      return next(ref);
    },
  });
  await runCampaign(bench, script.activities, { campaignId });
  expect(asked).toEqual([7]);
  expect(ofTrials(script.calls).slice(0, 4)).toEqual([
    "collect load1#1",
    "rejectAttempt load1#1",
    "restore load1#1",
    "prepare load1#2",
  ]);
});

test("a refused token makes the campaign ask for a higher epoch and costs the trial no attempt", async () => {
  const campaignId = freshId();
  let refused = false;
  const script = scripted(scriptedPlan(campaignId, [{ loads: 1 }]), {
    prepare: (next) => async (ref) => {
      if (!refused) {
        refused = true;
        throw broken("R1: token refused", "Fenced");
      }
      return next(ref);
    },
  });
  await runCampaign(bench, script.activities, { campaignId });
  expect(script.calls.filter((call) => call === "acquireTestbed")).toHaveLength(2);
  // Another held the testbed: the ladder proves its health first, each rung under a token of its own.
  expect(script.tokens).toEqual([2_000_005]);
  expect(script.trials[0]).toMatchObject({ state: "valid", attempts: [{ attempt: 1 }] });
});

test("acts of the campaign that cannot reach the store are tried again until they can", async () => {
  const campaignId = freshId();
  let tries = 0;
  const script = scripted(scriptedPlan(campaignId, [{ loads: 1 }]), {
    nextElements: (next) => async (id, limit) => {
      if (++tries < 3) throw ApplicationFailure.retryable("the store is away", "StoreUnavailable");
      return next(id, limit);
    },
  });
  const { result } = await runCampaign(bench, script.activities, { campaignId });
  expect(result).toMatchObject({ status: "completed" });
  expect(tries).toBe(4);
});
