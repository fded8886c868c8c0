/** Every fault that the lab can make, in the phases where it matters, and what a trial under it must come to. */
import type { PlannedFault } from "../../model/fault-plan.ts";
import type { Rung } from "../../model/ladder.ts";
import type { TrialKind, TrialOutcome } from "../../model/trial.ts";

export interface FaultCase {
  /** As a person would say it. */
  readonly what: string;
  readonly fault: Pick<PlannedFault, "fault" | "when"> & Partial<PlannedFault>;
  /** The outcome of a valid trial; a pattern: the reason of one whose every attempt is invalid. */
  readonly comesTo: TrialOutcome | RegExp;
  /** The highest rung that had to be climbed afterwards; null: none. */
  readonly rung: Rung | null;
}

/** The platform's own words differ by who noticed first; a host without power is always named so. */
const powerLost = /R[12] (has lost its power|was booted meanwhile)/;
const hostSilent = /R[12]: .*(no answer|not known|no login)/;

/** A router that is gone before its load was never measured; `prepare` makes it anew. */
const goneBefore = /measure: (the router stopped answering|R1: cannot connect to )/;

/** One of each outcome that a router under load can come to. */
const eachForwarding: readonly FaultCase[] = [
  {
    what: "node agent of the router's host killed",
    fault: { fault: "agent-kill", when: "load", afterMs: 500, host: "R1" },
    comesTo: "completed",
    rung: null,
  },
  {
    what: "QEMU killed under load",
    fault: { fault: "qemu-kill", when: "load", afterMs: 500 },
    comesTo: "crashed",
    rung: "recreate",
  },
  {
    what: "guest answers ping, forwards nothing",
    fault: { fault: "guest-blackhole", when: "load", afterMs: 500 },
    comesTo: "locked-up",
    rung: "recreate",
  },
  {
    what: "guest reboots silently",
    fault: { fault: "guest-reboot", when: "load" },
    comesTo: "silently-rebooted",
    rung: "recreate",
  },
  {
    what: "guest drops frames for a fifth of the time",
    fault: { fault: "guest-lossy", when: "load" },
    comesTo: "degraded",
    rung: "recreate",
  },
];

const moreForwarding: readonly FaultCase[] = [
  {
    what: "guest's NIC towards the sink down, C→D forwarded",
    fault: { fault: "guest-nic-down", when: "load", afterMs: 500 },
    comesTo: "locked-up",
    rung: "recreate",
  },
  {
    what: "QEMU killed while the router settles",
    fault: { fault: "qemu-kill", when: "settle" },
    comesTo: goneBefore,
    rung: null,
  },
  {
    what: "QEMU killed while addresses are learned",
    fault: { fault: "qemu-kill", when: "learn" },
    comesTo: goneBefore,
    rung: null,
  },
  {
    what: "guest's kernel panics under load",
    fault: { fault: "guest-panic", when: "load", afterMs: 200 },
    comesTo: "crashed",
    rung: "recreate",
  },
  {
    what: "guest spins under load",
    fault: { fault: "guest-spin", when: "load", afterMs: 200 },
    comesTo: "locked-up",
    rung: "recreate",
  },
  {
    what: "QEMU stopped under load",
    fault: { fault: "qemu-stop", when: "load", afterMs: 500 },
    comesTo: "locked-up",
    rung: "recreate",
  },
  {
    what: "guest paused by its toolstack under load",
    fault: { fault: "guest-pause", when: "load", afterMs: 500 },
    comesTo: "locked-up",
    rung: "recreate",
  },
  {
    what: "node agent of the sender killed",
    fault: { fault: "agent-kill", when: "load", afterMs: 500, host: "A" },
    comesTo: "completed",
    rung: null,
  },
  {
    what: "SSH black-holed for 1.5 s",
    fault: { fault: "ssh-blackhole", when: "load", afterMs: 500, forMs: 1500, host: "R1" },
    comesTo: "completed",
    rung: null,
  },
];

/** One of each outcome that only a migration can come to. */
const eachMigration: readonly FaultCase[] = [
  {
    what: "guest dirties faster than the link",
    fault: { fault: "guest-dirty", mib: 32, when: "learn" },
    comesTo: "not-converged",
    rung: "cancel",
  },
  {
    what: "migration link cut for good",
    fault: { fault: "link-cut", when: "migrating", afterMs: 300 },
    comesTo: "stalled",
    rung: "cancel",
  },
  {
    what: "source's QEMU stopped",
    fault: { fault: "qemu-stop", when: "migrating", afterMs: 300, host: "source" },
    comesTo: "api-hung",
    rung: "recreate",
  },
  {
    what: "destination's QEMU killed",
    fault: { fault: "qemu-kill", when: "migrating", afterMs: 300, host: "destination" },
    comesTo: "failed-resumed",
    rung: "cancel",
  },
  {
    what: "guest paused at the destination after the migration",
    fault: { fault: "guest-pause", when: "after", host: "destination" },
    comesTo: "undefined",
    rung: "recreate",
  },
];

