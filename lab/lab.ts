/** The embedded testbed: up, down, and what it is now. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { LabFile } from "../model/testbed-file.ts";
import { hostNames, type HostName, type Testbed } from "../model/testbed.ts";
import type { Boots } from "../power/boots.ts";
import type { Power } from "../power/power.ts";
import { proveAccelerator } from "./accelerator.ts";
import { giveSpaceBack } from "./faults/store-full.ts";
import { guestImages } from "./guest-image.ts";
import { hostBoots, hostPower, startPlace } from "./host-power.ts";
import { liveImage } from "./hosts/live-image.ts";
import { consoleOf, untilUp } from "./hosts/machine.ts";
import { proveLive } from "./hosts/prove-live.ts";
import { killHost, labMark } from "./namespace-host.ts";
import { checkMachine } from "./machine.ts";
import { endAll, isAlive, namespaceOf, processesIn, processesMarked } from "./processes.ts";
import {
  forgetLab,
  holdingLab,
  readLab,
  wires,
  writeLab,
  type HostRecord,
  type LabRecord,
  type LabState,
} from "./records.ts";
import { accessOf, hostKeyFingerprint, makeAccess } from "./ssh-access.ts";
import { findSshd } from "./sshd.ts";
import { calibrationGround, testbedOf } from "./testbed.ts";
import { isMachine } from "./topology.ts";
import { layWires, plugIn } from "./wires.ts";

export type { LabState } from "./records.ts";

const needsGuests = (file: LabFile) => file.platforms.some((platform) => platform !== "bare");
/** Guests of the lab's own QEMU; a machine's guests are its own affair. */
const needsAccelerator = (file: LabFile) => needsGuests(file) && file.machines === undefined;

const isWhole = (lab: LabRecord) =>
  lab.status === "up" &&
  [...hostNames, wires].every((place) => {
    const host = lab.hosts[place as HostName];
    return host && isAlive(host);
  });

/**
 * Brings the lab up, with images and a proven accelerator where platforms need guests. A lab that
 * is up as this file wants it is left as it is; any other of this state folder is taken down first.
 * @throws {UsageError} for a machine that cannot hold a lab, before anything is touched
 */
export const labUp = async (
  state: LabState,
  file: LabFile,
  options: { readonly log: (line: string) => void },
): Promise<Testbed> => {
  checkMachine(state, file);
  const up = async () => {
    const there = readLab(state);
    if (there && isWhole(there) && JSON.stringify(there.file) === JSON.stringify(file))
      return testbedOf(state, there);
    await takeDown(state);
    try {
      return testbedOf(state, await raise(state, file, options.log));
    } catch (error) {
      await takeDown(state);
      throw error;
    }
  };
  return holdingLab(state, up, { yields: true, boots: file.machines !== undefined });
};

const raise = async (
  state: LabState,
  file: LabFile,
  log: (line: string) => void,
): Promise<LabRecord> => {
  const images =
    needsGuests(file) || file.machines !== undefined
      ? guestImages(state.cache, log)
      : Promise.resolve({});
  // Awaited below; a failure before that must not count as unhandled.
  images.catch(() => undefined);
  const sshd = await findSshd(state.cache);
  let lab: LabRecord = {
    version: 1,
    id: state.id,
    file,
    status: "starting",
    hosts: {},
    hostKeySha256: "",
    live: null,
    profiles: {},
    images: {},
    accelerator: null,
    acceleratorProof: null,
    startedAt: new Date().toISOString(),
  };
  const note = (change: Partial<LabRecord>) => writeLab(state, (lab = { ...lab, ...change }));
  note({});
  await makeAccess(state, sshd);
  note({ hostKeySha256: await hostKeyFingerprint(state) });

  if (file.machines !== undefined) {
    const access = accessOf(state);
    const live = await liveImage(state.cache, {
      images: await images,
      log,
      verify: (image) => proveLive(image, access, log),
    });
    note({ live });
  }

  const places = [wires, ...hostNames] as const;
  const started = await Promise.all(
    places.map(async (place) => {
      const host = await startPlace(state, lab, place);
      note({ hosts: { ...lab.hosts, [place]: host } });
      return [place, host] as const;
    }),
  );
  const { [wires]: wiresHost, ...hosts } = Object.fromEntries(started) as Record<
    (typeof places)[number],
    HostRecord
  >;
  await layWires(wiresHost);
  await plugIn(wiresHost, hosts, file);
  note({ images: await images });
  const image = Object.values(lab.images)[0];
  if (image && needsAccelerator(file)) {
    const proven = await proveAccelerator(state.cache, hosts.R1, {
      image,
      wanted: file.accelerator,
      log,
    });
    note({ accelerator: proven.accelerator, acceleratorProof: proven.proof });
  }
  await machinesUp(state, file, hosts, log);
  note({ status: "up" });
  return lab;
};

