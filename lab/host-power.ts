/** Power of the lab's hosts. Killing the init, which a machine's QEMU is, too, is the power button; a new one is a new boot. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { hostNames, type HostName } from "../model/testbed.ts";
import type { Power } from "../power/power.ts";
import { bootProfiles } from "../model/testbed-file.ts";
import { UsageError } from "../model/usage-error.ts";
import type { Boots } from "../power/boots.ts";
import { startMachine, untilUp } from "./hosts/machine.ts";
import { hostFolder, killHost, startHost } from "./namespace-host.ts";
import { isAlive } from "./processes.ts";
import {
  holdingLab,
  readLab,
  recordHost,
  recordProfile,
  wires,
  type HostRecord,
  type LabRecord,
  type LabState,
  type Place,
} from "./records.ts";
import { isMachine } from "./topology.ts";
import { plugIn, unplug } from "./wires.ts";

const labThatIsUp = (state: LabState): LabRecord & { wires: HostRecord } => {
  const lab = readLab(state);
  const wiresHost = lab?.hosts[wires];
  if (!lab || !wiresHost) throw new Error(`${state.lab}: no lab is up`);
  return { ...lab, wires: wiresHost };
};

const named = (host: string): HostName => {
  const name = hostNames.find((known) => known === host);
  if (!name) throw new Error(`no host ${host} in this lab; it has ${hostNames.join(", ")}`);
  return name;
};

/** Gives power to a host that has none, or to the wires; its cables are plugged in afterwards. A machine boots after that. */
export const startPlace = (
  state: LabState,
  { file, live, profiles }: Pick<LabRecord, "file" | "live" | "profiles">,
  place: Place,
): Promise<HostRecord> => {
  if (place === wires || !isMachine(file, place)) return startHost(state, place);
  if (live === null || file.machines === undefined)
    throw new Error(`${place}: this lab has no image that a machine could boot`);
  return startMachine(state, place, {
    image: live,
    profile: profiles[place] ?? file.machines.bootProfile,
  });
};

const switchOff = async (state: LabState, name: HostName): Promise<void> => {
  const lab = labThatIsUp(state);
  const host = lab.hosts[name];
  if (!host) return;
  rmSync(join(hostFolder(state, name), "init"), { force: true });
  await killHost(host);
  await unplug(lab.wires, name);
  recordHost(state, name, null);
};

const switchOn = async (state: LabState, name: HostName): Promise<void> => {
  const lab = labThatIsUp(state);
  const known = lab.hosts[name];
  if (known && isAlive(known)) return;
  // What died by itself left its cables.
  await unplug(lab.wires, name);
  const host = await startPlace(state, lab, name);
  recordHost(state, name, host);
  await plugIn(lab.wires, { [name]: host }, lab.file);
};

/** Idempotent in both directions. One switch at a time in one lab. */
export const hostPower = (state: LabState): Power => {
  const read = (name: HostName) => {
    const host = readLab(state)?.hosts[name];
    return host && isAlive(host) ? ("on" as const) : ("off" as const);
  };
  const proven = (name: HostName, wanted: "on" | "off") => {
    if (read(name) !== wanted)
      throw new Error(`${name}: switched ${wanted}, but it reads otherwise`);
  };
  return {
    state: (host) => Promise.resolve(read(named(host))),
    on: (host) =>
      holdingLab(state, async () => {
        await switchOn(state, named(host));
        proven(named(host), "on");
      }),
    off: (host) =>
      holdingLab(state, async () => {
        await switchOff(state, named(host));
        proven(named(host), "off");
      }),
    cycle: (host) =>
      holdingLab(state, async () => {
        await switchOff(state, named(host));
        proven(named(host), "off");
        await switchOn(state, named(host));
        proven(named(host), "on");
      }),
  };
};

/** Machines boot what they are told to; a namespace has no kernel of its own. */
export const hostBoots = (state: LabState): Boots => ({
  profile: (host) => {
    const lab = readLab(state);
    if (!lab?.file.machines || !isMachine(lab.file, named(host))) return null;
    return lab.profiles[named(host)] ?? lab.file.machines.bootProfile;
  },
  boot: (host, wanted) =>
    holdingLab(
      state,
      async () => {
        const name = named(host);
        const lab = labThatIsUp(state);
        const profile = bootProfiles.find((known) => known === wanted);
        if (profile === undefined || !isMachine(lab.file, name))
          throw new UsageError(
            `${host} cannot be booted with ${wanted}; machines of this lab boot ${lab.file.machines === undefined ? "nothing: it has none" : bootProfiles.join(" or ")}`,
          );
        await switchOff(state, name);
        recordProfile(state, name, profile);
        await switchOn(state, name);
        const machine = readLab(state)?.hosts[name];
        if (!machine) throw new Error(`${host}: switched on, but it has no power`);
        await untilUp(state, name, machine);
      },
      { boots: true },
    ),
});
