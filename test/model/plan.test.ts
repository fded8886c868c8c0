import { describe, expect, test } from "vitest";
import { parseCampaign } from "../../model/campaign-schema.ts";
import type { Campaign } from "../../model/campaign.ts";
import { expandPlan } from "../../model/plan.ts";
import { platforms } from "../../model/platforms.ts";
import type { TestbedFacts } from "../../model/testbed-limits.ts";
import type { Calibration } from "../../model/testbed.ts";
import { UsageError } from "../../model/usage-error.ts";

const calibration = (frameSizeBytes: number, maxFps: number): Calibration => ({
  testbed: "bench",
  host: "A",
  device: "a0",
  generator: "tcpreplay",
  frameSizeBytes,
  maxFps,
  rateErrorRatio: 0,
  gapP50Us: 10,
  gapP999Us: 50,
  gapMaxUs: 500,
  measuredAt: "2020-01-01T00:00:00Z",
});
const bench: TestbedFacts = {
  name: "bench",
  lineRateMbpsL1: 1000,
  migrationRateMbpsL1: 1000,
  platforms: ["bare", "kvm-virtio"],
  images: ["router"],
  calibrations: [calibration(64, 100_000), calibration(1518, 80_000)],
  known: platforms,
};
const campaign = (yaml: string): Campaign => parseCampaign(`name: c\n${yaml}`, "c.yaml");
const both = campaign(`
repetitions: 4
forwarding:
  - { platforms: [bare, kvm-virtio], frameSizesBytes: [64, 1518], loads: [{ fps: 1000 }, { mbpsL2: 5 }] }
  - { platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ ofCapacity: 0.5 }] }
migration:
  - { platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ idle: true }, { fps: 500 }, { mbpsL1: 1 }] }
`);

