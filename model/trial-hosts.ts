/**
 * Which hosts a trial cannot do without, and which of a testbed take part in it while some are in
 * quarantine. A host's name is its role: load from A to B, side flow from C to D, routers on R1 and R2.
 */
import type { PlannedFault } from "./fault-plan.ts";
import type { HostName } from "./testbed.ts";
import { hostNames } from "./testbed.ts";
import type { TrialKind } from "./trial.ts";

const ends: readonly HostName[] = ["A", "B", "C", "D"];
/** Forwarding is measured on R1; a migration is between both. */
const routersOf: Readonly<Record<TrialKind, readonly HostName[]>> = {
  forwarding: ["R1"],
  migration: ["R1", "R2"],
};

export const routerHostNames = ["R1", "R2"] as const satisfies readonly HostName[];

/** A host that Longhaul gave up. `isolated`: proven to carry no router, by its own answer or by its power being off. */
export interface GivenUp {
  readonly host: string;
  /** Absent in what an older version stored: not proven. */
  readonly isolated?: boolean;
}

export interface TrialNeeds {
  readonly kind: TrialKind;
  /** Where the fault that disturbs it falls; null: on no host of its own, or there is none. */
  readonly fault: PlannedFault["host"];
}

export function hostsNeeded({ kind, fault }: TrialNeeds): readonly HostName[] {
  const faulted =
    fault === "source" || fault === null ? "R1" : fault === "destination" ? "R2" : fault;
  const needed = [...ends, ...routersOf[kind], faulted];
  return hostNames.filter((name) => needed.includes(name));
}

/**
 * The hosts in quarantine that keep the trial from being measured: those that it needs, and a router's
 * host that may still run a copy: two routers with one address would ruin every figure.
 */
export function inTheWay<Host extends GivenUp>(
  needs: TrialNeeds,
  quarantined: readonly Host[],
): readonly Host[] {
  const needed: readonly string[] = hostsNeeded(needs);
  const routers: readonly string[] = routerHostNames;
  return quarantined.filter(
    ({ host, isolated }) => needed.includes(host) || (routers.includes(host) && isolated !== true),
  );
}

/** All that are there; of the hosts in quarantine only those without which there is no trial. */
export function hostsTakingPart(
  needs: TrialNeeds,
  quarantined: readonly GivenUp[],
): readonly HostName[] {
  const needed = hostsNeeded(needs);
  return hostNames.filter(
    (name) => needed.includes(name) || !quarantined.some(({ host }) => host === name),
  );
}
