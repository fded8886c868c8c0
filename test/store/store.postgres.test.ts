import { expect, test } from "vitest";
import { audit } from "../../store/audit.ts";
import { openDatabase } from "../../store/database.ts";
import { attemptOf, planted } from "./sample-plan.ts";
import { withStore } from "./postgres-server.ts";

const postgres = withStore();
const valid = (results = {}) => ({
  verdict: { verdict: "valid", outcome: "completed" } as const,
  results,
  ledger: [
    { place: "sent", frames: 100 },
    { place: "unexplained", frames: -1 },
  ],
  doubts: ["sampled late"],
  final: false,
});
const invalid = (final: boolean) => ({
  verdict: { verdict: "invalid", reason: "no load", cut: false } as const,
  results: {},
  ledger: [],
  doubts: [],
  final,
});

test("undecided trials come by whole elements in order of position", async () => {
  const plan = await planted(postgres.store, "elements");
  const ref = attemptOf(plan, 0, 1, 1);
  await postgres.store.openAttempt(ref);
  await postgres.store.judge(ref, valid());
  const elements = await postgres.store.pendingElements("elements", 2);
  expect(elements.map(({ element, trials }) => [element, trials.map((t) => t.position)])).toEqual([
    ["elements/b1/sweep-bare-64B", [1]],
    ["elements/b2/sweep-bare-64B", [2, 3]],
  ]);
});

test("a valid verdict closes its trial with results, doubts and ledger, and stays", async () => {
  const plan = await planted(postgres.store, "verdict");
  const ref = attemptOf(plan, 0, 1, 10);
  expect(await postgres.store.openAttempt(ref)).toBe(true);
  expect(await postgres.store.status("verdict")).toMatchObject({
    running: 1,
    attempts: 1,
    current: { trial: ref.trialId, attempt: 1, step: "starting" },
  });
  await postgres.store.judge(ref, valid({ offeredFps: 1000, lossRatio: 0 }));
  await postgres.store.judge(ref, { ...invalid(true), results: { offeredFps: 1 } });
  expect(await postgres.store.trial(ref.trialId)).toMatchObject({
    state: "valid",
    outcome: "completed",
    judgedAttempt: 1,
    attempts: 1,
    results: { offeredFps: 1000, lossRatio: 0 },
    doubts: ["sampled late"],
    endedAt: expect.stringMatching(/^20.*Z$/) as string,
  });
  expect(await postgres.store.ledger(ref.trialId, 1)).toEqual(valid().ledger);
  expect(await postgres.store.openAttempt(attemptOf(plan, 0, 2, 11))).toBe(false);
});

test("an invalid attempt leaves its trial running, and the last one makes it invalid", async () => {
  const plan = await planted(postgres.store, "limit");
  for (const attempt of [1, 2]) {
    const ref = attemptOf(plan, 0, attempt, 10 + attempt);
    await postgres.store.openAttempt(ref);
    await postgres.store.judge(ref, invalid(attempt === 2));
    expect((await postgres.store.trial(ref.trialId))?.state).toBe(
      attempt === 2 ? "invalid" : "running",
    );
  }
  expect(await postgres.store.attempts(attemptOf(plan, 0, 1, 0).trialId)).toMatchObject([
    { attempt: 1, token: 11, verdict: "invalid", reason: "no load", cut: false, bootIds: {} },
    { attempt: 2, token: 12, verdict: "invalid", outcome: null },
  ]);
});

test("an attempt rejected before it was opened is still recorded", async () => {
  const plan = await planted(postgres.store, "unopened");
  await postgres.store.judge(attemptOf(plan, 0, 1, 12), invalid(false));
  expect(await postgres.store.status("unopened")).toMatchObject({ running: 1, attempts: 1 });
});

test("a zombie's lower token opens nothing and describes nothing", async () => {
  const plan = await planted(postgres.store, "zombie");
  expect(await postgres.store.openAttempt(attemptOf(plan, 0, 2, 100))).toBe(true);
  expect(await postgres.store.openAttempt(attemptOf(plan, 1, 1, 99))).toBe(false);
  expect(await postgres.store.openAttempt(attemptOf(plan, 0, 1, 100))).toBe(false);
  expect(await postgres.store.raiseToken("lab", 99)).toBe(false);
  expect(await postgres.store.raiseToken("lab", 100)).toBe(true);
  const zombie = attemptOf(plan, 0, 2, 99);
  await expect(postgres.store.setBootIds(zombie, { R1: "x" })).rejects.toThrow(
    `${zombie.trialId}: attempt 2 is not open under token 99: nothing was stored`,
  );
  await postgres.store.judge(zombie, valid());
  expect((await postgres.store.trial(zombie.trialId))?.state).toBe("running");
});

