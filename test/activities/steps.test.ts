import { CancelledFailure } from "@temporalio/common";
import { MockActivityEnvironment } from "@temporalio/testing";
import { expect, test } from "vitest";
import { cancellationIn } from "../../activities/failures.ts";
import { part } from "../../activities/parts.ts";
import { recorded } from "../../activities/steps.ts";
import type { AttemptRef } from "../../model/trial.ts";
import { Fenced, NoExitStatus } from "../../remote/shell.ts";
import type { StepRow } from "../../store/store.ts";

const ref: AttemptRef = { campaignId: "c", testbed: "t", trialId: "c/b01/x", attempt: 2, token: 7 };
function recorder() {
  const rows: StepRow[] = [];
  const store = {
    putStep: async (_ref: AttemptRef, row: StepRow) =>
      void rows.push({ ...row, parts: { ...row.parts } }),
  };
  return { rows, store };
}

test("a step's row says running, then how it ended, with the retry's number and the time of its parts", async () => {
  const { rows, store } = recorder();
  const act = recorded(store, "prepare", () => part("guest", async () => "ready"));
  expect(await new MockActivityEnvironment({ attempt: 3 }).run(act, ref)).toBe("ready");
  expect(rows).toMatchObject([
    { name: "prepare", attempt: 2, retry: 3, outcome: "running", endedAt: null },
    { outcome: "completed", parts: { guest: expect.any(Number) as number } },
  ]);
});

test.each([
  [new NoExitStatus("R1: connection reset"), { type: "NoExitStatus", nonRetryable: false }],
  [new Fenced("R1: token 7 is too low"), { type: "Fenced", nonRetryable: true }],
  [new TypeError("x is undefined"), { type: "TypeError", nonRetryable: true }],
])("%s keeps its type and says whether another try can help", async (error, failure) => {
  const { rows, store } = recorder();
  const act = recorded(store, "measure", () => Promise.reject(error));
  await expect(new MockActivityEnvironment().run(act, ref)).rejects.toMatchObject(failure);
  expect(rows.at(-1)).toMatchObject({ outcome: "failed" });
  expect(rows.at(-1)?.detail).toContain(error.message);
});

test("a cancelled act is recorded as cancelled and stays a cancellation for Temporal", async () => {
  const { rows, store } = recorder();
  const act = recorded(store, "measure", () => Promise.reject(new CancelledFailure("cut")));
  await expect(new MockActivityEnvironment().run(act, ref)).rejects.toBeInstanceOf(
    CancelledFailure,
  );
  expect(rows.at(-1)).toMatchObject({ outcome: "cancelled" });
});

test("a cancellation inside another error is found in its cause", () => {
  const cut = new CancelledFailure("cut");
  expect(cancellationIn(new Error("command was canceled", { cause: cut }))).toBe(cut);
  expect(cancellationIn(new Error("command failed"))).toBeNull();
});
