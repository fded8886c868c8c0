/** What a plan must know of each platform before any host is touched. Drivers declare the same; a test compares them. */
export interface PlatformFacts {
  readonly bootProfile: string;
  readonly liveMigration: boolean;
  /** Whether the router runs in a guest that must be started. */
  readonly guest: boolean;
}

export const platforms: Readonly<Record<string, PlatformFacts>> = {
  bare: { bootProfile: "linux", liveMigration: false, guest: false },
  "kvm-virtio": { bootProfile: "linux", liveMigration: true, guest: true },
  "kvm-e1000": { bootProfile: "linux", liveMigration: true, guest: true },
  "xen-pvh": { bootProfile: "xen", liveMigration: true, guest: true },
};
