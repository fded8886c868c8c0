import { hostNames, type Host, type HostName, type Testbed } from "../model/testbed.ts";
import { bootProfiles } from "../model/testbed-file.ts";
import type { LabRecord, LabState } from "./records.ts";
import { imagesOnMachine } from "./hosts/live-image.ts";
import { reachOf } from "./ssh-access.ts";
import { isMachine, nicsOf, routerNics } from "./topology.ts";

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
    images: lab.file.machines === null ? lab.images : imagesOnMachine(lab.images),
    accelerator: lab.accelerator,
    runFolder,
  };
};
