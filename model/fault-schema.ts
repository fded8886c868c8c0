/** The key `faults` of a campaign file. */
import { z } from "zod";
import { faultNames } from "./fault.ts";
import { faultMoments } from "./fault-plan.ts";
import { decimal, keys, list, oneOf, text, wholeNumber } from "./keys.ts";
import { hostNames, segmentNames } from "./testbed.ts";

const dayMs = 86_400_000;
const absent = <T extends z.ZodType>(schema: T) => schema.nullable().default(null);

const trials = keys({
  kind: absent(oneOf(["forwarding", "migration"])).describe("Trials of this kind only."),
  platform: absent(text(/^[a-z0-9][a-z0-9-]*$/, "the name of a platform")).describe(
    "Trials of this platform only.",
  ),
  repetitions: absent(list(wholeNumber(1, 10_000, "repetitions"), "repetitions")).describe(
    "Trials of these repetitions only; the first is 1.",
  ),
  name: absent(text(/^[A-Za-z0-9./*-]+$/, "a pattern such as b02/migration-*-64B-*")).describe(
    "Trials whose id, without the campaign's, fits this pattern; `*` stands for anything.",
  ),
});

const plannedFault = keys({
  fault: oneOf(faultNames).describe("The fault, as `longhaul lab fault list` names it."),
  trials: trials.describe("Which trials it disturbs: all that meet every condition given."),
  when: oneOf(faultMoments).describe(
    "The phase in which it falls. `control`, `migrating` and `after` are phases of migrations.",
  ),
  afterMs: wholeNumber(0, dayMs, "milliseconds")
    .default(0)
    .describe("How long after the beginning of that phase."),
  forMs: absent(wholeNumber(1, dayMs, "milliseconds")).describe(
    "Undone by itself after this time; null: it stays until the trial is restored.",
  ),
  host: absent(oneOf(["source", "destination", ...hostNames])).describe(
    "Where; null: a guest's fault takes the host where the guest runs, a host's fault R1.",
  ),
  link: absent(oneOf([...segmentNames, "migration"])).describe(
    "Link of a link's fault; null: the migration link.",
  ),
  mbps: absent(decimal(0.01, 100_000, "Mbit/s")).describe("Rate that link-slow leaves."),
  lossRatio: absent(decimal(0.0001, 1, "a ratio")).describe("Share that link-loss drops."),
  mib: absent(wholeNumber(8, 1_048_576, "MiB")).describe("Memory that guest-dirty writes."),
});

/** Optional: a campaign without the key has none, and its plan's identity is as before there was one. */
export const plannedFaults = z
  .array(plannedFault, { error: "a list of faults" })
  .optional()
  .describe(
    "Faults that the lab makes real in some trials, to measure how the set-up behaves. A disturbed trial has the fault as a level, named in its id.",
  );
