/** What a testbed cannot do, in sentences with both numbers. Nothing here needs a connection. */
import type { Load } from "./campaign.ts";
import { beyondLineRate, grouped, type LoadSurroundings } from "./load.ts";
import { platforms, type PlatformFacts } from "./platforms.ts";
import type { TestbedFile } from "./testbed-file.ts";
import type { Calibration } from "./testbed.ts";
import type { Scenario, TrialKind } from "./trial.ts";

/** What a plan asks of a testbed. */
export interface TestbedFacts {
  readonly name: string;
  readonly lineRateMbpsL1: number;
  readonly migrationRateMbpsL1: number;
  readonly platforms: readonly string[];
  /** Names of its guest images. */
  readonly images: readonly string[];
  /** null: not known yet (the testbed was never calibrated, or the store cannot be read now). */
  readonly calibrations: readonly Calibration[] | null;
  /** Every platform that Longhaul has a driver for. */
  readonly known: Readonly<Record<string, PlatformFacts>>;
}

/** `calibrations` as the store has them; null where it cannot be read now. */
export const testbedFacts = (
  file: TestbedFile,
  calibrations: readonly Calibration[] | null,
): TestbedFacts => ({
  name: file.name,
  lineRateMbpsL1: file.lineRateMbpsL1,
  migrationRateMbpsL1: file.migrationRateMbpsL1,
  platforms: file.platforms,
  images: file.kind === "lab" ? [file.guestImage] : Object.keys(file.images),
  calibrations,
  known: platforms,
});

/** Why this platform cannot do this kind of trial here; null when it can. */
export function platformLimit(
  testbed: TestbedFacts,
  kind: TrialKind,
  platform: string,
): string | null {
  if (!testbed.platforms.includes(platform))
    return `testbed ${testbed.name} has no platform ${platform}; it has: ${testbed.platforms.join(", ")}`;
  if (kind === "migration" && testbed.known[platform]?.liveMigration !== true)
    return `${platform} cannot migrate a running router: migration is not applicable to it`;
  return null;
}

/** Why line or generator cannot offer this load; null when they can, or when that is not known. */
export function loadLimit(
  testbed: Pick<TestbedFacts, "name" | "calibrations">,
  load: Load,
  scenario: Scenario,
  surroundings: LoadSurroundings,
): string | null {
  const overLine = beyondLineRate(load, surroundings);
  if (overLine !== null) return overLine;
  const { frameSizeBytes, intendedFps } = scenario;
  const most = calibratedFps(testbed, frameSizeBytes);
  if (intendedFps === null || most === null || intendedFps <= most) return null;
  return `${scenario.load} at ${frameSizeBytes} bytes asks for ${grouped(intendedFps)} frames/s; the generator of testbed ${testbed.name} keeps at most ${grouped(most)} frames/s at that size (its calibration)`;
}

/** The highest rate that the generator kept from host A at this frame size; null: not calibrated. */
export function calibratedFps(
  testbed: Pick<TestbedFacts, "calibrations">,
  frameSizeBytes: number,
): number | null {
  const rates = (testbed.calibrations ?? [])
    .filter((each) => each.frameSizeBytes === frameSizeBytes && each.host === "A")
    .map(({ maxFps }) => maxFps);
  return rates.length === 0 ? null : Math.max(...rates);
}
