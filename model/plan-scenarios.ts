/** The scenarios of a campaign: parts multiplied out, checked against the testbed, refused or omitted. */
import type { Campaign, ForwardingPart, Load } from "./campaign.ts";
import { intendedFps, loadLabel } from "./load.ts";
import { calibratedFps, loadLimit, platformLimit, type TestbedFacts } from "./testbed-limits.ts";
import { scenarioName } from "./trial-name.ts";
import type { Direction, Omission, Scenario, TrialKind } from "./trial.ts";
import { UsageError } from "./usage-error.ts";

export interface PlannedScenario {
  readonly kind: TrialKind;
  /** Its `direction` is null for an alternating migration until the order of execution is known. */
  readonly scenario: Scenario;
  readonly alternates: boolean;
}

export interface Scenarios {
  readonly scenarios: readonly PlannedScenario[];
  readonly omissions: readonly Omission[];
  /** What could not be checked, and why. */
  readonly notes: readonly string[];
}

/** @throws {UsageError} every mistake of the campaign on this testbed, one a line, with its key. */
export function expandScenarios(campaign: Campaign, testbed: TestbedFacts): Scenarios {
  const mistakes = new Set<string>(unknownNames(campaign, testbed));
  const omissions: Omission[] = [];
  const scenarios: PlannedScenario[] = [];
  const makers = new Map<string, string>();
  for (const { kind, levels, direction, platformKey, loadKey } of combinations(campaign)) {
    const { platform, frameSizeBytes, load } = levels;
    if (!(platform in testbed.known)) continue;
    const surroundings = { ...campaign, ...testbed, frameSizeBytes };
    const scenario: Scenario = {
      platform,
      frameSizeBytes,
      load: loadLabel(load),
      intendedFps: intendedFps(load, surroundings),
      ofCapacity: "ofCapacity" in load ? load.ofCapacity : null,
      direction: direction === "alternate" ? null : direction,
    };
    const name = scenarioName(kind, scenario);
    const names = namesOf(kind, scenario, direction);
    const maker = names.map((each) => makers.get(each)).find((each) => each !== undefined);
    if (maker !== undefined) {
      mistakes.add(`${loadKey} makes ${name} a second time; ${maker} makes it already`);
      continue;
    }
    for (const each of names) makers.set(each, loadKey);
    const ofPlatform = platformLimit(testbed, kind, platform);
    const limit = ofPlatform ?? loadLimit(testbed, load, scenario, surroundings);
    if (limit === null) scenarios.push({ kind, scenario, alternates: direction === "alternate" });
    else if (campaign.beyondTestbed === "omit") omissions.push({ scenario: name, reason: limit });
    else mistakes.add(`${ofPlatform === null ? loadKey : platformKey}: ${limit}`);
  }
  if (mistakes.size > 0) throw new UsageError([...mistakes].join("\n"));
  if (scenarios.length === 0) throw new UsageError(nothingLeft(testbed, omissions));
  return { scenarios, omissions, notes: uncalibrated(testbed, scenarios) };
}

interface Combination {
  readonly kind: TrialKind;
  readonly levels: {
    readonly platform: string;
    readonly frameSizeBytes: number;
    readonly load: Load;
  };
  readonly direction: Direction | "alternate" | null;
  readonly platformKey: string;
  readonly loadKey: string;
}

function combinations({ forwarding, migration }: Campaign): readonly Combination[] {
  return [
    ...forwarding.flatMap((part, index) =>
      multiply("forwarding", part, `forwarding[${index}]`, [null]),
    ),
    ...migration.flatMap((part, index) => {
      const directions = part.directions === "alternate" ? ["alternate" as const] : part.directions;
      return multiply("migration", part, `migration[${index}]`, directions);
    }),
  ];
}

const multiply = (
  kind: TrialKind,
  part: ForwardingPart,
  key: string,
  directions: readonly Combination["direction"][],
): readonly Combination[] =>
  part.platforms.flatMap((platform, platformIndex) =>
    part.frameSizesBytes.flatMap((frameSizeBytes) =>
      part.loads.flatMap((load, loadIndex) =>
        directions.map((direction) => ({
          kind,
          levels: { platform, frameSizeBytes, load },
          direction,
          platformKey: `${key}.platforms[${platformIndex}]`,
          loadKey: `${key}.loads[${loadIndex}]`,
        })),
      ),
    ),
  );

/** The names that a scenario may give its trials: both directions for one that alternates. */
const namesOf = (kind: TrialKind, scenario: Scenario, direction: Combination["direction"]) =>
  direction === "alternate"
    ? (["R1toR2", "R2toR1"] as const).map((each) =>
        scenarioName(kind, { ...scenario, direction: each }),
      )
    : [scenarioName(kind, scenario)];

/** Names that exist nowhere are mistakes, whatever `beyondTestbed` says. */
function unknownNames(campaign: Campaign, { name, known, images }: TestbedFacts): string[] {
  const guest =
    images.length > 0 && !images.includes(campaign.guest.image)
      ? [
          `guest.image is ${JSON.stringify(campaign.guest.image)}; images of testbed ${name}: ${images.join(", ")}`,
        ]
      : [];
  const unknown = combinations(campaign)
    .filter(({ levels }) => !(levels.platform in known))
    .map(
      ({ levels, platformKey }) =>
        `${platformKey} is ${JSON.stringify(levels.platform)}; known platforms: ${Object.keys(known).join(", ")}`,
    );
  return [...guest, ...unknown];
}

const nothingLeft = (testbed: TestbedFacts, omissions: readonly Omission[]) =>
  [
    `nothing is left to measure: testbed ${testbed.name} can do none of the ${omissions.length} scenarios`,
    ...omissions.map(({ scenario, reason }) => `${scenario}: ${reason}`),
  ].join("\n");

function uncalibrated(testbed: TestbedFacts, scenarios: readonly PlannedScenario[]) {
  const sizes = new Set(scenarios.map(({ scenario }) => scenario.frameSizeBytes));
  return [...sizes]
    .filter((size) => calibratedFps(testbed, size) === null)
    .map(
      (size) =>
        `no calibration of the generator is known at ${size} bytes: whether it can offer these loads is not known yet`,
    );
}
