import { expect, test } from "vitest";
import { audit } from "../../store/audit.ts";
import { openDatabase } from "../../store/database.ts";
import { withStore } from "./postgres-server.ts";
import { attemptOf, planted } from "./sample-plan.ts";

const postgres = withStore();
/** The testbed is shared, and its token only rises. */
let token = 0;

const found = async (campaign: string): Promise<readonly string[]> => {
  const database = openDatabase(postgres.url);
  try {
    return (await audit(database, campaign)).map(({ what }) => what).sort();
  } finally {
    await database.close();
  }
};

const valid = {
  verdict: { verdict: "valid", outcome: "completed" },
  results: {},
  ledger: [{ place: "sent", frames: 1 }],
  doubts: [],
  final: true,
} as const;

test("an attempt that is said to be valid and was never measured is found", async () => {
  const plan = await planted(postgres.store, "unmeasured", { trialCount: 1 });
  const ref = attemptOf(plan, 0, 1, (token += 1));
  await postgres.store.openAttempt(ref);
  await postgres.store.judge(ref, valid);
  expect(await found("unmeasured")).toEqual([
    "valid attempt without a row of counter_series",
    "valid attempt without a row of measurement",
    "valid attempt without a row of provenance",
  ]);
});

test("a campaign whose every attempt was rejected agrees with itself", async () => {
  const plan = await planted(postgres.store, "rejected", { trialCount: 1 });
  for (const attempt of [1, 2]) {
    const ref = attemptOf(plan, 0, attempt, (token += 1));
    await postgres.store.openAttempt(ref);
    const verdict = { verdict: "invalid", reason: "silence", cut: false } as const;
    await postgres.store.judge(ref, { ...valid, verdict, ledger: [], final: attempt === 2 });
  }
  expect(await found("rejected")).toEqual([]);
});

test("what is open, and what belongs to no attempt, is found", async () => {
  const plan = await planted(postgres.store, "torn", { trialCount: 2 });
  await postgres.store.openAttempt(attemptOf(plan, 0, 2, (token += 1)));
  const ref = attemptOf(plan, 1, 1, token);
  await postgres.store.putStep(ref, {
    ...{ attempt: 1, name: "measure", retry: 1, outcome: "completed", detail: null, parts: {} },
    ...{ startedAt: "2030-01-01T00:00:00Z", endedAt: "2030-01-01T00:00:01Z" },
  });
  await postgres.store.putEvent({
    ...{ key: "torn event", testbed: "lab", campaign: "torn", trial: ref.trialId, attempt: 1 },
    ...{ host: null, kind: "fault", content: {}, at: "2030-01-01T00:00:00Z" },
  });
  expect(await found("torn")).toEqual([
    "attempt numbers with gaps",
    "attempt without a verdict",
    "event of no attempt",
    "step of no attempt",
    "trial without a verdict",
    "trial without a verdict",
  ]);
});
