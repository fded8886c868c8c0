/** A testbed as the drivers see it: hosts, how each is reached, and what is plugged in where. */

/** The words of the paper's Fig. 1. A testbed file names each host once. */
export const hostNames = ["A", "B", "C", "D", "R1", "R2"] as const;
export type HostName = (typeof hostNames)[number];

export const segmentNames = ["a", "b", "c", "d"] as const;
export type SegmentName = (typeof segmentNames)[number];
export type LinkName = SegmentName | "migration";

/** How the SSH connection to a host is made. */
export type Reach =
  | {
      readonly kind: "ssh";
      readonly address: string;
      readonly port: number;
      readonly user: string;
      readonly identityFile: string;
      /** SHA-256 fingerprint of the host key, as `ssh-keygen -lf` prints it. */
      readonly hostKeySha256: string;
    }
  | {
      /** SSH is spoken over this command's standard streams, as OpenSSH's ProxyCommand. */
      readonly kind: "proxy";
      readonly command: readonly string[];
      readonly user: string;
      readonly identityFile: string;
      readonly hostKeySha256: string;
    };

export interface HostNic {
  readonly link: LinkName;
  readonly device: string;
  readonly mac: string;
  /** With prefix length. null: the NIC carries a guest's traffic only. */
  readonly address: string | null;
  /** The Linux bridge that this NIC is bound to on R1 and R2. */
  readonly bridge: string | null;
}

export interface Host {
  readonly name: HostName;
  readonly reach: Reach;
  readonly rebootFromInside: boolean;
  readonly ownClock: boolean;
  /** Put before every privileged command; `[]` for root, `["sudo","-n"]` otherwise. */
  readonly privilege: readonly string[];
  readonly bootProfiles: readonly string[];
  readonly nics: readonly HostNic[];
  /** Command that takes `on`, `off`, `cycle` or `status` as its last argument; null: power is not controlled. */
  readonly powerCommand: readonly string[] | null;
  /** The host's management controller, where power goes over IPMI; the password is in a file on the controller. */
  readonly ipmi?: {
    readonly address: string;
    readonly user: string;
    readonly passwordFile: string;
  } | null;
}

export interface Testbed {
  readonly name: string;
  readonly kind: "lab" | "physical";
  readonly hosts: Readonly<Record<HostName, Host>>;
  /** Layer-1 rate of every measured segment and of the migration link. */
  readonly lineRateMbpsL1: number;
  readonly migrationRateMbpsL1: number;
  readonly platforms: readonly string[];
  readonly generator: string;
  /** The router's own addresses and MACs on the segments, in NIC order. */
  readonly router: {
    readonly nics: readonly {
      readonly segment: SegmentName;
      readonly mac: string;
      readonly address: string;
    }[];
  };
  /** Kernel and initramfs of the guest images on the routers' hosts, by image name. */
  readonly images: Readonly<
    Record<string, { readonly kernel: string; readonly initramfs: string }>
  >;
  /** QEMU's accelerator, proven by booting; null where no platform needs one. */
  readonly accelerator: "kvm" | "tcg" | null;
  /** Where agents, units and sockets live on each host. */
  readonly runFolder: string;
}

/** The highest load the generator kept without a router, keyed by host, NIC and frame size. */
export interface Calibration {
  readonly testbed: string;
  readonly host: string;
  readonly device: string;
  readonly generator: string;
  readonly frameSizeBytes: number;
  readonly maxFps: number;
  /** Relative error of the rate at `maxFps`. */
  readonly rateErrorRatio: number;
  readonly gapP50Us: number;
  readonly gapP999Us: number;
  readonly gapMaxUs: number;
  readonly measuredAt: string;
}

/** The highest load that a platform forwarded without loss, from a short search. */
export interface Capacity {
  readonly testbed: string;
  readonly platform: string;
  readonly bootProfile: string;
  readonly frameSizeBytes: number;
  readonly fps: number;
  /** With what it was measured, in words (`capacityConditions`); null: by a Longhaul that did not keep it. */
  readonly conditions: string | null;
  readonly measuredAt: string;
}
