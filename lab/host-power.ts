/** Power of namespace hosts. Killing the init is the power button; a new init is a new boot. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { hostNames, type HostName } from "../model/testbed.ts";
import type { Power } from "../power/power.ts";
import { hostFolder, killHost, startHost } from "./namespace-host.ts";
import { isAlive } from "./processes.ts";
import {
  holdingLab,
  readLab,
  recordHost,
  wires,
  type HostRecord,
  type LabRecord,
  type LabState,
} from "./records.ts";
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
  const host = await startHost(state, name);
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
