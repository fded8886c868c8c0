import { describe, expect, test } from "vitest";
import { parseCampaign } from "../../model/campaign-schema.ts";
import { faultNames, factsOf } from "../../model/fault.ts";
import { faultLabel } from "../../model/fault-plan.ts";
import { expandPlan } from "../../model/plan.ts";
import { platforms } from "../../model/platforms.ts";
import { UsageError } from "../../model/usage-error.ts";

const testbed = {
  name: "lab",
  lineRateMbpsL1: 1000,
  platforms: ["bare", "kvm-virtio"],
  images: ["router"],
  calibrations: null,
  known: platforms,
};
const campaign = (faults: string) => `
name: disturbed
repetitions: 2
forwarding: [{ platforms: [bare], frameSizesBytes: [64], loads: [{ fps: 1000 }] }]
migration: [{ platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ idle: true }], directions: [R1toR2] }]
${faults}
`;
const plan = (faults: string) =>
  expandPlan(parseCampaign(campaign(faults), "c.yaml"), testbed as never, "disturbed-1");

describe("a campaign's faults", () => {
  test("become a level of the trials they take, named in their ids, and leave the others alone", () => {
    const without = plan("");
    const { trials } = plan(
      "faults: [{ fault: link-slow, mbps: 5, when: migrating, afterMs: 100, forMs: 3000, trials: { kind: migration, repetitions: [2] } }]",
    );
    const disturbed = trials.filter(({ scenario }) => scenario.fault !== undefined);
    expect(disturbed.map(({ id, element }) => [id, element === id])).toEqual([
      [
        "disturbed-1/b02/migration-kvm-virtio-64B-idle-R1toR2-link-slow-5Mbps-at-migrating-100ms-for-3000ms",
        true,
      ],
    ]);
    expect(trials.filter((trial) => !disturbed.includes(trial))).toEqual(
      without.trials.filter(({ position }) => position !== disturbed[0]?.position),
    );
  });

  test("take trials by a pattern of their ids", () => {
    const { trials } = plan(
      'faults: [{ fault: guest-panic, when: load, trials: { name: "b01/forwarding-*-64B-*" } }]',
    );
    expect(trials.flatMap(({ id, scenario }) => (scenario.fault ? [id] : []))).toEqual([
      "disturbed-1/b01/forwarding-bare-64B-1000fps-guest-panic-at-load",
    ]);
  });

  test("that take nothing, a trial twice, or a phase that a trial has not are refused by key", () => {
    const mistakes = (faults: string) => {
      try {
        plan(`faults: [${faults}]`);
      } catch (error) {
        if (error instanceof UsageError) return error.message;
        throw error;
      }
      return "accepted";
    };
    expect(mistakes("{ fault: link-cut, when: load, trials: { platform: kvm-e1000 } }")).toBe(
      "faults[0].trials takes none of the planned trials",
    );
    expect(
      mistakes(
        "{ fault: link-cut, when: load, trials: { kind: migration, repetitions: [1] } }, { fault: qemu-kill, when: load, trials: { repetitions: [1], kind: migration } }",
      ),
    ).toMatch(/^faults\[1\] takes disturbed-1\/b01\/migration-\S+, which faults\[0\] has taken$/);
    expect(
      mistakes(
        "{ fault: link-cut, when: migrating, trials: { kind: forwarding, repetitions: [1] } }",
      ),
    ).toMatch(/^faults\[0\]\.when is "migrating", a phase of migrations only; it takes/);
    expect(
      mistakes("{ fault: power-off, host: source, when: load, trials: { kind: forwarding } }"),
    ).toMatch(/^faults\[0\]\.host is "source", an end of a migration/);
  });

  test("of an unknown name or moment list the known ones", () => {
    expect(() => plan("faults: [{ fault: gremlin, when: load, trials: {} }]")).toThrow(
      /faults\[0\]\.fault.*expected one of: link-cut, .*store-full/,
    );
    expect(() => plan("faults: [{ fault: link-cut, when: lunch, trials: {} }]")).toThrow(
      /faults\[0\]\.when.*expected one of: settle, learn, load, control, migrating, after/,
    );
  });

  test("have labels that can stand in ids and unit names", () => {
    for (const fault of faultNames) {
      const label = faultLabel({
        ...{ fault, host: "source", when: "migrating", afterMs: 1, forMs: 2 },
        ...{ link: "migration", mbps: 0.5, lossRatio: 0.125, mib: 64 },
        trials: { kind: null, platform: null, repetitions: null, name: null },
      });
      expect(label).toMatch(/^[A-Za-z0-9.-]+$/);
      expect(label).toContain("12.5percent");
      expect(factsOf(fault).expected).not.toBe("");
    }
  });

  test("leave the identity of a campaign without them as it was", () => {
    expect(JSON.stringify(plan("").trials)).not.toContain("fault");
    expect(JSON.stringify(parseCampaign(campaign(""), "c.yaml"))).not.toContain("faults");
  });
});
