import fc from "fast-check";
import { expect, test } from "vitest";
import { campaignFile, testbedFile } from "../../bench/chaos/campaign-file.ts";
import { blowWords, type ChaosSize, drawChaos, trialsPerBlock } from "../../bench/chaos/draw.ts";
import { mustComeTo } from "../../bench/chaos/expectations.ts";
import { parseCampaign } from "../../model/campaign-schema.ts";
import { factsOf } from "../../model/fault.ts";
import { expandPlan } from "../../model/plan.ts";
import { testbedFacts } from "../../model/testbed-limits.ts";
import { parseTestbed } from "../../model/testbed-schema.ts";

const large: ChaosSize = { trials: 60, kills: 16, faults: 24 };

test("the same seed draws the same chaos, another seed another one", () => {
  expect(drawChaos(7, large)).toEqual(drawChaos(7, large));
  expect(drawChaos(7, large)).not.toEqual(drawChaos(8, large));
});

test("as many trials, kills and faults are drawn as were asked for, and every strike falls before the end", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 31 }),
      fc.integer({ min: 6, max: 120 }),
      fc.integer({ min: 0, max: 40 }),
      fc.nat(100),
      (seed, trials, kills, share) => {
        // A trial has at most one fault of its own: at most two of a kind in a block of two.
        const faults = Math.floor((share / 100) * Math.ceil(trials / trialsPerBlock) * 4);
        const chaos = drawChaos(seed, { trials, kills, faults });
        expect(chaos.trials).toBeGreaterThanOrEqual(trials);
        expect(chaos.strikes.length + chaos.trialFaults.length).toBe(kills + faults);
        for (const [index, { afterVerdicts, id }] of chaos.strikes.entries()) {
          expect(id).toBe(index + 1);
          expect(afterVerdicts).toBeLessThan(chaos.trials - 2);
        }
      },
    ),
  );
});

test("every kind of kill and of fault is drawn before any comes twice", () => {
  const { strikes, trialFaults } = drawChaos(3, { trials: 90, kills: 11, faults: 25 });
  const kinds = strikes.map(({ blow }) =>
    blow.kind === "fault" ? `fault ${blow.order.fault}` : blowWords(blow),
  );
  const twice = kinds.filter((kind, index) => kinds.indexOf(kind) !== index);
  // Twelve kinds of fault from outside for thirteen strikes.
  expect(twice).toHaveLength(1);
  expect(trialFaults).toHaveLength(12);
  expect(
    new Set(trialFaults.map((fault) => JSON.stringify({ ...fault, afterMs: 0, trials: 0 }))).size,
  ).toBe(12);
});

test("what cannot be undone is given no time to last, and everything else ends by itself", () => {
  const { strikes } = drawChaos(5, large);
  for (const { blow } of strikes)
    if (blow.kind === "fault")
      expect(blow.order.forMs !== null).toBe(factsOf(blow.order.fault).undoable);
});

test("more faults in trials than there are trials for them are refused", () => {
  expect(() => drawChaos(1, { trials: 6, kills: 0, faults: 40 })).toThrow(
    /20 faults in trials: too many for 1 blocks/,
  );
});

test("the campaign's file is valid, and each of its faults takes one trial with a known expectation", () => {
  const chaos = drawChaos(11, large);
  const campaign = parseCampaign(campaignFile(chaos), "chaos.yaml");
  const testbed = parseTestbed(testbedFile, "chaos-testbed.yaml");
  const { trials, omissions } = expandPlan(campaign, testbedFacts(testbed, []), "chaos");
  expect(omissions).toEqual([]);
  expect(trials).toHaveLength(chaos.trials);
  expect(trials.filter(({ scenario }) => scenario.fault !== undefined)).toHaveLength(
    chaos.trialFaults.length,
  );
  for (const fault of chaos.trialFaults) expect(mustComeTo(fault).outcomes).not.toEqual([]);
});