const refusal = (given: Campaign, testbed = bench, id = "c"): string => {
  try {
    expandPlan(given, testbed, id);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error("the plan was accepted");
};
const forwarding = (levels: string, more = "") =>
  campaign(`${more}\nforwarding:\n  - { platforms: [bare], ${levels} }\n`);

describe("expandPlan", () => {
  const { trials } = expandPlan(both, bench, "c");

  test("gives every scenario once in each block, with unique ids and positions from 0", () => {
    expect(trials).toHaveLength((2 * 2 * 2 + 1 + 3) * 4);
    expect(new Set(trials.map(({ id }) => id)).size).toBe(trials.length);
    expect(trials.map(({ position }) => position)).toEqual(trials.map((_, index) => index));
    for (let repetition = 1; repetition <= 4; repetition += 1)
      expect(trials.filter((trial) => trial.repetition === repetition)).toHaveLength(12);
  });

  test("computes ids from levels", () => {
    const block = trials.filter(({ repetition }) => repetition === 1);
    const forwardings = block.filter(({ kind }) => kind === "forwarding");
    expect(forwardings.map(({ id }) => id)).toContain(
      "c/b01/forwarding-kvm-virtio-64B-0.5capacity",
    );
    expect(forwardings.map(({ id }) => id)).toContain("c/b01/forwarding-bare-1518B-5MbpsL2");
    expect(new Set(forwardings.map(({ element }) => element))).toEqual(
      new Set([
        "c/b01/sweep-bare-64B",
        "c/b01/sweep-bare-1518B",
        "c/b01/sweep-kvm-virtio-64B",
        "c/b01/sweep-kvm-virtio-1518B",
      ]),
    );
    for (const { id, element } of block.filter(({ kind }) => kind === "migration")) {
      expect(id).toMatch(/^c\/b01\/migration-kvm-virtio-64B-(idle|500fps|1MbpsL1)-R[12]toR[12]$/);
      expect(element).toBe(id);
    }
  });

  test("keeps the trials of an element, and the elements of a platform in a block, together", () => {
    const runs = (keys: readonly string[]) =>
      keys.filter((key, index) => key !== keys[index - 1]).length;
    const elements = trials.map(({ element }) => element);
    expect(runs(elements)).toBe(new Set(elements).size);
    const groups = trials.map(({ repetition, scenario }) => `${repetition} ${scenario.platform}`);
    expect(runs(groups)).toBe(new Set(groups).size);
  });

  test("lets alternating migrations of a platform go there and back in their order of execution", () => {
    const ways = trials
      .filter(({ kind }) => kind === "migration")
      .map(({ scenario }) => scenario.direction);
    expect(ways).toHaveLength(12);
    expect(ways.every((way, index) => way === (index % 2 === 0 ? "R1toR2" : "R2toR1"))).toBe(true);
  });

  test("gives the same plan for the same seed, and another order for another", () => {
    expect(expandPlan(both, bench, "c")).toEqual(expandPlan(both, bench, "c"));
    const other = expandPlan({ ...both, seed: 2 }, bench, "c");
    expect(other.trials.map(({ id }) => id)).not.toEqual(trials.map(({ id }) => id));
    expect(other.hash).not.toBe(expandPlan(both, bench, "c").hash);
  });

  test("only appends blocks when repetitions are added", () => {
    const longer = expandPlan({ ...both, repetitions: 9 }, bench, "c").trials;
    expect(longer.slice(0, trials.length)).toEqual(trials);
    expect(longer).toHaveLength(12 * 9);
  });

  test("starts a block with the boot profile that the last one ended in", () => {
    const known = {
      ...platforms,
      x1: { bootProfile: "x", liveMigration: false, guest: true },
      x2: { bootProfile: "x", liveMigration: false, guest: true },
      y1: { bootProfile: "y", liveMigration: false, guest: true },
    };
    const given = campaign(
      "repetitions: 20\nforwarding:\n  - { platforms: [bare, x1, x2, y1], frameSizesBytes: [64], loads: [{ fps: 10 }] }\n",
    );
    const facts = { ...bench, known, platforms: Object.keys(known) };
    const profiles = expandPlan(given, facts, "c").trials.map(({ scenario }) => ({
      profile: known[scenario.platform as keyof typeof known].bootProfile,
    }));
    const changes = profiles.filter(
      ({ profile }, index) => index > 0 && profile !== profiles[index - 1]?.profile,
    );
    // Three profiles: two changes in each block, none between blocks.
    expect(changes).toHaveLength(2 * 20);
  });

  test("resolves loads to frames per second, but for those of a capacity not searched yet", () => {
    const fps = (load: string) =>
      trials.find(({ scenario }) => scenario.load === load)?.scenario.intendedFps;
    expect(fps("1000fps")).toBe(1000);
    expect(fps("idle")).toBe(1000);
    expect(fps("1MbpsL1")).toBeCloseTo(1488.095, 3);
    expect(fps("0.5capacity")).toBeNull();
  });
});

describe("a plan that the testbed cannot do", () => {
  test("is refused for a load over line rate, in a sentence with the numbers", () => {
    expect(refusal(forwarding("frameSizesBytes: [64], loads: [{ mbpsL2: 1000 }]"))).toBe(
      "forwarding[0].loads[0]: 1000 Mbit/s L2 at 64 bytes does not exist on 1000 Mbit/s links: line rate there is 1,488,095 frames/s = 1000 Mbit/s L1 = 761.9 Mbit/s L2",
    );
  });

  test("accepts exactly the line rate where the generator keeps it", () => {
    const strong = { ...bench, calibrations: [calibration(64, 2e6)] };
    const given = forwarding("frameSizesBytes: [64], loads: [{ ofLineRate: 1 }]");
    expect(expandPlan(given, strong, "c").trials[0]?.scenario.intendedFps).toBeCloseTo(
      1_488_095.24,
      1,
    );
  });

  test("is refused for a load over the generator's calibration, with both numbers", () => {
    expect(refusal(forwarding("frameSizesBytes: [64], loads: [{ fps: 100001 }]"))).toBe(
      "forwarding[0].loads[0]: 100001fps at 64 bytes asks for 100,001 frames/s; the generator of testbed bench keeps at most 100,000 frames/s at that size (its calibration)",
    );
  });

  test("is refused for platforms that nobody knows or that the testbed lacks, with the known ones", () => {
    const given = campaign(
      "beyondTestbed: omit\nforwarding:\n  - { platforms: [zen, bare], frameSizesBytes: [64], loads: [{ fps: 1 }] }\n",
    );
    expect(refusal(given)).toBe(
      'forwarding[0].platforms[0] is "zen"; known platforms: bare, kvm-virtio, kvm-e1000, xen-pvh',
    );
    const lacking = campaign(
      "forwarding:\n  - { platforms: [kvm-e1000], frameSizesBytes: [64], loads: [{ fps: 1 }] }\n",
    );
    expect(refusal(lacking)).toBe(
      "forwarding[0].platforms[0]: testbed bench has no platform kvm-e1000; it has: bare, kvm-virtio",
    );
  });

  test("is refused for the migration of a platform that cannot", () => {
    const given = campaign(
      "migration:\n  - { platforms: [bare], frameSizesBytes: [64], loads: [{ idle: true }] }\n",
    );
    expect(refusal(given)).toBe(
      "migration[0].platforms[0]: bare cannot migrate a running router: migration is not applicable to it",
    );
  });

  test("is refused for a guest image that is not there, and for a bad id", () => {
    const given = { ...both, guest: { ...both.guest, image: "bird" } };
    expect(refusal(given)).toBe('guest.image is "bird"; images of testbed bench: router');
    expect(refusal(both, bench, "A/b")).toContain('campaign id "A/b": expected 1 to 48');
  });

  test("is refused for a scenario that the file makes twice, also by another part", () => {
    const twice = campaign(`
forwarding:
  - { platforms: [bare], frameSizesBytes: [64], loads: [{ fps: 10 }] }
  - { platforms: [bare], frameSizesBytes: [64], loads: [{ fps: 10 }] }
`);
    expect(refusal(twice)).toBe(
      "forwarding[1].loads[0] makes forwarding-bare-64B-10fps a second time; forwarding[0].loads[0] makes it already",
    );
    const turned = campaign(`
migration:
  - { platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ idle: true }] }
  - { platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ idle: true }], directions: [R2toR1] }
`);
    expect(refusal(turned)).toBe(
      "migration[1].loads[0] makes migration-kvm-virtio-64B-idle-R2toR1 a second time; migration[0].loads[0] makes it already",
    );
  });

  test("tells several mistakes at once", () => {
    const given = forwarding("frameSizesBytes: [64], loads: [{ fps: 200000 }, { mbpsL2: 900 }]");
    expect(refusal(given).split("\n")).toHaveLength(2);
  });

  test("leaves such scenarios out under `omit`, with the reason, and refuses to plan nothing", () => {
    const given = forwarding(
      "frameSizesBytes: [64], loads: [{ fps: 10 }, { mbpsL2: 900 }]",
      "beyondTestbed: omit",
    );
    const { trials, omissions } = expandPlan(given, bench, "c");
    expect(trials).toHaveLength(25);
    expect(omissions).toEqual([
      {
        scenario: "forwarding-bare-64B-900MbpsL2",
        reason: expect.stringContaining("900 Mbit/s L2 at 64 bytes does not exist") as string,
      },
    ]);
    const nothing = forwarding(
      "frameSizesBytes: [64], loads: [{ mbpsL2: 900 }]",
      "beyondTestbed: omit",
    );
    expect(refusal(nothing)).toContain(
      "nothing is left to measure: testbed bench can do none of the 1",
    );
  });

  test("is planned, with a note, where no calibration is known", () => {
    const { notes } = expandPlan(both, { ...bench, calibrations: null }, "c");
    expect(notes).toHaveLength(2);
    expect(notes[0]).toContain("no calibration of the generator is known at 64 bytes");
  });
});

describe("the hash of a plan", () => {
  const hash = (given: Campaign, testbed = bench) => expandPlan(given, testbed, "c").hash;
  test("is of the plan, not of the file: spelled-out defaults and the order of keys do not matter", () => {
    const spelled = forwarding(
      "loads: [{ fps: 10 }], frameSizesBytes: [64]",
      "attemptLimit: 3\nphases: { restMs: 5000, trialMs: 60000 }",
    );
    expect(hash(spelled)).toBe(hash(forwarding("frameSizesBytes: [64], loads: [{ fps: 10 }]")));
  });

  test.each<[string, (given: Campaign) => Campaign]>([
    ["seed", (given) => ({ ...given, seed: 99 })],
    ["phases", (given) => ({ ...given, phases: { ...given.phases, trialMs: 1 } })],
    [
      "tolerance",
      (given) => ({ ...given, tolerance: { ...given.tolerance, offeredLoadRatio: 0.5 } }),
    ],
    ["repetitions", (given) => ({ ...given, repetitions: 2 })],
  ])("changes with the %s", (_key, change) => {
    expect(hash(change(both))).not.toBe(hash(both));
  });

  test("changes with the testbed's name", () => {
    expect(hash(both, { ...bench, name: "other" })).not.toBe(hash(both));
  });
});