test("an attempt given up as unknown cannot decide once the next one is open", async () => {
  const plan = await planted(postgres.store, "given-up");
  await postgres.store.openAttempt(attemptOf(plan, 0, 1, 201));
  await postgres.store.openAttempt(attemptOf(plan, 0, 2, 202));
  await postgres.store.judge(attemptOf(plan, 0, 1, 201), valid());
  const trial = await postgres.store.trial(attemptOf(plan, 0, 1, 0).trialId);
  expect(trial).toMatchObject({ state: "running", attempts: 2, judgedAttempt: null });
});

test("cancel skips what has no verdict, ends its open attempts and the campaign, and is final", async () => {
  const plan = await planted(postgres.store, "cancelled");
  for (const position of [0, 1]) {
    await postgres.store.openAttempt(attemptOf(plan, position, 1, 300 + position));
  }
  await postgres.store.judge(attemptOf(plan, 0, 1, 300), valid());
  await postgres.store.cancelCampaign("cancelled", "ann");
  await postgres.store.setCampaignState("cancelled", "running");
  await postgres.store.judge(attemptOf(plan, 1, 1, 301), valid());
  expect(await postgres.store.status("cancelled")).toMatchObject({
    state: "cancelled",
    reason: "cancelled by ann",
    verdicts: { valid: 1, invalid: 0, skipped: 5 },
    pending: 0,
    running: 0,
    endedAt: expect.any(String) as string,
  });
  const [judged, cut] = [0, 1].map((position) => attemptOf(plan, position, 1, 0).trialId);
  expect((await postgres.store.attempts(String(judged)))[0]?.verdict).toBe("valid");
  expect(await postgres.store.attempts(String(cut))).toMatchObject([
    {
      ...{ verdict: "invalid", outcome: null, reason: "campaign cancelled by ann", cut: false },
      endedAt: expect.any(String) as string,
    },
  ]);
  const database = openDatabase(postgres.url);
  try {
    const anomalies = await audit(database, "cancelled");
    expect(anomalies.filter(({ what }) => what === "attempt without a verdict")).toEqual([]);
  } finally {
    await database.close();
  }
});

test("an unknown campaign or testbed is named, not made", async () => {
  await expect(postgres.store.setCampaignState("none", "running")).rejects.toThrow(
    'campaign "none" is not in the store',
  );
  await expect(postgres.store.raiseToken("rack9", 1)).rejects.toThrow(
    'testbed "rack9" is not in the store',
  );
  expect(await postgres.store.status("none")).toBeNull();
  expect(await postgres.store.testbed("rack9")).toBeNull();
});

test("a deleted campaign leaves nothing, and the others untouched", async () => {
  const plan = await planted(postgres.store, "deleted");
  await planted(postgres.store, "kept");
  const ref = attemptOf(plan, 0, 1, 400);
  await postgres.store.openAttempt(ref);
  await postgres.store.putProvenance(ref, { kernel: "6.1" });
  await postgres.store.putEvent({
    ...{ key: "deleted/1", testbed: "lab", campaign: "deleted", trial: ref.trialId, attempt: 1 },
    ...{ host: null, kind: "recovery", content: {}, at: "2026-01-01T00:00:00.000Z" },
  });
  expect((await postgres.store.status("deleted"))?.recoveries).toBe(1);
  await postgres.store.deleteCampaign("deleted");
  expect(await postgres.store.campaign("deleted")).toBeNull();
  expect(await postgres.store.attempts(ref.trialId)).toEqual([]);
  expect(await postgres.store.provenance(ref.trialId, 1)).toBeNull();
  expect(await postgres.store.events({ campaign: "deleted" })).toEqual([]);
  expect((await postgres.store.status("kept"))?.planned).toBe(6);
});

