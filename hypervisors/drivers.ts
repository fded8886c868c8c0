import type { Testbed } from "../model/testbed.ts";
import { UsageError } from "../model/usage-error.ts";
import type { Hosts } from "../remote/agent.ts";
import { bare } from "./bare.ts";
import type { Hypervisor } from "./hypervisor.ts";
import { kvm } from "./kvm.ts";
import { xen } from "./xen.ts";

/** The drivers of the platforms that a testbed names, by platform. @throws {Error} naming a platform without a driver */
export const drivers = (testbed: Testbed, hosts: Hosts): Readonly<Record<string, Hypervisor>> => {
  const known: Readonly<Record<string, () => Hypervisor>> = {
    bare: () => bare(testbed, hosts),
    "kvm-virtio": () => kvm(testbed, hosts, "virtio"),
    "kvm-e1000": () => kvm(testbed, hosts, "e1000"),
    "xen-pvh": () => xen(testbed, hosts),
  };
  return Object.fromEntries(
    testbed.platforms.map((platform) => {
      const driver = known[platform];
      if (!driver)
        throw new UsageError(
          `testbed ${testbed.name}: no driver for platform ${platform}; known: ${Object.keys(known).join(", ")}`,
        );
      return [platform, driver()];
    }),
  );
};
