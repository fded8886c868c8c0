import { join } from "node:path";
import { readJson, writeJson } from "./json-file.ts";
import type { StateFolder } from "./state-folder.ts";

/** What the user asked to have up; `up` restores it after a crash or a reboot, `down` empties it. */
export interface Wanted {
  readonly services: boolean;
  /** Absolute path of the testbed file of the lab that is to be up. */
  readonly lab: string | null;
  /** Bringing the lab up includes its calibration. */
  readonly calibration: boolean;
}

const nothing: Wanted = { services: false, lab: null, calibration: false };
const fileOf = (state: StateFolder): string => join(state.path, "wanted.json");

/** Nothing is wanted of a state folder that was never used. */
export const wanted = (state: StateFolder): Wanted => ({
  ...nothing,
  ...(readJson(fileOf(state)) as Partial<Wanted> | null),
});

/** Changes the given keys and leaves the others. */
export const setWanted = (state: StateFolder, change: Partial<Wanted>): void =>
  writeJson(fileOf(state), { ...wanted(state), ...change });
