/** Faults that a lab makes real on demand, as its command line and campaign files name them. */
import type { HostName, LinkName } from "./testbed.ts";

export interface FaultFacts {
  readonly does: string;
  /** Whom it befalls. A guest is found where it runs when no host is named. */
  readonly at: "link" | "guest" | "host" | "state";
  /** False: nothing can be undone; recovery makes what is gone anew. */
  readonly undoable: boolean;
  /**
   * What ends a fault of a campaign that has no time to last: its trial's `restore`, or, where the
   * ladder of recovery must cope with it, the `prepare` of the next attempt.
   */
  readonly until: "restore" | "prepare";
  /** What a trial under it must come to, in the words of docs/results.md. */
  readonly expected: string;
}

export const faults = {
  "link-cut": {
    does: "the switch of a link goes dead: no frame passes, every NIC keeps its carrier",
    at: "link",
    undoable: true,
    until: "restore",
    expected: "a migration under way: stalled",
  },
  "link-slow": {
    does: "a link passes no more than --mbps in each direction (tbf)",
    at: "link",
    undoable: true,
    until: "restore",
    expected: "a migration: completed late, not-converged while memory is written faster",
  },
  "link-loss": {
    does: "a link drops frames at random, --loss of them (nftables)",
    at: "link",
    undoable: true,
    until: "restore",
    expected: "a migration: completed late, or stalled at high loss",
  },
  "qemu-stop": {
    does: "the guest's QEMU process stands still (SIGSTOP)",
    at: "guest",
    undoable: true,
    until: "prepare",
    expected:
      "at the source: api-hung; at the destination: stalled; without a migration: locked-up",
  },
  "guest-pause": {
    does: "the guest is paused by its toolstack (QMP stop), which goes on to answer",
    at: "guest",
    undoable: true,
    until: "prepare",
    expected: "after a completed migration, at its destination: undefined; under load: locked-up",
  },
  "qemu-kill": {
    does: "the guest's QEMU process is killed (SIGKILL)",
    at: "guest",
    undoable: false,
    until: "prepare",
    expected: "at the source: crashed; at the destination of a migration: failed-resumed",
  },
  "guest-dirty": {
    does: "the guest writes --mib of its memory again and again, as fast as it can",
    at: "guest",
    undoable: true,
    until: "restore",
    expected: "a migration: not-converged",
  },
  "guest-panic": {
    does: "the guest's kernel panics",
    at: "guest",
    undoable: false,
    until: "prepare",
    expected: "crashed",
  },
  "guest-spin": {
    does: "the guest's only CPU spins with all interrupts held off",
    at: "guest",
    undoable: false,
    until: "prepare",
    expected: "locked-up",
  },
  "guest-blackhole": {
    does: "the guest answers ping and ARP and forwards nothing",
    at: "guest",
    undoable: true,
    until: "prepare",
    expected: "locked-up, though it answers ping",
  },
  "guest-nic-down": {
    does: "the guest's NIC towards the sink is down; its others live, and so does the side flow C→D",
    at: "guest",
    undoable: true,
    until: "prepare",
    expected: "locked-up, though it forwards C→D and answers every command",
  },
  "guest-lossy": {
    does: "the guest forwards nothing for a fifth of the time, a tenth of a second at once",
    at: "guest",
    undoable: true,
    until: "prepare",
    expected: "a forwarding trial: degraded",
  },
  "guest-reboot": {
    does: "the guest resets and boots again inside the same QEMU process",
    at: "guest",
    undoable: false,
    until: "prepare",
    expected: "silently-rebooted",
  },
  "monitor-silent": {
    does: "QEMU's monitor sockets are held by a client that never speaks; QEMU serves one at a time",
    at: "guest",
    undoable: true,
    until: "prepare",
    expected: "api-hung",
  },
  "ssh-blackhole": {
    does: "the host's SSH connections stand still, and new ones are never answered",
    at: "host",
    undoable: true,
    until: "prepare",
    expected: "the host is unreachable: the attempt is invalid, recovery needs its power",
  },
  "power-off": {
    does: "the host loses its power",
    at: "host",
    undoable: true,
    until: "prepare",
    expected: "the attempt is invalid; the host is powered on again",
  },
  "agent-kill": {
    does: "the node agent on the host is killed (SIGKILL)",
    at: "host",
    undoable: false,
    until: "prepare",
    expected: "completed: a new agent finds the units again",
  },
  "store-full": {
    does: "the disk of the state folder is filled to the last block; only one of at most 2 GiB is",
    at: "state",
    undoable: true,
    until: "restore",
    expected: "results wait until there is space",
  },
} as const satisfies Readonly<Record<string, FaultFacts>>;

export type FaultName = keyof typeof faults;
export const faultNames = Object.keys(faults) as [FaultName, ...FaultName[]];
export const factsOf = (fault: FaultName): FaultFacts => faults[fault];

/** What makes one fault stronger or weaker than another of its name. null: the fault's own default. */
export interface FaultSettings {
  readonly link: LinkName | null;
  readonly mbps: number | null;
  readonly lossRatio: number | null;
  readonly mib: number | null;
}

export interface FaultOrder extends FaultSettings {
  readonly fault: FaultName;
  /** null: a guest's fault takes the host where the guest runs, a host's fault R1. */
  readonly host: HostName | null;
  /** Undone by itself after this time; null: it stays until somebody clears it. */
  readonly forMs: number | null;
}

/** A fault that was made real. */
export interface MadeFault {
  readonly id: string;
  readonly fault: FaultName;
  readonly host: HostName | null;
  /** What exactly was done, to which process or device. */
  readonly detail: string;
  /** ISO 8601; the moment after it took hold. */
  readonly at: string;
  readonly untilAt: string | null;
  readonly undoable: boolean;
  /** The trial that it was made for; null: a person made it. */
  readonly trial: string | null;
}

/** Whoever can disturb a testbed on purpose: the embedded lab. */
export interface FaultInjector {
  /** Makes the fault real and returns when it is. @throws {Error} it could not be made */
  inject(order: FaultOrder, trial: string): Promise<MadeFault>;
  /** Undoes the faults that were made for a trial and can be undone: those that last until `restore`, or all. A person's stay. Idempotent. */
  clear(until: FaultFacts["until"]): Promise<readonly MadeFault[]>;
}
