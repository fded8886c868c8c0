import { afterAll, beforeAll, expect, test } from "vitest";
import { freshId, runCampaign } from "./run.ts";
import type { Bench } from "./run.ts";
import { scripted, scriptedPlan } from "./scripted.ts";
import { temporalServer } from "./server.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await temporalServer({ continueAt: 60 });
});
afterAll(() => bench.environment.teardown());

test("a campaign of 60 trials continues as new, with every token higher than the one before and one verdict per trial", async () => {
  const campaignId = freshId();
  const shape = [{ loads: 20 }, "migration", { loads: 20 }, "migration", "migration"] as const;
  const script = scripted(
    scriptedPlan(campaignId, [
      ...shape,
      "migration",
      { loads: 10 },
      ...Array.from({ length: 6 }, () => "migration" as const),
    ]),
    {
      // The fifth load's first attempt is invalid, so that numbers and attempts differ.
      judge: (next) => async (ref, options) =>
        ref.trialId.endsWith("load5") && ref.attempt === 1
          ? { verdict: "invalid", reason: "scripted", cut: false }
          : next(ref, options),
    },
  );
  const { handle, result } = await runCampaign(bench, script.activities, { campaignId });
  expect(result).toMatchObject({ status: "completed" });
  expect(script.trials).toHaveLength(60);
  expect(script.trials.every(({ state, verdicts }) => state === "valid" && verdicts === 1)).toBe(
    true,
  );
  expect(script.tokens).toHaveLength(63);
  expect(script.tokens).toEqual([...new Set(script.tokens)].sort((a, b) => a - b));
  expect(script.calls.filter((call) => call === "acquireTestbed")).toHaveLength(1);
  const { client } = bench.environment;
  for (const id of [handle.workflowId, `${campaignId}/b01/forwarding-1`]) {
    const runs = [];
    for await (const run of client.workflow.list({ query: `WorkflowId = '${id}'` })) runs.push(run);
    expect(runs.length).toBeGreaterThan(1);
    for (const run of runs) {
      expect(run.historyLength).toBeLessThan(120);
      expect(run.searchAttributes).toMatchObject({ LhCampaign: [campaignId] });
    }
  }
});
