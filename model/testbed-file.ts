/** What a testbed file says, after validation and defaults. */
import type { Testbed } from "./testbed.ts";

/** What a machine is booted with: Debian's kernel alone, or Xen with that kernel as dom0. */
export const bootProfiles = ["linux", "xen"] as const;
export type BootProfile = (typeof bootProfiles)[number];

/** The embedded lab: small, because Longhaul makes its hosts and wires itself. */
export interface LabFile {
  readonly kind: "lab";
  readonly name: string;
  readonly lineRateMbpsL1: number;
  readonly migrationRateMbpsL1: number;
  readonly platforms: readonly string[];
  readonly generator: string;
  /** Name of the guest image that the lab builds. */
  readonly guestImage: string;
  /** `prove`: the best one that boots the guest image. */
  readonly accelerator: "prove" | "kvm" | "tcg";
  /** Frame sizes that `lab up` calibrates the generator with. */
  readonly calibratedFrameSizesBytes: readonly number[];
  /** R1 and R2 as emulated machines with kernels of their own; left out: as namespaces of this one. */
  readonly machines?:
    | {
        /** What they boot when the lab comes up. */
        readonly bootProfile: BootProfile;
      }
    | undefined;
}

export type PhysicalFile = Testbed & { readonly kind: "physical" };
export type TestbedFile = LabFile | PhysicalFile;
