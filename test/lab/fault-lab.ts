/** A lab with a router guest on R1, for tests that disturb it. */
import { drivers } from "../../hypervisors/drivers.ts";
import type { KvmHypervisor } from "../../hypervisors/kvm.ts";
import { clearFaults, makeFault } from "../../lab/faults/faults.ts";
import { qemusOf } from "../../lab/faults/qemu.ts";
import { labDown, labTestbed } from "../../lab/lab.ts";
import { readLab, type LabRecord, type LabState } from "../../lab/records.ts";
import type { FaultName, FaultOrder, MadeFault } from "../../model/fault.ts";
import type { GuestSpec } from "../../model/guest.ts";
import { hostNames, type Testbed } from "../../model/testbed.ts";
import type { Fence, Hosts } from "../../remote/agent.ts";
import { openHosts } from "../../remote/hosts.ts";
import { testState, upLab } from "./own-lab.ts";

export interface FaultLab {
  readonly state: LabState;
  readonly testbed: Testbed;
  readonly hosts: Hosts;
  readonly driver: KvmHypervisor;
  readonly guest: GuestSpec;
  readonly lab: () => LabRecord;
  /** Fence of the hosts as they are now. */
  fence(): Promise<Fence>;
  /** The guest on R1, forwarding, whatever the last test left. */
  freshGuest(): Promise<void>;
  make(fault: FaultName, settings?: Partial<FaultOrder>): Promise<MadeFault>;
  close(): Promise<void>;
}

const none = { host: null, forMs: null, link: null, mbps: null, lossRatio: null, mib: null };
export const orderOf = (fault: FaultName, settings: Partial<FaultOrder> = {}): FaultOrder => ({
  ...none,
  ...settings,
  fault,
});

export const upFaultLab = async (name: string): Promise<FaultLab> => {
  const state = testState(name);
  await upLab(state);
  const testbed = labTestbed(state);
  if (!testbed) throw new Error("the lab that was brought up is not up");
  const hosts = openHosts(testbed);
  const driver = drivers(testbed, hosts)["kvm-virtio"] as KvmHypervisor;
  const guest: GuestSpec = {
    name: "router-kvm-virtio",
    image: "router",
    memoryMib: 256,
    vcpus: 1,
    routing: "kernel",
    nics: testbed.router.nics.map(({ segment, mac, address }) => ({
      segment,
      mac,
      address,
      bridge: testbed.hosts.R1.nics.find((nic) => nic.link === segment)?.bridge ?? "",
    })),
  };
  const lab = () => {
    const record = readLab(state);
    if (!record) throw new Error("the lab has no record");
    return record;
  };
  // Above all that a lab left by an earlier run has seen.
  let token = Math.round(Date.now() / 1000);
  const fence = async (): Promise<Fence> => {
    token += 1;
    const agents = await Promise.all(hostNames.map((host) => hosts.agent(host)));
    const identities = await Promise.all(agents.map((agent) => agent.identity()));
    const now = {
      token,
      bootIds: Object.fromEntries(identities.map(({ host, bootId }) => [host, bootId])),
    };
    await Promise.all(agents.map((agent) => agent.raise(now)));
    return now;
  };
  return {
    state,
    testbed,
    hosts,
    driver,
    guest,
    lab,
    fence,
    freshGuest: async () => {
      await clearFaults(state);
      const now = await fence();
      for (const { host } of qemusOf(lab())) await driver.destroy(now, host, guest);
      await driver.create(now, "R1", guest);
    },
    make: (fault, settings) => makeFault(state, orderOf(fault, settings)),
    close: async () => {
      await clearFaults(state);
      await hosts.close();
      await labDown(state);
    },
  };
};
