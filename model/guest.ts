/** What a guest router is, apart from the driver that runs it. */
export interface GuestSpec {
  /** Unique on a testbed; also the name of its unit folder, console and sockets on a host. */
  readonly name: string;
  readonly image: string;
  readonly memoryMib: number;
  readonly vcpus: number;
  /** `kernel` is plain kernel forwarding without a daemon. */
  readonly routing: string;
  readonly nics: readonly GuestNic[];
}

/** One NIC of the guest, in the order of the guest's own interfaces (eth0, eth1, …). */
export interface GuestNic {
  readonly segment: string;
  readonly mac: string;
  /** With prefix length, as `198.18.1.1/24`. */
  readonly address: string;
  /** The host's Linux bridge that carries this segment. */
  readonly bridge: string;
}

/** What is true of a guest on one host now. `stopped`: shut down or crashed but still known there. `absent`: not known there. */
export const guestStates = ["running", "paused", "incoming", "stopped", "absent"] as const;
export type GuestState = (typeof guestStates)[number];

/** Where a router is, asked of both hosts; never taken from a command's return. */
export const routerLocations = [
  "source",
  "destination",
  "both",
  "neither",
  "paused",
  "incoming",
  "unknown",
] as const;
export type RouterLocation = (typeof routerLocations)[number];