const machinesUp = async (
  state: LabState,
  file: LabFile,
  hosts: Readonly<Record<HostName, HostRecord>>,
  log: (line: string) => void,
): Promise<void> => {
  const machines = hostNames.filter((name) => isMachine(file, name));
  if (machines.length === 0) return;
  log(`booting ${machines.join(" and ")} (${file.machines?.bootProfile})`);
  const started = performance.now();
  await Promise.all(machines.map((name) => untilUp(state, name, hosts[name])));
  log(`they answer after ${((performance.now() - started) / 1000).toFixed(0)} s`);
};

/**
 * Takes the lab down, also what a crash left of it, and proves that nothing of it is left. Idempotent.
 * A command that brings it up meanwhile is ended, and `log` told so.
 */
export const labDown = (
  state: LabState,
  log: (line: string) => void = () => undefined,
): Promise<void> => {
  giveSpaceBack(state);
  return holdingLab(state, () => takeDown(state), { ending: log });
};

const takeDown = async (state: LabState): Promise<void> => {
  const lab = readLab(state);
  const recorded = Object.values(lab?.hosts ?? {}).filter((host) => host !== null);
  // A crash can come between an init's start and its record; a record can be lost. The mark stays.
  const marked = processesMarked(labMark(state)).filter(({ pid }) => pid !== process.pid);
  const namespaces = new Set(recorded.flatMap((host) => Object.values(host.namespaces)));
  for (const { pid } of marked)
    for (const kind of ["pid", "mnt", "uts", "net"] as const) {
      const namespace = namespaceOf(pid, kind);
      if (namespace && namespace !== namespaceOf(process.pid, kind)) namespaces.add(namespace);
    }
  await Promise.all(recorded.map(killHost));
  await endAll(
    `the lab ${state.id}`,
    () => [...processesMarked(labMark(state)), ...processesIn(namespaces)],
    20_000,
  );
  forgetLab(state);
};

export interface HostStatus {
  readonly power: "on" | "off";
  readonly bootId: string | null;
  readonly pid: number | null;
}

export interface LabStatus {
  readonly status: "down" | "starting" | "up" | "damaged";
  readonly name: string | null;
  readonly hosts: Readonly<Partial<Record<HostName, HostStatus>>>;
  readonly accelerator: Testbed["accelerator"];
  readonly acceleratorProof: string | null;
  readonly startedAt: string | null;
}

/** Looks at processes and records; changes nothing and waits for nobody. */
export const labStatus = (state: LabState): LabStatus => {
  const lab = readLab(state);
  if (!lab) {
    const lost = processesMarked(labMark(state)).length > 0;
    return {
      status: lost ? "damaged" : "down",
      name: null,
      hosts: {},
      accelerator: null,
      acceleratorProof: null,
      startedAt: null,
    };
  }
  const powerOf = (name: HostName): HostStatus => {
    const host = lab.hosts[name];
    if (!host || !isAlive(host)) return { power: "off", bootId: null, pid: null };
    const bootId = isMachine(lab.file, name) ? consoleOf(state, name).bootId : host.bootId;
    return { power: "on", bootId, pid: host.pid };
  };
  const wiresHost = lab.hosts[wires];
  const damaged =
    lab.status === "up" &&
    (!wiresHost ||
      !isAlive(wiresHost) ||
      // Switched off by hand is no damage; dead without having been switched off is.
      hostNames.some((name) => lab.hosts[name] && !isAlive(lab.hosts[name])));
  return {
    status: damaged ? "damaged" : lab.status,
    name: lab.file.name,
    hosts: Object.fromEntries(hostNames.map((name) => [name, powerOf(name)])),
    accelerator: lab.accelerator,
    acceleratorProof: lab.acceleratorProof,
    startedAt: lab.startedAt,
  };
};

/** The testbed of the lab that is up; null when none is. */
export const labTestbed = (state: LabState): Testbed | null => {
  const lab = readLab(state);
  return lab?.status === "up" ? testbedOf(state, lab) : null;
};

/** The same with what takes the place of R1 while the generator is calibrated; null when no lab is up. */
export const labCalibrationGround = (state: LabState): Testbed | null => {
  const lab = readLab(state);
  return lab?.status === "up" ? calibrationGround(state, lab) : null;
};

export const labPower = (state: LabState): Power => hostPower(state);
export const labBoots = (state: LabState): Boots => hostBoots(state);

/** Throws the lab's downloads, images and remembered proofs away; the next `labUp` makes them anew. */
export const labClean = (state: LabState): void => {
  for (const folder of ["debian", "images", "accelerator"])
    rmSync(join(state.cache, folder), { recursive: true, force: true });
};
