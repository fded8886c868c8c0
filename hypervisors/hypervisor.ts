/** What the trials need from a platform. Nothing else may know which one it is. */
import type { GuestSpec, GuestState } from "../model/guest.ts";
import type {
  LedgerPath,
  MigrationProgress,
  MigrationReport,
  Provenance,
} from "../model/measurement.ts";
import type { Fence } from "../remote/agent.ts";

export interface Capabilities {
  readonly liveMigration: boolean;
  readonly progress: boolean;
  readonly pause: boolean;
  readonly console: boolean;
  readonly guestCommand: boolean;
  /** A toolstack apart from the guests that can be restarted; left out: none. */
  readonly toolstack?: boolean;
  /** In words, for comparisons: when the platform stops iterating. null without live migration. */
  readonly stoppingPolicy: string | null;
}

export interface MigrationOrder {
  /** Also the name of the unit on the source host. */
  readonly unit: string;
  readonly guest: GuestSpec;
  readonly source: string;
  readonly destination: string;
  /** The unit cancels the migration itself when it has run this long. */
  readonly deadlineMs: number;
}

export interface Hypervisor {
  /** The platform's name in campaign files and ids: `bare`, `kvm-virtio`, `kvm-e1000`, … */
  readonly name: string;
  readonly bootProfile: string;
  readonly capabilities: Capabilities;
  /** Starts the guest on a host and returns when it forwards (its console or an equal sign says so). Idempotent for a guest that runs there already and `matches`. @throws {CommandFailed} @throws {NoExitStatus} @throws {Fenced} */
  create(fence: Fence, host: string, guest: GuestSpec): Promise<void>;
  /** What is true on that host now. Changes nothing. @throws {NoExitStatus} the host does not tell. */
  inspect(host: string, guest: GuestSpec): Promise<GuestState>;
  /** Whether what runs on that host was started exactly as `create` would start it now: memory, vCPUs, image, NICs. Changes nothing. */
  matches(host: string, guest: GuestSpec): Promise<boolean>;
  /** Ends the guest on a host and proves that it is gone. Idempotent. */
  destroy(fence: Fence, host: string, guest: GuestSpec): Promise<void>;
  /** Counting points and drop counters between the host's NICs, in the order of a frame from segment a to segment b. */
  path(host: string, guest: GuestSpec): LedgerPath;
  /** Settings read back from host and guest. */
  describe(host: string, guest: GuestSpec): Promise<Provenance>;
}

/** Platforms with `capabilities.liveMigration`. */
export interface Migrates {
  /** Makes the destination ready to receive (paid before the migration is timed). */
  prepareMigration(fence: Fence, order: MigrationOrder): Promise<void>;
  /**
   * Orders the migration as a unit on the source host and follows it. Not idempotent in effect: after
   * an unknown end call `report`, never `migrate` again. `onProgress` is told of observed progress only.
   */
  migrate(
    fence: Fence,
    order: MigrationOrder,
    onProgress: (progress: MigrationProgress) => void,
  ): Promise<MigrationReport>;
  /** The report of a migration unit that ended while nobody followed it; null when it did not end. */
  report(order: MigrationOrder): Promise<MigrationReport | null>;
  /** Stops a migration under way; the source goes on running. Idempotent. */
  abort(fence: Fence, order: MigrationOrder): Promise<void>;
  /** After a good migration: releases what is left at the source. */
  release(fence: Fence, order: MigrationOrder): Promise<void>;
}
export const migrates = (hypervisor: Hypervisor): hypervisor is Hypervisor & Migrates =>
  hypervisor.capabilities.liveMigration;

/** Platforms with `capabilities.guestCommand`: counters read inside the guest. */
export interface CommandsGuest {
  /** Standard output of a command in the guest. Changes nothing there. @throws {NoExitStatus} */
  inGuest(host: string, guest: GuestSpec, argv: readonly string[]): Promise<string>;
}
export const commandsGuest = (hypervisor: Hypervisor): hypervisor is Hypervisor & CommandsGuest =>
  hypervisor.capabilities.guestCommand;

/** Platforms with `capabilities.console`. */
export interface HasConsole {
  /** The last lines of the guest's console on that host. */
  consoleTail(host: string, guest: GuestSpec, lines: number): Promise<string>;
}
export const hasConsole = (hypervisor: Hypervisor): hypervisor is Hypervisor & HasConsole =>
  hypervisor.capabilities.console;

/** Platforms with `capabilities.pause`. */
export interface Pauses {
  pause(fence: Fence, host: string, guest: GuestSpec): Promise<void>;
  resume(fence: Fence, host: string, guest: GuestSpec): Promise<void>;
}
export const pauses = (hypervisor: Hypervisor): hypervisor is Hypervisor & Pauses =>
  hypervisor.capabilities.pause;

/** One answer of the toolstack about a guest and its migration. */
export interface Glance {
  readonly state: GuestState;
  /** null: no migration is under way there. `atUs` is the host's clock. */
  readonly progress: Omit<MigrationProgress, "atUs"> | null;
}

/** Platforms whose guests can be watched from their host beside the toolstack's own report. Nothing here changes anything. */
export interface VcpuTime {
  readonly name: string;
  readonly ranMs: number;
  readonly waitedMs: number;
}

export interface Watchable {
  /** One question to the toolstack. @throws {NoExitStatus} it did not answer in time */
  glance(host: string, guest: GuestSpec, timeoutMs: number): Promise<Glance>;
  /** Time on a real CPU, and waiting for one, of each of the guest's virtual CPUs since it began; null: no such guest there. */
  vcpuTimes(host: string, guest: GuestSpec): Promise<readonly VcpuTime[] | null>;
  /** What host and toolstack tell of the guest now, each question for itself: one that fails tells why. */
  evidence(
    host: string,
    guest: GuestSpec,
    timeoutMs: number,
  ): Promise<Readonly<Record<string, unknown>>>;
}
export const watchable = (hypervisor: Hypervisor): hypervisor is Hypervisor & Watchable =>
  "glance" in hypervisor;

/** Platforms whose toolstack (a daemon apart from the guests) can be restarted while guests live on. */
export interface RestartsToolstack {
  /** Restarts it on a host and returns when it answers again. Idempotent. @throws {CommandFailed} @throws {NoExitStatus} */
  restartToolstack(fence: Fence, host: string): Promise<void>;
}
export const restartsToolstack = (
  hypervisor: Hypervisor,
): hypervisor is Hypervisor & RestartsToolstack => hypervisor.capabilities.toolstack === true;
