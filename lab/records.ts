/** What the lab is, on disk: written before it is used, so that a crash leaves nothing unknown. */
import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BootProfile, LabFile } from "../model/testbed-file.ts";
import type { HostName, Testbed } from "../model/testbed.ts";
import type { LiveImage } from "./hosts/live-image.ts";
import {
  isAlive,
  killAll,
  processRecord,
  until,
  type NamespaceKind,
  type ProcessRecord,
} from "./processes.ts";

/** The part of the state folder that the lab needs. */
export interface LabState {
  readonly path: string;
  /** Six hex digits that tell this state folder's lab from another's. */
  readonly id: string;
  readonly cache: string;
  readonly lab: string;
}

export interface HostRecord extends ProcessRecord {
  readonly bootId: string;
  readonly namespaces: Readonly<Record<NamespaceKind, string>>;
}

export const wires = "wires";
export type Place = HostName | typeof wires;

export interface LabRecord {
  readonly version: 1;
  readonly id: string;
  readonly file: LabFile;
  /** `up` once everything is wired and the images are there. */
  readonly status: "starting" | "up";
  /** null: powered off. */
  readonly hosts: Readonly<Partial<Record<Place, HostRecord | null>>>;
  readonly hostKeySha256: string;
  /** What machines boot; null: this lab has none. */
  readonly live: LiveImage | null;
  /** Of machines that were booted with another profile than the file's. */
  readonly profiles: Readonly<Partial<Record<HostName, BootProfile>>>;
  readonly images: Testbed["images"];
  readonly accelerator: Testbed["accelerator"];
  /** How the accelerator was proven, in words. */
  readonly acceleratorProof: string | null;
  readonly startedAt: string;
}

const recordFile = (state: LabState) => join(state.lab, "lab.json");

export const writeAtomically = (file: string, content: string, mode = 0o600): void => {
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, content, { mode });
  renameSync(draft, file);
};

/** null: no lab was brought up, or its record was lost. */
export const readLab = (state: LabState): LabRecord | null => {
  try {
    return JSON.parse(readFileSync(recordFile(state), "utf8")) as LabRecord;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError)
      return null;
    throw error;
  }
};

export const writeLab = (state: LabState, record: LabRecord): void => {
  mkdirSync(state.lab, { recursive: true, mode: 0o700 });
  writeAtomically(recordFile(state), `${JSON.stringify(record, null, 2)}\n`);
};

export const forgetLab = (state: LabState): void => {
  rmSync(state.lab, { recursive: true, force: true });
};

/** Changes the record as one step; hosts are started and switched in parallel. */
export const recordHost = (state: LabState, place: Place, host: HostRecord | null): void => {
  const lab = readLab(state);
  if (!lab) throw new Error(`${state.lab}: the lab's record vanished while ${place} was switched`);
  writeLab(state, { ...lab, hosts: { ...lab.hosts, [place]: host } });
};

/** What a machine boots from now on. */
export const recordProfile = (state: LabState, host: HostName, profile: BootProfile): void => {
  const lab = readLab(state);
  if (!lab) throw new Error(`${state.lab}: the lab's record vanished while ${host} was switched`);
  writeLab(state, { ...lab, profiles: { ...lab.profiles, [host]: profile } });
};

/** A switch of power takes far less. */
const lockPatienceMs = 60_000;
/** Machines of a busy lab boot for minutes; one that takes five has failed. */
const bootPatienceMs = 360_000;

interface Hold {
  readonly patienceMs?: number;
  /** Whoever takes the lab down ends this process rather than wait for it. */
  readonly yields?: boolean;
  /** Machines boot meanwhile: others are patient for as long as that may take. */
  readonly boots?: boolean;
  /** Ends a holder that yields, and any that does not let go in time; told whom. Null: waits for it. */
  readonly ending?: ((sentence: string) => void) | null;
}

/**
 * Runs `act` while nobody else changes this lab: power switched by a person, by a campaign and by the end
 * of a fault come one after another. A holder that died does not hold. @throws {Error} another holds it for too long.
 */
export const holdingLab = async <T>(
  state: Pick<LabState, "path">,
  act: () => Promise<T>,
  { patienceMs = lockPatienceMs, yields = false, boots = false, ending = null }: Hold = {},
): Promise<T> => {
  mkdirSync(state.path, { recursive: true });
  const file = join(state.path, "lab.lock");
  const started = performance.now();
  for (;;) {
    try {
      take(file, { yields, boots });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (removeDead(file)) continue;
      const found = lockHolder(file);
      const holder = found === "unreadable" ? null : found;
      const isLate = performance.now() - started > (holder?.boots ? bootPatienceMs : patienceMs);
      if (holder && ending && holder.pid !== process.pid && (holder.yields || isLate)) {
        ending(`ending process ${holder.pid}, which is changing this lab`);
        killAll([holder]);
        await until(`the end of process ${holder.pid}`, () => !isAlive(holder), lockPatienceMs);
      } else if (isLate) {
        const who = holder === null ? "another" : `process ${holder.pid}`;
        throw new Error(`${state.path}: ${who} is changing this lab; wait until it is done`, {
          cause: error,
        });
      } else await new Promise((wake) => setTimeout(wake, 20));
    }
  }
  try {
    return await act();
  } finally {
    rmSync(file, { force: true });
  }
};

/** Whole at once: an empty lock would be taken for that of a process that died. @throws EEXIST: it is held */
const take = (file: string, manner: Pick<LockHolder, "yields" | "boots">): void => {
  const draft = `${file}.${process.pid}.${randomUUID()}`;
  writeFileSync(draft, JSON.stringify({ ...processRecord(process.pid), ...manner }), {
    mode: 0o600,
  });
  try {
    linkSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
};

/**
 * Removes the lock of a holder that died; false: it lives, or another is removing its lock. One at a time,
 * and looked at again then: what a second one would remove is the fresh lock of the first.
 */
const removeDead = (file: string): boolean => {
  if (lockState(file) === "held") return false;
  const claim = `${file}.removal`;
  try {
    take(claim, { yields: false, boots: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    // Whoever claimed it may have died over it: its claim is a lock like any other.
    return removeDead(claim);
  }
  try {
    const state = lockState(file);
    // One that is free may be taken in this very moment.
    if (state === "dead") rmSync(file, { force: true });
    return state !== "held";
  } finally {
    rmSync(claim, { force: true });
  }
};

const lockState = (file: string): "free" | "held" | "dead" => {
  const holder = lockHolder(file);
  if (holder === null) return "free";
  return holder !== "unreadable" && isAlive(holder) ? "held" : "dead";
};

type LockHolder = ProcessRecord & { readonly yields: boolean; readonly boots: boolean };

/** null: nobody has the lock. `unreadable`: written by nobody who is still there to write it. */
const lockHolder = (file: string): LockHolder | "unreadable" | null => {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as LockHolder;
  } catch (error) {
    if (error instanceof SyntaxError) return "unreadable";
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
};
