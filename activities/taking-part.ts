/** The hosts of an attempt: chosen when it is prepared, read from its fence ever after. */
import { faultLabel } from "../model/fault-plan.ts";
import { hostNames } from "../model/testbed.ts";
import type { HostName } from "../model/testbed.ts";
import { hostsTakingPart, routerHostNames } from "../model/trial-hosts.ts";
import type { TrialNeeds } from "../model/trial-hosts.ts";
import type { Campaign } from "../model/campaign.ts";
import type { Fence } from "../remote/agent.ts";
import type { Store, TrialRow } from "../store/store.ts";

/** What must be known of a trial to tell its hosts. */
export function needsOf(
  { kind, scenario }: Pick<TrialRow, "kind" | "scenario">,
  { faults }: Pick<Campaign, "faults">,
): TrialNeeds {
  const planned = faults?.find((entry) => faultLabel(entry) === scenario.fault);
  return { kind, fault: planned?.host ?? null };
}

/** No other host is asked anything; those in quarantine stay out where the trial can do without them. */
export async function takingPart(
  store: Pick<Store, "quarantines">,
  testbed: string,
  needs: TrialNeeds,
): Promise<readonly HostName[]> {
  return hostsTakingPart(needs, await store.quarantines(testbed));
}

/** Hosts that an attempt was prepared on: its fence knows their boots. */
export const hostsOf = ({ bootIds }: Pick<Fence, "bootIds">): readonly HostName[] =>
  hostNames.filter((name) => bootIds[name] !== undefined);

/** Those of them that can carry a router. */
export const routerHostsOf = ({ bootIds }: Pick<Fence, "bootIds">) =>
  routerHostNames.filter((name) => bootIds[name] !== undefined);
