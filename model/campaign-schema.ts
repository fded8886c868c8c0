/** The campaign file: its keys, their ranges and defaults. What the testbed can do is checked by the plan. */
import { z } from "zod";
import type { Campaign } from "./campaign.ts";
import { defaultHang } from "./hang.ts";
import { defaultHealth } from "./health.ts";
import { plannedFaults } from "./fault-schema.ts";
import { defaultPowerCycles } from "./power-cycles.ts";
import { decimal, flag, keys, list, name, oneOf, text, wholeNumber } from "./keys.ts";
import { maxFrameSizeBytes, minFrameSizeBytes } from "./units.ts";
import { parseYaml } from "./yaml-file.ts";

const dayMs = 86_400_000;
const milliseconds = (from: number, to = dayMs) => wholeNumber(from, to, "milliseconds");
const ratio = () => decimal(0, 1, "a ratio");

const loadForms = {
  fps: decimal(1, 1e9, "frames per second").describe("Frames per second."),
  mbpsL1: decimal(0.001, 1e6, "Mbit/s on layer 1").describe(
    "Mbit/s on layer 1: preamble and inter-frame gap are counted (20 bytes a frame).",
  ),
  mbpsL2: decimal(0.001, 1e6, "Mbit/s on layer 2").describe(
    "Mbit/s on layer 2: frames with their FCS, without preamble and gap.",
  ),
  ofLineRate: decimal(0.0001, 1, "a fraction of the line rate").describe(
    "Fraction of the testbed's line rate.",
  ),
  ofCapacity: decimal(0.001, 100, "a fraction of the capacity").describe(
    "Fraction of the highest load that the platform forwards without loss at this frame size. The campaign searches it before its first block.",
  ),
};
const idle = z.literal(true, { error: "true" }).describe("The probe stream and the RTT flow only.");

const rightLoad = (forms: readonly string[]) =>
  `a load: one of ${forms.map((form) => `{ ${form}: … }`).join(", ")}`;
const rates = [
  keys({ fps: loadForms.fps }),
  keys({ mbpsL1: loadForms.mbpsL1 }),
  keys({ mbpsL2: loadForms.mbpsL2 }),
  keys({ ofLineRate: loadForms.ofLineRate }),
  keys({ ofCapacity: loadForms.ofCapacity }),
] as const;
const rateNames = Object.keys(loadForms);
const rate = z.union(rates, { error: rightLoad(rateNames) });
const rateOrIdle = z.union([...rates, keys({ idle })], {
  error: `${rightLoad(rateNames)}, { idle: true }`,
});

const shared = {
  platforms: list(
    text(/^[a-z0-9][a-z0-9-]*$/, "the name of a platform, such as kvm-virtio"),
    "platforms",
  ).describe("Platforms to measure, by name."),
  frameSizesBytes: list(
    wholeNumber(minFrameSizeBytes, maxFrameSizeBytes, "bytes, FCS included,"),
    "frame sizes",
  ).describe("Frame sizes, FCS included: 1518 carries an IP packet of 1500 bytes."),
};

const forwardingPart = keys({
  ...shared,
  loads: list(rate, "loads").describe("Intended loads, each on every platform and frame size."),
});

const migrationPart = keys({
  ...shared,
  loads: list(rateOrIdle, "loads").describe("Cross-traffic during the migration."),
  directions: z
    .union([z.literal("alternate"), list(oneOf(["R1toR2", "R2toR1"]), "directions")], {
      error: "alternate, or a list of R1toR2 and R2toR1",
    })
    .default("alternate")
    .describe(
      "`alternate`: migrations of one platform go R1→R2 and R2→R1 in turn, in the order in which they run, so that no router is rebuilt between two good ones. A list makes the direction a level: each scenario is measured in each of them.",
    ),
});

