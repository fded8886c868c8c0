/** Faults that were made and not undone: one file each in the lab's folder, written before the fault is made. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { MadeFault } from "../../model/fault.ts";
import { writeAtomically, type LabState } from "../records.ts";
import type { Undo } from "./fault.ts";

export interface FaultRecord extends MadeFault {
  readonly undo: readonly Undo[];
}

const folderOf = (state: LabState) => join(state.lab, "faults");
const fileOf = (state: LabState, id: string) => join(folderOf(state), `${id}.json`);

export const writeFault = (state: LabState, record: FaultRecord): void => {
  mkdirSync(folderOf(state), { recursive: true, mode: 0o700 });
  writeAtomically(fileOf(state, record.id), `${JSON.stringify(record)}\n`);
};

export const forgetFault = (state: LabState, id: string): void =>
  rmSync(fileOf(state, id), { force: true });

/** In the order in which they were made. */
export const readFaults = (state: LabState): readonly FaultRecord[] => {
  if (!existsSync(folderOf(state))) return [];
  return readdirSync(folderOf(state))
    .filter((file) => file.endsWith(".json"))
    .map((file) => JSON.parse(readFileSync(join(folderOf(state), file), "utf8")) as FaultRecord)
    .toSorted((one, other) => one.at.localeCompare(other.at));
};

/** What the world is told of it. */
export const madeFault = (record: FaultRecord): MadeFault => {
  const { id, fault, host, detail, at, untilAt, undoable, trial } = record;
  return { id, fault, host, detail, at, untilAt, undoable, trial };
};
