/**
 * What a seed draws: faults that the campaign's own file gives to trials, at random moments of random
 * phases, and strikes from outside (kills, and faults as a person makes them) at random moments of the
 * campaign. Pure: the same seed and numbers draw the same chaos.
 */
import type { FaultMoment } from "../../model/fault-plan.ts";
import type { FaultName, FaultOrder } from "../../model/fault.ts";
import { type Random, random } from "../../model/random.ts";
import { hostNames, type HostName } from "../../model/testbed.ts";
import type { TrialKind } from "../../model/trial.ts";

/** A block has these: two platforms' forwarding at two loads, two migrations. */
export const loadsFps = [1000, 2000] as const;
export const platforms = ["bare", "kvm-virtio"] as const;
export const trialsPerBlock = platforms.length * loadsFps.length + loadsFps.length;

export type Victim = "worker" | "temporal" | "postgres" | "supervisor" | "cli";

export type Blow =
  /** kill -9 of all of them at one moment. `upAfterMs`: how long nobody runs `longhaul up`, where it takes that. */
  | { readonly kind: "kill"; readonly victims: readonly Victim[]; readonly upAfterMs: number }
  /** All of Longhaul and all hosts of the lab die at once, as when the machine loses its power; then `longhaul up`. */
  | { readonly kind: "machine"; readonly upAfterMs: number }
  | { readonly kind: "fault"; readonly order: FaultOrder };

/** Falls `delayMs` after so many trials have their verdict: in whatever phase of whatever trial is then under way. */
export interface Strike {
  readonly id: number;
  readonly afterVerdicts: number;
  readonly delayMs: number;
  readonly blow: Blow;
}

/** A fault of the campaign file. */
export interface TrialFault {
  readonly fault: FaultName;
  readonly host: "source" | "destination" | null;
  readonly when: FaultMoment;
  readonly afterMs: number;
  readonly forMs: number | null;
  readonly lossRatio: number | null;
  readonly trials: { readonly kind: TrialKind; readonly name: string };
}

export interface Chaos {
  readonly seed: number;
  readonly blocks: number;
  readonly trials: number;
  readonly trialFaults: readonly TrialFault[];
  /** In the order in which they fall. */
  readonly strikes: readonly Strike[];
}

export interface ChaosSize {
  /** Rounded up to whole blocks. */
  readonly trials: number;
  readonly kills: number;
  /** The smaller half falls in trials by the campaign's file, the rest from outside. */
  readonly faults: number;
}

const killDeck: readonly (readonly Victim[] | "machine")[] = [
  ["worker"],
  ["temporal"],
  ["postgres"],
  ["supervisor"],
  ["cli"],
  ["worker", "temporal"],
  ["worker", "postgres"],
  ["temporal", "postgres"],
  ["supervisor", "worker"],
  ["worker", "temporal", "postgres", "supervisor", "cli"],
  "machine",
];

interface OutsideFault {
  readonly fault: FaultName;
  /** How long it lasts, at least and at most; null: it cannot be undone. */
  readonly lastsMs: readonly [number, number] | null;
  /** Whom it hits; null: the fault's own choice. */
  readonly hosts: readonly HostName[] | null;
}
const outsideDeck: readonly OutsideFault[] = [
  { fault: "agent-kill", lastsMs: null, hosts: hostNames },
  { fault: "qemu-kill", lastsMs: null, hosts: null },
  { fault: "link-cut", lastsMs: [500, 6000], hosts: null },
  { fault: "power-off", lastsMs: [500, 4000], hosts: hostNames },
  { fault: "guest-panic", lastsMs: null, hosts: null },
  { fault: "ssh-blackhole", lastsMs: [500, 6000], hosts: hostNames },
  { fault: "qemu-stop", lastsMs: [500, 6000], hosts: null },
  { fault: "link-slow", lastsMs: [1000, 6000], hosts: null },
  { fault: "guest-blackhole", lastsMs: [500, 5000], hosts: null },
  { fault: "monitor-silent", lastsMs: [500, 6000], hosts: null },
  { fault: "guest-reboot", lastsMs: null, hosts: null },
  { fault: "guest-spin", lastsMs: null, hosts: null },
];

