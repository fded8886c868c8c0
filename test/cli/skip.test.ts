import { expect, test } from "vitest";
import { runProgram } from "../../cli/program.ts";
import { skippable } from "../../cli/skip.ts";
import { UsageError } from "../../model/usage-error.ts";
import { sampleRecord, sampleTrial } from "../report/sample-trials.ts";

const trials = [
  sampleTrial({}),
  sampleTrial({ repetition: 2, state: "pending", outcome: null }),
  sampleTrial({ repetition: 3, state: "skipped", outcome: null, reason: "skipped by ann: no" }),
];
const { status } = sampleRecord(trials);
const store = {
  trial: async (id: string) => trials.find((trial) => trial.id === id) ?? null,
  trials: async () => trials,
  status: async (id: string) => (id === status.campaign ? status : null),
  allStatus: async () => [status],
};
const idOf = (index: number) => String(trials[index]?.id);

test("a trial without a verdict is skipped through its campaign", async () => {
  expect(await skippable(store, idOf(1))).toBe(trials[1]?.campaign);
});

test("a trial with a verdict is refused with what it has", async () => {
  await expect(skippable(store, idOf(0))).rejects.toThrow(
    `trial ${idOf(0)} has its verdict: valid, completed; a verdict is never taken back`,
  );
  await expect(skippable(store, idOf(2))).rejects.toThrow(
    "has its verdict: skipped (skipped by ann: no)",
  );
});

test("an unknown trial is a wrong use, told with what is near it or with the known campaigns", async () => {
  const near = skippable(store, `${status.campaign}/b09/x`);
  await expect(near).rejects.toThrow(UsageError);
  await expect(near).rejects.toThrow(`\`longhaul trials ${status.campaign}\` lists those`);
  const nowhere = skippable(store, "nope/b01/x");
  await expect(nowhere).rejects.toThrow(UsageError);
  await expect(nowhere).rejects.toThrow(`known ones: ${status.campaign}`);
});

test("without a reason it is a wrong use", async () => {
  expect(await runProgram(["skip", "demo/b01/x"])).toBe(2);
  expect(await runProgram(["skip", "demo/b01/x", "--why", " "])).toBe(2);
});
