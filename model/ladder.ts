/**
 * The ladder of recovery: pure decisions on which rung comes next, from what the rungs before it
 * reported. Every rung is bounded, and what it claims is verified before the next one. Nothing is
 * recreated before both copies of the router are proven gone: two of them with one MAC and one IP
 * would ruin the segment and every figure measured on it.
 */

import type { GivenUp } from "./trial-hosts.ts";

/** In the order in which they are climbed. */
export const rungs = [
  "evidence",
  "cancel",
  "destroy-both",
  "recreate",
  "restart-toolstack",
  "reboot",
  "power-cycle",
  "quarantine",
] as const;
export type Rung = (typeof rungs)[number];
/** What the ladder orders: a rung, or the health trial that follows every rung which could have mended the router. */
export type RecoveryStep = Rung | "health";

/** These change a host as a whole; after each of them the router is destroyed and recreated anew. */
const repairs = ["restart-toolstack", "reboot", "power-cycle"] as const;
type Repair = (typeof repairs)[number];

/** What can be done on this testbed for this trial; found out by the evidence rung. */
export interface LadderFacts {
  /** The trial migrates: there is something to cancel, and R2 takes part. */
  readonly migration: boolean;
  /** The platform has a toolstack that can be restarted apart from its guests. */
  readonly toolstack: boolean;
  /** Hosts that declare *reboot from inside*. */
  readonly rebootable: readonly string[];
  /** Hosts whose power is controlled. */
  readonly powered: readonly string[];
}

/** Of a testbed that cannot even be looked up. */
export const nothingPossible: LadderFacts = {
  migration: false,
  toolstack: false,
  rebootable: [],
  powered: [],
};

export interface StepReport {
  readonly step: RecoveryStep;
  /** `verified`: what the step is for was read back from the hosts, not taken from a command's return. */
  readonly status: "verified" | "failed";
  /** Hosts that the step was ordered for. */
  readonly hosts: readonly string[];
  /** Hosts that did not answer; nothing is known of them. */
  readonly unreachable: readonly string[];
  /** Hosts that answered and are to blame, as one that keeps a copy of the router. */
  readonly suspects: readonly string[];
}

export type NextStep =
  | { readonly kind: "climb"; readonly step: RecoveryStep; readonly hosts: readonly string[] }
  | { readonly kind: "recovered"; readonly by: Rung }
  | { readonly kind: "exhausted"; readonly hosts: readonly string[] };

/** Tries of destroy and recreate in one round (between two repairs), and of each repair in all. */
export const triesPerRung = 2;
/** No ladder is longer: evidence, cancel with its health trial, and seven rounds of at most two destroys that fail or two times three steps, each begun by a repair. */
export const mostSteps = 3 + 2 * (1 + 3 * triesPerRung * 2) * (repairs.length + 1) + 1;

const routerHosts = ["R1", "R2"];

/** What is done next. `reports`: all steps so far, in order. */
export function nextStep(facts: LadderFacts, reports: readonly StepReport[]): NextStep {
  const last = reports.at(-1);
  if (last === undefined) return climb("evidence", []);
  const verified = last.status === "verified";
  switch (last.step) {
    case "evidence":
      return facts.migration ? climb("cancel", routerHosts) : destroy();
    case "cancel":
      return verified ? climb("health", []) : destroy();
    case "destroy-both":
      if (verified) return climb("recreate", ["R1"]);
      return again("destroy-both") ? destroy() : repair(facts, reports);
    case "recreate":
      if (verified) return climb("health", []);
      return again("recreate") ? destroy() : repair(facts, reports);
    case "health":
      if (verified) return { kind: "recovered", by: mendedBy(reports) };
      if (mendedBy(reports) === "cancel") return destroy();
      return again("recreate") ? destroy() : repair(facts, reports);
    case "restart-toolstack":
    case "reboot":
    case "power-cycle":
      return verified ? destroy() : repair(facts, reports);
    case "quarantine":
      return { kind: "exhausted", hosts: last.hosts };
  }

  function destroy(): NextStep {
    return climb("destroy-both", routerHosts);
  }

  /** Trying the same again is no use while a host does not answer: it may still run a copy, and is fenced by its power first. */
  function again(step: RecoveryStep): boolean {
    if (last === undefined || last.unreachable.length > 0) return false;
    return thisRound(reports).filter((one) => one.step === step).length < triesPerRung;
  }
}