test("a step that has ended is not running again when that is reported late", async () => {
  const plan = await planted(postgres.store, "steps");
  const ref = attemptOf(plan, 0, 1, 500);
  await postgres.store.openAttempt(ref);
  const running = {
    ...({ attempt: 1, name: "measure", retry: 1, outcome: "running", detail: null } as const),
    ...{ parts: {}, startedAt: "2026-01-01T00:00:00.000Z", endedAt: null },
  };
  const ended = {
    ...running,
    ...({
      outcome: "completed",
      parts: { load: 3000 },
      endedAt: "2026-01-01T00:00:09.500Z",
    } as const),
  };
  await postgres.store.putStep(ref, running);
  expect((await postgres.store.status("steps"))?.current?.step).toBe("measure");
  await postgres.store.putStep(ref, ended);
  await postgres.store.putStep(ref, running);
  expect(await postgres.store.steps(ref.trialId)).toEqual([ended]);
});

test("calibrations and capacities are replaced by newer ones of the same key", async () => {
  const calibration = {
    ...{ testbed: "lab", host: "A", device: "eth1", generator: "tcpreplay", frameSizeBytes: 64 },
    ...{ maxFps: 1e5, rateErrorRatio: 0.001, gapP50Us: 10, gapP999Us: 90.5, gapMaxUs: 800 },
    measuredAt: "2026-01-01T00:00:00.000Z",
  };
  const capacity = {
    ...{ testbed: "lab", platform: "bare", bootProfile: "default", frameSizeBytes: 64, fps: 9 },
    measuredAt: "2026-01-01T00:00:00.000Z",
    conditions: "256 MiB",
  };
  for (const factor of [1, 2]) {
    await postgres.store.putCalibration({ ...calibration, maxFps: 1e5 * factor });
    await postgres.store.putCapacity({ ...capacity, fps: 9 * factor });
  }
  expect(await postgres.store.calibrations("lab")).toEqual([{ ...calibration, maxFps: 2e5 }]);
  expect(await postgres.store.capacities("lab")).toEqual([{ ...capacity, fps: 18 }]);
});

test("pace counts what is open of each kind and how long the ended ones took; skipped ones took nothing", async () => {
  const { store } = postgres;
  const plan = await planted(store, "pace");
  expect(await store.pace("pace")).toEqual([{ kind: "forwarding", open: 6, medianSeconds: null }]);
  for (const position of [0, 1, 2]) {
    await store.openAttempt(attemptOf(plan, position, 1, 9_000_000 + position));
    if (position < 2)
      await store.judge(attemptOf(plan, position, 1, 9_000_000 + position), valid());
  }
  const [pace] = await store.pace("pace");
  expect(pace).toMatchObject({ kind: "forwarding", open: 4 });
  expect(pace?.medianSeconds).toBeGreaterThan(0);
  expect(pace?.medianSeconds).toBeLessThan(60);
  await store.cancelCampaign("pace", "a person");
  expect(await store.pace("pace")).toEqual([{ ...pace, open: 0 }]);
});

test("ended trials come in the order of their end, the newest so many of those since a time", async () => {
  const { store } = postgres;
  const plan = await planted(store, "ends");
  for (const [index, position] of [3, 0, 5].entries()) {
    await store.openAttempt(attemptOf(plan, position, 1, 9_100_000 + index));
    await store.judge(attemptOf(plan, position, 1, 9_100_000 + index), valid());
  }
  const all = await store.endedTrials("ends", { newest: 9 });
  expect(all.map(({ position }) => position)).toEqual([3, 0, 5]);
  const two = await store.endedTrials("ends", { newest: 2 });
  expect(two.map(({ position }) => position)).toEqual([0, 5]);
  const [first] = all;
  expect(await store.endedTrials("ends", { newest: 9, since: first?.endedAt ?? null })).toEqual(
    all,
  );
  expect(await store.endedTrials("ends", { newest: 9, since: "2999-01-01T00:00:00Z" })).toEqual([]);
});

test("the ledgers of a campaign are those of its valid trials' judged attempts", async () => {
  const { store } = postgres;
  const plan = await planted(store, "ledgers");
  const judged = [
    [0, 1, { ...invalid(false), ledger: [{ place: "sent", frames: 7 }] }],
    [0, 2, valid()],
    [1, 1, { ...invalid(true), ledger: [{ place: "sent", frames: 8 }] }],
    [2, 1, { ...valid(), ledger: [] }],
  ] as const;
  for (const [index, [position, attempt, judgement]] of judged.entries()) {
    await store.openAttempt(attemptOf(plan, position, attempt, 9_200_000 + index));
    await store.judge(attemptOf(plan, position, attempt, 9_200_000 + index), judgement);
  }
  expect([...(await store.ledgers("ledgers"))]).toEqual([[plan.trials[0]?.id, valid().ledger]]);
});
