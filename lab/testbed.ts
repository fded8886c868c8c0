import { hostNames, type Host, type HostName, type Testbed } from "../model/testbed.ts";
import { bootProfiles } from "../model/testbed-file.ts";
import { wires, type LabRecord, type LabState } from "./records.ts";
import { imagesOnMachine } from "./hosts/live-image.ts";
import { reachOf } from "./ssh-access.ts";
import { isMachine, nicsOf, portOf, routerNics, wireOf } from "./topology.ts";

/** Agents, units and guests live here: on each host's own /run, which ends with the host. */
export const runFolder = "/run/longhaul";

/** The lab that is up, as drivers and trials see any testbed. */
export const testbedOf = (state: LabState, lab: LabRecord): Testbed => {
  const host = (name: HostName): Host => ({
    name,
    reach: reachOf(state, name, lab.hostKeySha256),
    // A namespace host's reboot from inside would reach the machine that the lab runs on.
    rebootFromInside: isMachine(lab.file, name),
    ownClock: isMachine(lab.file, name),
    privilege: [],
    bootProfiles: isMachine(lab.file, name) ? bootProfiles : ["linux"],
    nics: nicsOf(name),
    powerCommand: null,
  });
  const { name, lineRateMbpsL1, migrationRateMbpsL1, platforms, generator } = lab.file;
  return {
    name,
    kind: "lab",
    lineRateMbpsL1,
    migrationRateMbpsL1,
    platforms,
    generator,
    hosts: Object.fromEntries(hostNames.map((name) => [name, host(name)])) as Testbed["hosts"],
    router: { nics: routerNics },
    images: lab.file.machines === undefined ? lab.images : imagesOnMachine(lab.images),
    accelerator: lab.accelerator,
    runFolder,
  };
};

/**
 * What the generator is calibrated on. R1 takes the frames in; where it is a machine, the far end of A's own
 * cable stands in for it, among the wires: an emulated receiver would show its own limit, not the generator's.
 */
export const calibrationGround = (state: LabState, lab: LabRecord): Testbed => {
  const testbed = testbedOf(state, lab);
  if (lab.file.machines === undefined) return testbed;
  const cable = { device: portOf("A", "a"), bridge: wireOf("a") };
  const standIn: Host = {
    ...testbed.hosts.A,
    name: "R1",
    reach: reachOf(state, wires, lab.hostKeySha256),
    nics: nicsOf("R1").map((nic) => (nic.link === "a" ? { ...nic, ...cable } : nic)),
  };
  return { ...testbed, hosts: { ...testbed.hosts, R1: standIn } };
};
