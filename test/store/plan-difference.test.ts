import { expect, test } from "vitest";
import { planDifferences } from "../../store/plan-difference.ts";
import { sampleCampaign } from "./sample-plan.ts";

const plan = {
  testbed: "lab",
  campaign: sampleCampaign,
  trials: [
    { id: "s/b1/x", intendedFps: 1000 },
    { id: "s/b1/y", intendedFps: null },
  ],
};

test.each([
  ["the testbed", { testbed: "rack" }, ['testbed: "lab" in the store, "rack" here']],
  [
    "a list",
    { campaign: { ...sampleCampaign, forwarding: [] } },
    [
      'forwarding[0]: {"platforms":["bare"],"frameSizesBytes":[64],"loads":[{"fps":1000}]} in the store, nothing here',
    ],
  ],
  [
    "a load's unit",
    {
      campaign: {
        ...sampleCampaign,
        forwarding: [{ platforms: ["bare"], frameSizesBytes: [64], loads: [{ mbpsL2: 10 }] }],
      },
    },
    [
      "forwarding[0].loads[0].mbpsL2: nothing in the store, 10 here",
      "forwarding[0].loads[0].fps: 1000 in the store, nothing here",
    ],
  ],
  ["the number of trials", { trials: [] }, ["trials: 2 in the store, 0 here"]],
  [
    "the order",
    { trials: plan.trials.toReversed() },
    ["trial 0: s/b1/x in the store, s/b1/y here"],
  ],
  [
    "an intended load",
    { trials: plan.trials.map((trial) => ({ ...trial, intendedFps: 2 })) },
    ["s/b1/x: 1000 fps in the store, 2 fps here"],
  ],
])("%s is named with both values", (_, change, expected) => {
  expect(planDifferences(plan, { ...plan, ...change })).toEqual(expected);
});

test("a long list of differences ends with their number", () => {
  const { campaign } = plan;
  const given = {
    ...campaign,
    phases: { settleMs: -1, learnMs: -1, trialMs: -1, drainMs: -1, restMs: -1 },
    guest: { image: "other", memoryMib: -1, vcpus: -1, routing: "frr" },
  };
  const lines = planDifferences(plan, { ...plan, campaign: given });
  expect(lines.length).toBe(9);
  expect(lines.at(-1)).toBe("and 1 more");
});
