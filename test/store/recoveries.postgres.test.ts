import { expect, test } from "vitest";
import type { AttemptRef } from "../../model/trial.ts";
import { attemptOf, planted } from "./sample-plan.ts";
import { withStore } from "./postgres-server.ts";

const postgres = withStore();
const at = (seconds: number) => new Date(Date.UTC(2030, 0, 1, 0, 0, seconds)).toISOString();

test("a recovery shows the step now tried until it has ended, and then keeps its end", async () => {
  const { store } = postgres;
  const plan = await planted(store, "climbing");
  const ref = attemptOf(plan, 0, 1, 1);
  const id = `${ref.trialId}/recovery-1`;
  const now = { id, why: "locked-up", hosts: ["R1", "R2"] };
  await store.putRecoveryStep(ref, { ...now, step: "evidence", hosts: [], at: at(1) });
  await store.putRecoveryStep(ref, { ...now, step: "destroy-both", at: at(2) });
  expect(await store.recoveries("climbing")).toMatchObject([
    {
      ...{ id, trial: ref.trialId, attempt: 1, why: "locked-up", step: "destroy-both" },
      ...{ stepHosts: ["R1", "R2"], startedAt: at(1), stepSince: at(2), outcome: null },
    },
  ]);
  await store.endRecovery(id, { outcome: "recovered", rung: "recreate", at: at(9) });
  await store.endRecovery(id, { outcome: "exhausted", rung: "quarantine", at: at(10) });
  await store.putRecoveryStep(ref, { ...now, step: "reboot", at: at(11) });
  expect(await store.recoveries("climbing")).toMatchObject([
    { outcome: "recovered", rung: "recreate", step: null, stepSince: null, endedAt: at(9) },
  ]);
});

test("only the first attempt after a recovery carries that fact", async () => {
  const { store } = postgres;
  const plan = await planted(store, "covariate");
  const [first, second, third] = [1, 2, 3].map((n) => attemptOf(plan, n, 1, 100 + n)) as [
    AttemptRef,
    AttemptRef,
    AttemptRef,
  ];
  await store.openAttempt(first);
  const id = `${first.trialId}/recovery-1`;
  const when = new Date().toISOString();
  const now = { id, why: "stalled", step: "evidence", hosts: [], at: when };
  await store.putRecoveryStep(first, now);
  await store.endRecovery(id, {
    outcome: "recovered",
    rung: "recreate",
    at: new Date().toISOString(),
  });
  await store.openAttempt(second);
  await store.openAttempt(third);
  expect(await store.isAfterRecovery(first)).toBe(false);
  expect(await store.isAfterRecovery(second)).toBe(true);
  expect(await store.isAfterRecovery(third)).toBe(false);
});

test("a host stays in quarantine with its first reason until it is released", async () => {
  const { store } = postgres;
  await planted(store, "given-up");
  const one = {
    ...{ host: "R2", reason: "nothing helped", isolated: true },
    ...{ recovery: "x/recovery-1", since: at(1) },
  };
  await store.putQuarantine("lab", one);
  await store.putQuarantine("lab", { ...one, reason: "again", since: at(2) });
  expect(await store.quarantines("lab")).toEqual([one]);
  expect(await store.releaseHosts("lab", ["R1"])).toEqual([]);
  expect(await store.releaseHosts("lab", ["R1", "R2"])).toEqual(["R2"]);
  expect(await store.quarantines("lab")).toEqual([]);
});

test("the last health trial of a campaign is found among its rungs", async () => {
  const { store } = postgres;
  const plan = await planted(store, "health");
  expect(await store.lastHealthTrial("health")).toBeNull();
  const rung = (key: string, step: string, words: string, seconds: number) =>
    store.putEvent({
      ...{ key, testbed: "lab", campaign: plan.id, trial: null, attempt: 1, host: null },
      ...{ kind: "rung", content: { step, status: "verified", words }, at: at(seconds) },
    });
  await rung("r1", "health", "980 of 2000 frames", 1);
  await rung("r2", "health", "2000 of 2000 frames", 5);
  await rung("r3", "recreate", "it answers", 6);
  expect(await store.lastHealthTrial("health")).toEqual({
    ...{ status: "verified", words: "2000 of 2000 frames", at: at(5) },
  });
});