/** The next repair that applies, never one below the last; quarantine when none is left. */
function repair(facts: LadderFacts, reports: readonly StepReport[]): NextStep {
  const { unreachable, blamed } = culprits(facts, reports);
  const done = reports.filter(({ step }) => isRepair(step));
  const highest = Math.max(-1, ...done.map(({ step }) => repairs.indexOf(step as Repair)));
  for (const [index, step] of repairs.entries()) {
    if (index < highest) continue;
    const targets = targetsOf(step, facts, unreachable, blamed);
    if (targets.length === 0) continue;
    const before = done.filter((one) => one.step === step);
    if (before.length >= triesPerRung) continue;
    // What was repaired and did not help is not repaired the same way again; another host may be.
    const repaired = before.filter(({ status }) => status === "verified");
    if (repaired.some(({ hosts }) => targets.every((host) => hosts.includes(host)))) continue;
    return climb(step, targets);
  }
  return climb("quarantine", blamed);
}

function targetsOf(
  step: Repair,
  facts: LadderFacts,
  unreachable: readonly string[],
  blamed: readonly string[],
): readonly string[] {
  if (step === "power-cycle") return blamed.filter((host) => facts.powered.includes(host));
  // Both are ordered on the host itself: of no use while one does not answer.
  if (unreachable.length > 0) return [];
  if (step === "reboot") return blamed.filter((host) => facts.rebootable.includes(host));
  return facts.toolstack ? blamed.filter((host) => routerHosts.includes(host)) : [];
}

/** Who the latest report that blames somebody names; else whom the failed repair was ordered for; else the router's own hosts. */
function culprits(facts: LadderFacts, reports: readonly StepReport[]) {
  const round = thisRound(reports);
  const telling = round.findLast(
    ({ unreachable, suspects }) => unreachable.length > 0 || suspects.length > 0,
  );
  const unreachable = telling?.unreachable ?? [];
  const named = [...new Set([...unreachable, ...(telling?.suspects ?? [])])];
  const repaired = round.find(({ step, status }) => isRepair(step) && status === "failed");
  const usual = repaired?.hosts ?? (facts.migration ? routerHosts : ["R1"]);
  return { unreachable, blamed: named.length > 0 ? named : usual };
}

/** Everything since the last repair, that one included. */
function thisRound(reports: readonly StepReport[]): readonly StepReport[] {
  const start = reports.findLastIndex(({ step }) => isRepair(step));
  return reports.slice(Math.max(0, start));
}

/** The highest rung that had to be climbed before the router was healthy again. */
function mendedBy(reports: readonly StepReport[]): Rung {
  const climbed = reports.flatMap(({ step }) => (step === "health" ? [] : [step]));
  const height = Math.max(0, ...climbed.map((step) => rungs.indexOf(step)));
  return rungs[height] ?? "evidence";
}

const isRepair = (step: RecoveryStep): boolean => repairs.some((one) => one === step);

const climb = (step: RecoveryStep, hosts: readonly string[]): NextStep => ({
  kind: "climb",
  step,
  hosts,
});

/** A host that Longhaul gave up, until a person lets it take part again. */
export interface Quarantine extends GivenUp {
  readonly reason: string;
}

/** For `status`, Temporal's UI and the record: what a campaign waits for, and how it goes on. */
export const quarantineWords = (quarantined: readonly Quarantine[]): string =>
  `${givenUpWords(quarantined)}. Mend it, then \`longhaul resume\``;

/** Of a campaign that goes on with what does not need those hosts. */
export const goesOnWords = (quarantined: readonly Quarantine[]): string =>
  `${givenUpWords(quarantined)}. What does not need it goes on; the rest waits for \`longhaul release\``;

const givenUpWords = (quarantined: readonly Quarantine[]): string =>
  quarantined.map(({ host, reason }) => `${host} is in quarantine: ${reason}`).join("; ");
