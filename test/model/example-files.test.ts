import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseCampaign } from "../../model/campaign-schema.ts";
import { expandPlan } from "../../model/plan.ts";
import { testbedFacts } from "../../model/testbed-limits.ts";
import { parseTestbed } from "../../model/testbed-schema.ts";

const root = new URL("../../", import.meta.url);
const filesIn = (folder: string) =>
  readdirSync(new URL(`${folder}/`, root)).map((file) => `${folder}/${file}`);
const content = (file: string) => readFileSync(new URL(file, root), "utf8");
/** Without `beyondTestbed: omit` a campaign is for testbeds that have all its platforms. */
const isFor = (campaignFile: string, testbedFile: string) => {
  const { beyondTestbed, forwarding, migration } = parseCampaign(
    content(campaignFile),
    campaignFile,
  );
  const { platforms } = parseTestbed(content(testbedFile), testbedFile);
  const named = [...forwarding, ...migration].flatMap((group) => group.platforms);
  return beyondTestbed === "omit" || named.every((platform) => platforms.includes(platform));
};
const planOf = (campaignFile: string, testbedFile: string) => {
  const campaign = parseCampaign(content(campaignFile), campaignFile);
  const testbed = parseTestbed(content(testbedFile), testbedFile);
  return expandPlan(campaign, testbedFacts(testbed, null), campaign.name);
};

describe("example files", () => {
  const testbeds = filesIn("testbeds");
  const pairs = filesIn("campaigns").flatMap((file) =>
    testbeds.filter((testbed) => isFor(file, testbed)).map((testbed) => [file, testbed]),
  );
  test.each(pairs)("%s can be planned on %s", (campaignFile = "", testbedFile = "") => {
    expect(planOf(campaignFile, testbedFile).trials.length).toBeGreaterThan(0);
  });

  test("every campaign is for one of the testbeds, at least", () => {
    expect(new Set(pairs.map(([file]) => file))).toEqual(new Set(filesIn("campaigns")));
  });

  test("the demo holds every platform of the lab, both kinds and three repetitions in under six minutes", () => {
    const { trials, omissions, estimate } = planOf("campaigns/demo.yaml", "testbeds/lab.yaml");
    expect(new Set(trials.map(({ scenario }) => scenario.platform))).toEqual(
      new Set(["bare", "kvm-virtio", "kvm-e1000"]),
    );
    expect(new Set(trials.map(({ kind }) => kind))).toEqual(new Set(["forwarding", "migration"]));
    expect(Math.max(...trials.map(({ repetition }) => repetition))).toBe(3);
    expect(omissions).toEqual([]);
    expect(estimate.seconds).toBeLessThan(330);
  });

  test("the smoke campaign is planned to take less than two minutes", () => {
    expect(planOf("campaigns/smoke.yaml", "testbeds/lab.yaml").estimate.seconds).toBeLessThan(120);
  });

  test("the paper's grid on 1 GbE leaves out small packets beyond line rate, each with the sentence", () => {
    const { omissions } = planOf("campaigns/paper.yaml", "testbeds/physical-example.yaml");
    const small = omissions.filter(({ scenario }) => scenario.startsWith("forwarding-bare-64B"));
    expect(small.map(({ scenario }) => scenario)).toEqual([
      "forwarding-bare-64B-800MbpsL2",
      "forwarding-bare-64B-900MbpsL2",
      "forwarding-bare-64B-1000MbpsL2",
    ]);
    expect(small[2]?.reason).toBe(
      "1000 Mbit/s L2 at 64 bytes does not exist on 1000 Mbit/s links: line rate there is 1,488,095 frames/s = 1000 Mbit/s L1 = 761.9 Mbit/s L2",
    );
  });
});