export const campaignSchema = keys({
  name: name("a name").describe("Name of the campaign; ids are made from it."),
  seed: wholeNumber(0, Number.MAX_SAFE_INTEGER, "any unit")
    .default(1)
    .describe("Seed of the order of trials. The same file and seed give the same order."),
  repetitions: wholeNumber(1, 10_000, "repetitions")
    .default(25)
    .describe("Repetitions of every scenario, one in each block."),
  beyondTestbed: oneOf(["refuse", "omit"])
    .default("refuse")
    .describe(
      "What becomes of a scenario that the testbed cannot do: `refuse` the campaign, or `omit` the scenario and list it.",
    ),
  phases: keys({
    settleMs: milliseconds(0).default(2000).describe("a) Time for routing to settle."),
    learnMs: milliseconds(0).default(2000).describe("b) Wait after the learning frames."),
    trialMs: milliseconds(100).default(60_000).describe("c) The load."),
    drainMs: milliseconds(0).default(2000).describe("d) Wait for residual frames."),
    restMs: milliseconds(0).default(5000).describe("e) Time to restabilise."),
  })
    .prefault({})
    .describe("Phases of a trial, RFC 2544 §23. The defaults are the RFC's."),
  forwarding: z
    .array(forwardingPart, { error: "a list of forwarding parts" })
    .default([])
    .describe("Forwarding trials: loss and forwarding rate under a constant load."),
  migration: z
    .array(migrationPart, { error: "a list of migration parts" })
    .default([])
    .describe("Live migrations of the router between R1 and R2 under cross-traffic."),
  guest: keys({
    image: name("the name of a guest image")
      .default("router")
      .describe("Guest image, by the testbed's name for it."),
    memoryMib: wholeNumber(32, 1_048_576, "MiB").default(256).describe("Memory of the guest."),
    vcpus: wholeNumber(1, 256, "virtual CPUs").default(1).describe("Virtual CPUs of the guest."),
    routing: oneOf(["kernel"])
      .default("kernel")
      .describe("Who routes in the guest. `kernel`: plain forwarding, no daemon."),
  })
    .prefault({})
    .describe("The router's virtual machine."),
  tolerance: keys({
    offeredLoadRatio: ratio()
      .default(0.01)
      .describe("Relative miss of the intended load beyond which an attempt is invalid."),
    unexplainedRatio: ratio()
      .default(0.001)
      .describe("Unexplained frames relative to those sent, beyond which an attempt is invalid."),
    hostLoadRatio: ratio()
      .nullable()
      .default(null)
      .describe(
        "Busy share of a host's CPUs beyond which an attempt is invalid; null: shown only.",
      ),
    samplingP99Ms: decimal(0.1, 60_000, "milliseconds")
      .nullable()
      .default(null)
      .describe(
        "p99 interval of a sampler beyond which an attempt is invalid; null: flagged only.",
      ),
  })
    .prefault({})
    .describe("What makes an attempt invalid."),
  samplingIntervalMs: decimal(1, 1000, "milliseconds")
    .default(10)
    .describe("Interval of the counter series."),
  rttIntervalMs: decimal(1, 1000, "milliseconds")
    .default(10)
    .describe("Interval of the RTT flow between C and D."),
  keepRaw: flag().default(false).describe("Keep the arrival stamp of every frame."),
  attemptLimit: wholeNumber(1, 100, "attempts")
    .default(3)
    .describe("Attempts of a trial before it is given up as invalid."),
  hang: keys({
    windowMs: milliseconds(1000)
      .nullable()
      .default(defaultHang.windowMs)
      .describe(
        "A migration that made no progress for this long hangs; null: max(5 s, 40 s × guest memory / 256 MiB).",
      ),
    progressRatio: decimal(0.01, 1, "a ratio above 0")
      .default(defaultHang.progressRatio)
      .describe(
        "Progress is a least remainder of memory below this ratio of the least one before the window.",
      ),
    probeIntervalMs: milliseconds(100, 60_000)
      .default(defaultHang.probeIntervalMs)
      .describe("How often a migration under way is looked at."),
    questionTimeoutMs: milliseconds(500, 600_000)
      .default(defaultHang.questionTimeoutMs)
      .describe("A toolstack that leaves one question unanswered for this long hangs."),
  })
    .prefault({})
    .describe("When a migration is called hung. It is found within window + one probe interval."),
  health: keys({
    fps: wholeNumber(1, 1e6, "frames per second")
      .default(defaultHealth.fps)
      .describe("Load of the health trial, at most."),
    ofCapacity: decimal(0.001, 1, "a fraction of the capacity")
      .default(defaultHealth.ofCapacity)
      .describe("Load of the health trial, at most, where the platform's capacity is known."),
    durationMs: milliseconds(100, 30_000)
      .default(defaultHealth.durationMs)
      .describe("Duration of that load."),
    lossRatio: ratio()
      .default(defaultHealth.lossRatio)
      .describe("Loss beyond which the baseline is not met."),
  })
    .optional()
    .describe(
      "The baseline that the router must meet after a recovery before the next measurement, and after the load of a trial in which something cast doubt on it (`degraded` otherwise). Absent: the defaults.",
    ),
  powerCycles: keys({
    most: wholeNumber(1, 1000, "power cycles")
      .default(defaultPowerCycles.most)
      .describe("Power cycles of one host within the hours."),
    withinHours: wholeNumber(1, 8760, "hours")
      .default(defaultPowerCycles.withinHours)
      .describe("The hours in which they are counted."),
  })
    .optional()
    .describe(
      "A host that recovery has power-cycled so often is put into quarantine instead of being cycled again. Those after trials with a planned fault, and those before a person released the host, do not count. Absent: the defaults.",
    ),
  migrationDeadlineMs: milliseconds(1000)
    .default(120_000)
    .describe(
      "A migration is aborted when it has run this long: the net behind the judges of `hang`.",
    ),
  migrationMarginMs: milliseconds(500)
    .default(10_000)
    .describe(
      "Time under load watched before and after each migration; also the longest control window of the packet gap.",
    ),
  idleProbeFps: wholeNumber(100, 100_000, "frames per second")
    .default(1000)
    .describe("Rate of the probe stream of an `idle` migration: the resolution of its packet gap."),
  faults: plannedFaults,
})
  .refine(({ forwarding, migration }) => forwarding.length + migration.length > 0, {
    path: ["forwarding"],
    error: "at least one forwarding or migration part",
  })
  .meta({
    title: "Longhaul campaign",
    description: "What to measure: scenarios, repetitions, phases and tolerances.",
  });

/** @throws {UsageError} naming file, line, key, value and what would be right, for every mistake. */
export const parseCampaign = (yamlText: string, file: string): Campaign =>
  parseYaml(yamlText, file, campaignSchema);
