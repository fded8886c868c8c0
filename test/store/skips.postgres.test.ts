import { expect, test } from "vitest";
import { attemptOf, planted } from "./sample-plan.ts";
import { withStore } from "./postgres-server.ts";

const at = withStore();
let token = 0;
const order = (trialId: string, why = "the cable is loose") => ({ trialId, by: "ann", why });
const reason = "skipped by ann: the cable is loose";

test("a pending trial is skipped with who and why, and the sum holds", async () => {
  const plan = await planted(at.store, "pending");
  const trial = String(plan.trials[3]?.id);
  const element = plan.trials[3]?.element;
  const first = await at.store.skipTrial(order(trial), { evenRunning: false });
  expect(first).toEqual({ status: "skipped", element });
  expect(await at.store.trial(trial)).toMatchObject({ state: "skipped", reason, attempts: 0 });
  expect(await at.store.status("pending")).toMatchObject({
    ...{ planned: 6, pending: 5, running: 0 },
    verdicts: { valid: 0, invalid: 0, skipped: 1 },
  });
  const again = await at.store.skipTrial(order(trial), { evenRunning: true });
  expect(again).toEqual({ status: "skipped", element });
});

test("a skipped trial opens no attempt, and is in no pending element", async () => {
  const plan = await planted(at.store, "closed");
  for (const { id } of plan.trials.slice(0, 2))
    await at.store.skipTrial(order(id), { evenRunning: false });
  expect(await at.store.openAttempt(attemptOf(plan, 0, 1, (token += 1)))).toBe(false);
  const [next] = await at.store.pendingElements("closed", 1);
  expect(next?.element).toBe(plan.trials[2]?.element);
});

test("a running trial says so first, and when it is skipped its open attempt ends with it; a late judgement changes nothing", async () => {
  const plan = await planted(at.store, "running");
  const ref = attemptOf(plan, 0, 1, (token += 1));
  await at.store.openAttempt(ref);
  const { element } = plan.trials[0] ?? {};
  expect(await at.store.skipTrial(order(ref.trialId), { evenRunning: false })).toEqual({
    status: "running",
    element,
  });
  expect(await at.store.skipTrial(order(ref.trialId), { evenRunning: true })).toEqual({
    status: "skipped",
    element,
  });
  await at.store.judge(ref, {
    verdict: { verdict: "valid", outcome: "completed" },
    ...{ results: { lossRatio: 0 }, ledger: [], doubts: [], final: true },
  });
  expect(await at.store.trial(ref.trialId)).toMatchObject({ state: "skipped", outcome: null });
  expect(await at.store.attempts(ref.trialId)).toMatchObject([
    { verdict: "invalid", reason, cut: false },
  ]);
});

test("a trial with a verdict keeps it and tells it; an unknown one is unknown", async () => {
  const plan = await planted(at.store, "decided");
  const ref = attemptOf(plan, 0, 1, (token += 1));
  await at.store.openAttempt(ref);
  await at.store.judge(ref, {
    verdict: { verdict: "valid", outcome: "stalled" },
    ...{ results: {}, ledger: [], doubts: [], final: false },
  });
  expect(await at.store.skipTrial(order(ref.trialId), { evenRunning: true })).toEqual({
    ...{ status: "decided", state: "valid", outcome: "stalled", reason: null },
  });
  const second = String(plan.trials[1]?.id);
  await at.store.skipTrial(order(second), { evenRunning: false });
  expect(await at.store.skipTrial(order(second, "another"), { evenRunning: true })).toEqual({
    ...{ status: "decided", state: "skipped", outcome: null, reason },
  });
  expect(await at.store.skipTrial(order("decided/b1/x"), { evenRunning: true })).toEqual({
    status: "unknown",
  });
});
