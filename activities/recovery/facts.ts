import { restartsToolstack } from "../../hypervisors/hypervisor.ts";
import type { LadderFacts } from "../../model/ladder.ts";
import { powerCyclesOf } from "../../model/power-cycles.ts";
import { hostNames } from "../../model/testbed.ts";
import type { RungSetup } from "./rung.ts";

/** Which rungs there are: from what the testbed declares, so that no host's silence can hide one. */
export async function factsOf(setup: RungSetup): Promise<LadderFacts> {
  const { bench, trial, driver } = setup;
  const { hosts, kind } = bench.testbed;
  const spent = await spentHosts(setup);
  return {
    migration: trial.kind === "migration",
    toolstack: restartsToolstack(driver),
    rebootable: hostNames.filter((name) => hosts[name].rebootFromInside),
    powered: hostNames.filter(
      (name) =>
        (kind === "lab" || hosts[name].powerCommand !== null || hosts[name].ipmi != null) &&
        !spent.some(({ host }) => host === name),
    ),
  };
}

interface Spent {
  readonly host: string;
  readonly cycles: number;
  readonly withinHours: number;
}

/** Hosts that were power-cycled too often to be cycled once more. */
export async function spentHosts({
  deps,
  order,
  campaign,
}: Pick<RungSetup, "deps" | "order" | "campaign">): Promise<readonly Spent[]> {
  const { most, withinHours } = powerCyclesOf(campaign);
  const counted = await deps.store.powerCycles(order.ref.testbed, withinHours);
  return counted
    .filter(({ cycles }) => cycles >= most)
    .map(({ host, cycles }) => ({ host, cycles, withinHours }));
}

export const spentWords = ({ host, cycles, withinHours }: Spent): string =>
  `${host} was power-cycled ${cycles} times within ${withinHours} h and is not cycled again`;
