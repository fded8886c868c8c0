/** What trials must, and what they may, come to under each fault; the words of docs/results.md. */
import type { FaultName } from "../../model/fault.ts";
import type { TrialKind, TrialOutcome } from "../../model/trial.ts";
import type { TrialFault } from "./draw.ts";

export interface Expectation {
  readonly outcomes: readonly TrialOutcome[];
  /** An attempt may end without a measurement. */
  readonly invalid: boolean;
}

/** Of a fault that falls in its phase, when nothing else disturbs the attempt. */
export function mustComeTo({ fault, host, trials }: TrialFault): Expectation {
  const outcomes =
    trials.kind === "forwarding" ? inLoad[fault] : inMigration[`${fault} ${host ?? "any"}`];
  if (outcomes === undefined) throw new Error(`what ${fault} in a ${trials.kind} must come to`);
  return { outcomes, invalid: false };
}

const inLoad: Readonly<Partial<Record<FaultName, readonly TrialOutcome[]>>> = {
  "guest-panic": ["crashed"],
  "qemu-kill": ["crashed"],
  "guest-blackhole": ["locked-up"],
  "guest-nic-down": ["locked-up"],
  "guest-spin": ["locked-up"],
  "qemu-stop": ["locked-up"],
  "guest-reboot": ["silently-rebooted"],
};
const inMigration: Readonly<Record<string, readonly TrialOutcome[]>> = {
  "link-cut any": ["stalled"],
  // Nine frames in ten are lost: TCP either creeps or stands.
  "link-loss any": ["stalled", "not-converged", "failed-resumed"],
  "qemu-kill source": ["crashed"],
  "qemu-kill destination": ["failed-resumed"],
  "qemu-stop source": ["api-hung"],
  "qemu-stop destination": ["stalled"],
  "monitor-silent source": ["api-hung"],
};

/** Nothing undoes these, and no router forwards on: one that falls within the load leaves no trial `completed`. */
const lasting: readonly FaultName[] = ["qemu-kill", "guest-panic", "guest-spin", "guest-reboot"];
export const mustNotPass = (fault: FaultName): boolean => lasting.includes(fault);

/** Of a fault from outside, whenever it falls: nothing else than these, and `completed` where it missed. */
export function mayComeTo(fault: FaultName, kind: TrialKind): Expectation {
  const { forwarding, migration, invalid } = whenever[fault];
  return { outcomes: ["completed", ...(kind === "forwarding" ? forwarding : migration)], invalid };
}

interface Whenever {
  readonly forwarding: readonly TrialOutcome[];
  readonly migration: readonly TrialOutcome[];
  readonly invalid: boolean;
}
const linkFault: Whenever = {
  forwarding: ["degraded"],
  migration: ["stalled", "not-converged", "failed-resumed"],
  invalid: false,
};
const guestGone: Whenever = {
  forwarding: ["crashed"],
  migration: ["crashed", "failed-resumed"],
  invalid: true,
};
const guestSilent: Whenever = {
  forwarding: ["locked-up", "degraded"],
  // `undefined`: too little else spoke against a router that forwarded nothing.
  migration: ["locked-up", "undefined", "stalled", "not-converged", "failed-resumed"],
  invalid: true,
};
/** A host that is away is no outcome: nobody measured what its router did. */
const hostAway: Whenever = { forwarding: [], migration: [], invalid: true };

const whenever: Readonly<Record<FaultName, Whenever>> = {
  "link-cut": linkFault,
  "link-slow": linkFault,
  "link-loss": linkFault,
  "guest-dirty": { ...linkFault, migration: ["not-converged"] },
  "qemu-kill": guestGone,
  "guest-panic": guestGone,
  "guest-blackhole": guestSilent,
  "guest-nic-down": guestSilent,
  "guest-lossy": { ...guestSilent, migration: [] },
  "guest-spin": guestSilent,
  "qemu-stop": { ...guestSilent, migration: [...guestSilent.migration, "api-hung"] },
  "monitor-silent": { forwarding: [], migration: ["api-hung"], invalid: true },
  "guest-pause": guestSilent,
  "guest-reboot": {
    forwarding: ["silently-rebooted", "locked-up"],
    migration: ["silently-rebooted", "locked-up", "stalled", "not-converged", "failed-resumed"],
    invalid: true,
  },
  "ssh-blackhole": hostAway,
  "power-off": hostAway,
  "agent-kill": hostAway,
  "store-full": hostAway,
};
