import { expect, test, vi } from "vitest";
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
  await store.putRecoveryStep(ref, { ...now, step: "evidence", hosts: [] });
  await store.putRecoveryStep(ref, { ...now, step: "destroy-both" });
  expect(await store.recoveries("climbing")).toMatchObject([
    {
      ...{ id, trial: ref.trialId, attempt: 1, why: "locked-up", step: "destroy-both" },
      ...{ stepHosts: ["R1", "R2"], outcome: null },
    },
  ]);
  await store.endRecovery(id, { outcome: "recovered", rung: "recreate" });
  await store.endRecovery(id, { outcome: "exhausted", rung: "quarantine" });
  await store.putRecoveryStep(ref, { ...now, step: "reboot" });
  expect(await store.recoveries("climbing")).toMatchObject([
    { outcome: "recovered", rung: "recreate", step: null, stepSince: null },
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
  // What other recoveries of this testbed left was another attempt's.
  await store.openAttempt(attemptOf(plan, 0, 1, 100));
  await store.openAttempt(first);
  const id = `${first.trialId}/recovery-1`;
  const now = { id, why: "stalled", step: "evidence", hosts: [] };
  await store.putRecoveryStep(first, now);
  // The worker's clock takes no part: attempts and recoveries are stamped by the database's.
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
  await store.endRecovery(id, { outcome: "recovered", rung: "recreate" });
  vi.useRealTimers();
  await store.openAttempt(second);
  await store.openAttempt(third);
  expect(await store.isAfterRecovery(first)).toBe(false);
  expect(await store.isAfterRecovery(second)).toBe(true);
  expect(await store.isAfterRecovery(third)).toBe(false);
});

test("the testbed's last recovery is found, whatever campaign it was of", async () => {
  const { store } = postgres;
  const plans = [await planted(store, "one-before"), await planted(store, "one-after")];
  for (const [index, plan] of plans.entries()) {
    const ref = attemptOf(plan, 0, 1, 300 + index);
    const id = `${ref.trialId}/recovery-1`;
    await store.putRecoveryStep(ref, { id, why: "stalled", step: "evidence", hosts: [] });
    expect(await store.lastRecovery("lab")).toEqual({ id, outcome: null });
    await store.endRecovery(id, { outcome: "cancelled", rung: null });
    expect(await store.lastRecovery("lab")).toEqual({ id, outcome: "cancelled" });
  }
  expect(await store.lastRecovery("another")).toBeNull();
});

test("power cycles are counted by host, since its last release, and not after a planned fault", async () => {
  const { store } = postgres;
  const plan = await planted(store, "cycling");
  const trial = plan.trials[0]?.id ?? "";
  let count = 0;
  const event = (kind: string, content: object, minutesAgo: number, more = {}) =>
    store.putEvent({
      ...{ key: `cycling ${(count += 1)}`, testbed: "lab", campaign: plan.id, trial },
      ...{ attempt: 1, host: null, kind, content: content as Record<string, unknown> },
      at: new Date(Date.now() - minutesAgo * 60_000).toISOString(),
      ...more,
    });
  const cycle = (hosts: string[], minutesAgo: number) =>
    event("rung", { step: "power-cycle", hosts }, minutesAgo);
  await cycle(["R1"], 180);
  await cycle(["R1", "R2"], 50);
  await cycle(["R1"], 40);
  await cycle(["A"], 30);
  await event("rung", { step: "reboot", hosts: ["R1"] }, 20);
  await event("release", { hosts: ["A"] }, 10);
  expect(await store.powerCycles("lab", 2)).toEqual([
    { host: "R1", cycles: 2 },
    { host: "R2", cycles: 1 },
  ]);
  expect(await store.powerCycles("lab", 24)).toContainEqual({ host: "R1", cycles: 3 });
  expect(await store.powerCycles("another", 24)).toEqual([]);
});

test("a host stays in quarantine with its first reason until it is released", async () => {
  const { store } = postgres;
  await planted(store, "given-up");
  const one = {
    ...{ host: "R2", reason: "nothing helped", isolated: true },
    ...{ recovery: "x/recovery-1", since: at(1) },
  };
  await store.putQuarantine("lab", one);
  const other = { ...one, recovery: "y/recovery-1" };
  await store.putQuarantine("lab", { ...other, reason: "again", since: at(2) });
  expect(await store.quarantines("lab")).toEqual([one]);
  // The recovery itself says more as it knows more.
  const known = { ...one, reason: "nothing helped; its power is off", isolated: false };
  await store.putQuarantine("lab", { ...known, since: at(3) });
  expect(await store.quarantines("lab")).toEqual([known]);
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
