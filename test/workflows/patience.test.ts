/** The pauses of a workflow that waits, and what it waits for; only the passing of time is not real. */
import { ActivityFailure, ApplicationFailure, CancelledFailure } from "@temporalio/common";
import { beforeEach, expect, test, vi } from "vitest";
import { patiently } from "../../workflows/patience.ts";

const slept: { ms: number; summary: string }[] = [];
vi.mock("@temporalio/workflow", async (original) => ({
  ...(await original<object>()),
  sleep: (ms: number, { summary }: { summary: string }) => {
    slept.push({ ms, summary });
    return Promise.resolve();
  },
}));
beforeEach(() => void slept.splice(0));

const failed = (type: string, message: string) =>
  new ActivityFailure(
    "Activity task failed",
    "judge",
    "1",
    "NON_RETRYABLE_FAILURE",
    undefined,
    ApplicationFailure.create({ type, message }),
  );
/** Fails with each of these in turn, then succeeds. */
const failing = (...errors: Error[]) => {
  const left = [...errors];
  return vi.fn(async () => {
    const error = left.shift();
    if (error) throw error;
    return "judged";
  });
};

test.each(["StoreUnavailable", "TestbedAway"])(
  "an act whose failure says %s is repeated after growing pauses, which say what is waited for",
  async (type) => {
    const act = failing(...Array.from({ length: 6 }, () => failed(type, "it is away")));
    expect(await patiently(act)).toBe("judged");
    expect(act).toHaveBeenCalledTimes(7);
    expect(slept.map(({ ms }) => ms / 1000)).toEqual([2, 4, 8, 16, 30, 30]);
    expect(slept[0]?.summary).toBe("waiting: judge: it is away");
  },
);

test("a long reason is cut to what Temporal's UI shows", async () => {
  await patiently(failing(failed("StoreUnavailable", "x".repeat(1000))));
  expect(slept[0]?.summary).toHaveLength(180);
});

test.each([
  ["a broken testbed", failed("CommandFailed", "exited 1")],
  ["an unknown end", failed("NoExitStatus", "cut off")],
  ["a cancel", new CancelledFailure("cancelled")],
])("%s is not waited for", async (_, error) => {
  const act = failing(error);
  await expect(patiently(act)).rejects.toBe(error);
  expect(act).toHaveBeenCalledTimes(1);
  expect(slept).toEqual([]);
});