const moreMigration: readonly FaultCase[] = [
  {
    what: "migration link cut for 800 ms",
    fault: { fault: "link-cut", when: "migrating", afterMs: 200, forMs: 800 },
    comesTo: "completed",
    rung: null,
  },
  {
    what: "migration link slowed to 20 Mbit/s for 2 s",
    fault: { fault: "link-slow", mbps: 20, when: "migrating", afterMs: 200, forMs: 2000 },
    comesTo: "completed",
    rung: null,
  },
  {
    what: "migration link loses 2 % for 2 s",
    fault: { fault: "link-loss", lossRatio: 0.02, when: "migrating", afterMs: 200, forMs: 2000 },
    comesTo: "completed",
    rung: null,
  },
  {
    what: "migration link loses 95 %",
    fault: { fault: "link-loss", lossRatio: 0.95, when: "migrating", afterMs: 300 },
    comesTo: "stalled",
    rung: "cancel",
  },
  {
    what: "destination's QEMU stopped",
    fault: { fault: "qemu-stop", when: "migrating", afterMs: 300, host: "destination" },
    comesTo: "stalled",
    rung: "recreate",
  },
  {
    what: "toolstack's sockets silent",
    fault: { fault: "monitor-silent", when: "control", host: "source" },
    comesTo: "api-hung",
    rung: "recreate",
  },
  {
    what: "QEMU killed before the migration",
    fault: { fault: "qemu-kill", when: "control", host: "source" },
    comesTo: "crashed",
    rung: "recreate",
  },
  {
    what: "source's QEMU killed in pre-copy",
    fault: { fault: "qemu-kill", when: "migrating", afterMs: 300, host: "source" },
    comesTo: "crashed",
    rung: "recreate",
  },
  {
    what: "QEMU killed after the switch-over",
    fault: { fault: "qemu-kill", when: "after", host: "destination" },
    comesTo: "crashed",
    rung: "recreate",
  },
  {
    what: "guest's kernel panics in pre-copy",
    fault: { fault: "guest-panic", when: "migrating", afterMs: 100 },
    comesTo: "crashed",
    rung: "recreate",
  },
  {
    what: "guest spins in pre-copy",
    fault: { fault: "guest-spin", when: "migrating", afterMs: 100 },
    comesTo: "locked-up",
    rung: "recreate",
  },
  {
    what: "guest reboots silently in pre-copy",
    fault: { fault: "guest-reboot", when: "migrating" },
    comesTo: "silently-rebooted",
    rung: "recreate",
  },
  {
    what: "guest forwards nothing after the switch-over",
    fault: { fault: "guest-blackhole", when: "after", host: "destination" },
    comesTo: "locked-up",
    rung: "recreate",
  },
  {
    what: "guest paused by its toolstack in pre-copy",
    fault: { fault: "guest-pause", when: "migrating", afterMs: 300, host: "source" },
    comesTo: "undefined",
    rung: "recreate",
  },
  {
    what: "QEMU stopped after the switch-over",
    fault: { fault: "qemu-stop", when: "after", host: "destination" },
    comesTo: "locked-up",
    rung: "recreate",
  },
  {
    what: "node agent of the source killed in pre-copy",
    fault: { fault: "agent-kill", when: "migrating", afterMs: 300, host: "source" },
    comesTo: "completed",
    rung: null,
  },
];

/** The verdict `invalid`: a host that is lost makes every attempt so. */
const eachLost: FaultCase = {
  what: "host powered off under load",
  fault: { fault: "power-off", when: "load", afterMs: 500, host: "R1" },
  comesTo: powerLost,
  rung: "power-cycle",
};

/** These are tried once. */
export const lostHosts: Readonly<Record<TrialKind, readonly FaultCase[]>> = {
  forwarding: [
    eachLost,
    {
      what: "SSH black-holed for good",
      fault: { fault: "ssh-blackhole", when: "load", afterMs: 500, host: "R1" },
      comesTo: hostSilent,
      rung: "power-cycle",
    },
  ],
  migration: [
    {
      what: "source's SSH black-holed in pre-copy",
      fault: { fault: "ssh-blackhole", when: "migrating", afterMs: 300, host: "source" },
      comesTo: hostSilent,
      rung: "power-cycle",
    },
    {
      what: "destination powered off in pre-copy",
      fault: { fault: "power-off", when: "migrating", afterMs: 300, host: "destination" },
      comesTo: powerLost,
      rung: "power-cycle",
    },
    {
      what: "source powered off in pre-copy",
      fault: { fault: "power-off", when: "migrating", afterMs: 300, host: "source" },
      comesTo: powerLost,
      rung: "power-cycle",
    },
  ],
};

/** What `npm test` runs: one fault of each outcome, the quickest to find and to mend, and one that makes a trial invalid. */
export const oneOfEach: Readonly<Record<TrialKind, readonly FaultCase[]>> = {
  forwarding: [...eachForwarding, eachLost],
  migration: eachMigration,
};

/** All others that leave every host in reach; a full disk needs a file system of its own. */
export const reachable: Readonly<Record<TrialKind, readonly FaultCase[]>> = {
  forwarding: [...eachForwarding, ...moreForwarding],
  migration: [...eachMigration, ...moreMigration],
};
