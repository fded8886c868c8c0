/**
 * The order of execution: randomised complete blocks. A block holds one repetition of every
 * scenario. It starts with the boot profile that the last one ended in; the other profiles are
 * shuffled, and in each profile its platforms, in each platform its sweeps and migrations, in each
 * sweep its loads.
 */
import type { PlannedScenario } from "./plan-scenarios.ts";
import type { PlatformFacts } from "./platforms.ts";
import { blockRandom, type Random } from "./random.ts";
import { blockName, scenarioName, sweepName } from "./trial-name.ts";
import type { Direction, PlannedTrial } from "./trial.ts";

export interface OrderInput {
  readonly campaignId: string;
  readonly seed: number;
  readonly repetitions: number;
  readonly known: Readonly<Record<string, PlatformFacts>>;
}

/**
 * Migrations that alternate take their direction from the order of execution: of one platform, the
 * first goes R1→R2, the next R2→R1, and so on through all blocks, so that the router stands where
 * the next one starts. A migration with a fixed direction turns the sequence with it. Forwarding is
 * measured on R1: where a sweep falls between two migrations, the router may have to be started there.
 */
export function orderTrials(
  scenarios: readonly PlannedScenario[],
  { campaignId, seed, repetitions, known }: OrderInput,
): readonly PlannedTrial[] {
  const trials: PlannedTrial[] = [];
  const location = new Map<string, "R1" | "R2">();
  let profile: string | null = null;
  for (let repetition = 1; repetition <= repetitions; repetition += 1) {
    const random = blockRandom(seed, repetition);
    const block = `${campaignId}/${blockName(repetition)}`;
    for (const platform of orderPlatforms(scenarios, known, profile, random)) {
      profile = bootProfile(known, platform);
      const own = scenarios.filter(({ scenario }) => scenario.platform === platform);
      for (const element of random.shuffle(elements(own)))
        for (const planned of random.shuffle(element)) add(planned, block, repetition);
    }
  }
  return trials;

  function add({ kind, scenario, alternates }: PlannedScenario, block: string, repetition: number) {
    const { platform, frameSizeBytes } = scenario;
    const direction = alternates ? from(location.get(platform) ?? "R1") : scenario.direction;
    if (direction !== null) location.set(platform, direction === "R1toR2" ? "R2" : "R1");
    const levels = { ...scenario, direction };
    const id = `${block}/${scenarioName(kind, levels)}`;
    trials.push({
      id,
      kind,
      element: kind === "forwarding" ? `${block}/${sweepName(platform, frameSizeBytes)}` : id,
      scenario: levels,
      repetition,
      position: trials.length,
    });
  }
}

const from = (host: "R1" | "R2"): Direction => (host === "R1" ? "R1toR2" : "R2toR1");

const bootProfile = (known: OrderInput["known"], platform: string) =>
  known[platform]?.bootProfile ?? platform;

function orderPlatforms(
  scenarios: readonly PlannedScenario[],
  known: OrderInput["known"],
  current: string | null,
  random: Random,
): readonly string[] {
  const platforms = [...new Set(scenarios.map(({ scenario }) => scenario.platform))];
  const profiles = [...new Set(platforms.map((platform) => bootProfile(known, platform)))];
  const shuffled = random.shuffle(profiles);
  const first = shuffled.filter((profile) => profile === current);
  const others = shuffled.filter((profile) => profile !== current);
  return [...first, ...others].flatMap((profile) =>
    random.shuffle(platforms.filter((platform) => bootProfile(known, platform) === profile)),
  );
}

/** The sweeps (one for each frame size, from however many parts) and single migrations of one platform. */
function elements(scenarios: readonly PlannedScenario[]): readonly PlannedScenario[][] {
  const sweeps = new Map<number, PlannedScenario[]>();
  const migrations: PlannedScenario[][] = [];
  for (const planned of scenarios) {
    if (planned.kind === "migration") {
      migrations.push([planned]);
      continue;
    }
    const size = planned.scenario.frameSizeBytes;
    sweeps.set(size, [...(sweeps.get(size) ?? []), planned]);
  }
  return [...sweeps.values(), ...migrations];
}