type TrialFaultKind = Omit<TrialFault, "afterMs" | "trials"> & {
  readonly kind: TrialKind;
  readonly afterMs: readonly [number, number];
};
const settings = { forMs: null, host: null, lossRatio: null } as const;
const inMigration = (
  fault: FaultName,
  more: Partial<Pick<TrialFaultKind, "host" | "lossRatio" | "when" | "afterMs">> = {},
): TrialFaultKind => ({
  ...{ ...settings, kind: "migration", fault, when: "migrating", afterMs: [50, 700] },
  ...more,
});
const inForwarding = (fault: FaultName): TrialFaultKind => ({
  ...{ ...settings, kind: "forwarding", fault, when: "load", afterMs: [50, 600] },
});
const trialDeck: readonly TrialFaultKind[] = [
  inMigration("link-cut"),
  inForwarding("guest-panic"),
  inMigration("qemu-kill", { host: "source" }),
  inForwarding("guest-blackhole"),
  inMigration("qemu-stop", { host: "source" }),
  inForwarding("qemu-kill"),
  inMigration("qemu-kill", { host: "destination" }),
  inForwarding("guest-reboot"),
  inMigration("qemu-stop", { host: "destination" }),
  inForwarding("guest-spin"),
  inMigration("link-loss", { lossRatio: 0.9 }),
  inForwarding("qemu-stop"),
  inMigration("monitor-silent", { host: "source", when: "control", afterMs: [50, 600] }),
];

/** The last trials stay undisturbed, so that every strike falls before the campaign's end. */
const quietEnd = 2;
const longestDelayMs = 6000;
const longestUpMs = 4000;

/** @throws {RangeError} more faults than trials that can have one */
export function drawChaos(seed: number, { trials, kills, faults }: ChaosSize): Chaos {
  const chance = random(BigInt(seed));
  const blocks = Math.ceil(trials / trialsPerBlock);
  const inTrials = Math.floor(faults / 2);
  const blows: Blow[] = [
    ...deal(chance, killDeck, kills).map((victims) => killOf(chance, victims)),
    ...deal(chance, outsideDeck, faults - inTrials).map((fault) => faultOf(chance, fault)),
  ];
  const last = Math.max(0, blocks * trialsPerBlock - 1 - quietEnd);
  const strikes = chance
    .shuffle(blows)
    .map((blow) => ({
      ...{ blow, afterVerdicts: chance.below(last + 1), delayMs: chance.below(longestDelayMs) },
    }))
    .sort((one, other) => one.afterVerdicts - other.afterVerdicts)
    .map((strike, index) => ({ id: index + 1, ...strike }));
  const trialFaults = drawTrialFaults(chance, blocks, inTrials);
  return { seed, blocks, trials: blocks * trialsPerBlock, trialFaults, strikes };
}

/** So many of a deck: every card once before any comes twice. */
function deal<Card>(chance: Random, deck: readonly Card[], count: number): Card[] {
  const dealt: Card[] = [];
  while (dealt.length < count) dealt.push(...chance.shuffle(deck));
  return dealt.slice(0, count);
}

function killOf(chance: Random, victims: readonly Victim[] | "machine"): Blow {
  const upAfterMs = chance.below(longestUpMs);
  return victims === "machine"
    ? { kind: "machine", upAfterMs }
    : { kind: "kill", victims, upAfterMs };
}

function faultOf(chance: Random, { fault, lastsMs, hosts }: OutsideFault): Blow {
  const order = { link: null, mbps: null, lossRatio: null, mib: null };
  const host = hosts === null ? null : (hosts[chance.below(hosts.length)] ?? null);
  const forMs = lastsMs === null ? null : between(chance, lastsMs);
  return { kind: "fault", order: { ...order, fault, host, forMs } };
}

/** Each in a trial of its own. */
function drawTrialFaults(chance: Random, blocks: number, count: number): TrialFault[] {
  const free = {
    migration: chance.shuffle(namesOf("migration", blocks)),
    forwarding: chance.shuffle(namesOf("forwarding", blocks)),
  };
  return deal(chance, trialDeck, count).map(({ kind, afterMs, ...fault }) => {
    const name = free[kind].pop();
    if (name === undefined)
      throw new RangeError(`${count} faults in trials: too many for ${blocks} blocks of ${kind}s`);
    return { ...fault, afterMs: between(chance, afterMs), trials: { kind, name } };
  });
}

/** Patterns that take one trial each; a migration's direction stands behind its load. */
const namesOf = (kind: TrialKind, blocks: number): string[] =>
  Array.from({ length: blocks }, (_, block) => `b${String(block + 1).padStart(2, "0")}`).flatMap(
    (block) => loadsFps.map((fps) => `${block}/${kind}-kvm-virtio-64B-${fps}fps*`),
  );

const between = (chance: Random, [from, to]: readonly [number, number]): number =>
  from + chance.below(to - from + 1);

/** `kill worker + temporal`, `fault power-off R2 for 1200 ms`: for people and for the summary's rows. */
export function blowWords(blow: Blow): string {
  if (blow.kind === "kill") return `kill ${blow.victims.join(" + ")}`;
  if (blow.kind === "machine") return "kill machine";
  const { fault, host, forMs } = blow.order;
  return [
    `fault ${fault}`,
    ...(host === null ? [] : [host]),
    ...(forMs === null ? [] : [`for ${forMs} ms`]),
  ].join(" ");
}
