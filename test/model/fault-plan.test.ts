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
      'faults: [{ fault: power-off, when: load, trials: { name: "b01/forwarding-*-64B-*" } }]',
    );
    expect(trials.flatMap(({ id, scenario }) => (scenario.fault ? [id] : []))).toEqual([
      "disturbed-1/b01/forwarding-bare-64B-1000fps-power-off-at-load",
    ]);
  });

  const mistakes = (faults: string) => {
    try {
      plan(`faults: [${faults}]`);
    } catch (error) {
      if (error instanceof UsageError) return error.message;
      throw error;
    }
    return "accepted";
  };

  test("that take nothing, a trial twice, or a phase that a trial has not are refused by key", () => {
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

  test.each([
    [
      "a time to last for what cannot be undone",
      "fault: qemu-kill, forMs: 300, when: migrating, trials: { kind: migration }",
      "faults[0].forMs is 300; qemu-kill cannot be undone: leave forMs away",
    ],
    [
      "a guest where none runs",
      "fault: guest-panic, host: A, when: migrating, trials: { kind: migration }",
      'faults[0].host is "A", where no guest runs; expected one of: source, destination, R1, R2',
    ],
    [
      "a host for a link",
      "fault: link-cut, host: R1, when: migrating, trials: { kind: migration }",
      'faults[0].host is "R1"; link-cut hits a link: leave host away',
    ],
    [
      "a guest of a platform without",
      "fault: guest-spin, when: load, trials: { platform: bare }",
      'faults[0].fault is "guest-spin", which needs a guest, and platform bare has none; it takes disturbed-1/b01/forwarding-bare-64B-1000fps',
    ],
    [
      "a moment after its phase",
      "fault: power-off, afterMs: 60000, when: load, trials: { platform: bare, repetitions: [2] }",
      "faults[0].afterMs is 60000; the phase load is over after 60000 ms (phases.trialMs): expected less, or a later phase; it takes disturbed-1/b02/forwarding-bare-64B-1000fps",
    ],
    [
      "a moment after the frames of a migration have begun",
      "fault: link-cut, afterMs: 1, when: load, trials: { kind: migration, repetitions: [1] }",
      "faults[0].afterMs is 1; the phase load of a migration ends as its frames begin: expected 0, or when: control; it takes disturbed-1/b01/migration-kvm-virtio-64B-idle-R1toR2",
    ],
  ])("that could never fall as planned are refused once: %s", (_case, entry, sentence) => {
    expect(mistakes(`{ ${entry} }`)).toBe(sentence);
  });

  test.each(["settle", "learn", "load", "control", "migrating", "after"])(
    "fall in %s before that phase is over by the campaign's file",
    (when) => {
      const at = (afterMs: number) =>
        mistakes(
          `{ fault: power-off, host: R1, when: ${when}, afterMs: ${afterMs}, trials: { kind: migration } }`,
        );
      expect(at(0)).toBe("accepted");
      expect(at(86_400_000)).toContain("faults[0].afterMs is 86400000; the phase");
    },
  );

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
