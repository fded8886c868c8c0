import { restartsToolstack } from "../../hypervisors/hypervisor.ts";
import type { LadderFacts } from "../../model/ladder.ts";
import { hostNames } from "../../model/testbed.ts";
import type { RungSetup } from "./rung.ts";

/** Which rungs there are: from what the testbed declares, so that no host's silence can hide one. */
export function factsOf({ bench, trial, driver }: RungSetup): LadderFacts {
  const { hosts, kind } = bench.testbed;
  return {
    migration: trial.kind === "migration",
    toolstack: restartsToolstack(driver),
    rebootable: hostNames.filter((name) => hosts[name].rebootFromInside),
    powered: hostNames.filter(
      (name) => kind === "lab" || hosts[name].powerCommand !== null || hosts[name].ipmi != null,
    ),
  };
}
