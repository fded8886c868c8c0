/** Where a guest's NICs meet a host's: looked up in the testbed, never guessed from names. */
import type { GuestNic } from "../model/guest.ts";
import { hostNames, type HostNic, type Testbed } from "../model/testbed.ts";
import { UsageError } from "../model/usage-error.ts";

const hostOf = (testbed: Testbed, name: string) => {
  const known = hostNames.find((one) => one === name);
  if (!known)
    throw new UsageError(
      `testbed ${testbed.name}: no host ${name}; it has ${hostNames.join(", ")}`,
    );
  return testbed.hosts[known];
};

/** The NIC of a host that carries a segment. @throws {UsageError} */
export const nicOn = (testbed: Testbed, host: string, link: string): HostNic => {
  const nic = hostOf(testbed, host).nics.find((one) => one.link === link);
  if (!nic)
    throw new UsageError(`testbed ${testbed.name}: host ${host} has no NIC on link ${link}`);
  return nic;
};

/** Address of the end station on a segment, without prefix length; null: it has none. */
export const endOn = (testbed: Testbed, segment: string): string | null => {
  const ends = hostNames
    .filter((name) => name !== "R1" && name !== "R2")
    .flatMap((name) => testbed.hosts[name].nics.filter(({ link }) => link === segment));
  return ends[0]?.address?.replace(/\/.*$/, "") ?? null;
};

/** Address of a host on the migration link, without prefix length. @throws {UsageError} */
export const migrationAddress = (testbed: Testbed, host: string): string => {
  const { address } = nicOn(testbed, host, "migration");
  if (!address)
    throw new UsageError(`testbed ${testbed.name}: ${host} has no address on its migration link`);
  return address.replace(/\/.*$/, "");
};

/** The host's end of a guest's NIC, one guest at a time on a host. */
export const tapOf = (nic: GuestNic): string => `tap-${nic.segment}`;

/** The same under Xen: the backend of the guest's interface, named so in place of vifDOMID.DEVID. */
export const vifOf = (nic: GuestNic): string => `vif-${nic.segment}`;
