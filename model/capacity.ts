/** What a measured capacity holds for, and the loads that are fractions of it. */
import type { Campaign } from "./campaign.ts";
import { platforms } from "./platforms.ts";
import { loadLimit } from "./testbed-limits.ts";
import type { Calibration, Capacity, Testbed } from "./testbed.ts";
import type { Scenario } from "./trial.ts";

/** With what a capacity is measured, in words; equal words are equal conditions. */
export function capacityConditions(
  { lineRateMbpsL1, accelerator }: Pick<Testbed, "lineRateMbpsL1" | "accelerator">,
  platform: string,
  { image, memoryMib, vcpus, routing }: Campaign["guest"],
): string {
  const line = `${lineRateMbpsL1} Mbit/s links`;
  if (platforms[platform]?.guest === false) return line;
  return `image ${image}, ${memoryMib} MiB, ${vcpus} vCPU, routing ${routing}, ${accelerator ?? "no accelerator"}, ${line}`;
}

/**
 * The stored capacity that may be taken for measured now; null: it must be searched. One that is older
 * than the newest calibration is of an earlier start of the lab, or of another generator.
 */
export function currentCapacity(
  known: readonly Capacity[],
  calibrations: readonly Pick<Calibration, "measuredAt">[],
  wanted: Pick<Capacity, "platform" | "bootProfile" | "frameSizeBytes" | "conditions">,
): Capacity | null {
  const since = Math.max(-Infinity, ...calibrations.map((one) => Date.parse(one.measuredAt)));
  const found = known.find(
    (one) =>
      one.platform === wanted.platform &&
      one.bootProfile === wanted.bootProfile &&
      one.frameSizeBytes === wanted.frameSizeBytes &&
      one.conditions === wanted.conditions &&
      Date.parse(one.measuredAt) >= since,
  );
  return found ?? null;
}

/** A load that the testbed turned out not to offer, and the verdict on its trials: none of them is attempted. */
export interface BeyondTestbed {
  readonly ofCapacity: number;
  readonly verdict: "invalid" | "skipped";
  readonly reason: string;
}

/** Fractions of a capacity that line or generator cannot offer, with what the plan would have said of them. */
export function loadsBeyond(
  scenarios: readonly Scenario[],
  {
    campaign: { beyondTestbed, idleProbeFps },
    testbed: { name, lineRateMbpsL1 },
    calibrations,
    platform,
    frameSizeBytes,
    fps,
  }: {
    readonly campaign: Pick<Campaign, "beyondTestbed" | "idleProbeFps">;
    readonly testbed: Pick<Testbed, "name" | "lineRateMbpsL1">;
    readonly calibrations: readonly Calibration[];
    readonly platform: string;
    readonly frameSizeBytes: number;
    /** The capacity. */
    readonly fps: number;
  },
): readonly BeyondTestbed[] {
  const own = scenarios.filter(
    (one) => one.platform === platform && one.frameSizeBytes === frameSizeBytes,
  );
  const byLoad = new Map(own.map((scenario) => [scenario.ofCapacity, scenario]));
  return [...byLoad].flatMap(([ofCapacity, scenario]) => {
    if (ofCapacity === null) return [];
    const intendedFps = ofCapacity * fps;
    const limit = loadLimit(
      { name, calibrations },
      { fps: intendedFps },
      { ...scenario, intendedFps },
      { frameSizeBytes, lineRateMbpsL1, idleProbeFps },
    );
    if (limit === null) return [];
    const verdict = beyondTestbed === "omit" ? "skipped" : "invalid";
    return [{ ofCapacity, verdict, reason: `beyond the testbed: ${limit}` }];
  });
}
