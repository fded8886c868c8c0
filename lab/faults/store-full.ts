/** The disk that holds the state folder, filled to its last block. */
import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../model/usage-error.ts";
import type { LabState } from "../records.ts";
import { nothingMore, type Fault } from "./fault.ts";

const fillerOf = (state: LabState) => join(state.lab, "filler");

/** Before anything that needs a byte of the disk, as the lock of `lab down` does. */
export const giveSpaceBack = (state: LabState): void => rmSync(fillerOf(state), { force: true });

/** A larger disk is somebody's own: only one made for this is filled. */
const largestMib = 2048;

export const storeFull: Fault = ({ state }) => {
  const { blocks, bsize } = statfsSync(state.path);
  const mib = Math.round((blocks * bsize) / 2 ** 20);
  if (mib > largestMib)
    throw new UsageError(
      `store-full: the disk of ${state.path} has ${mib} MiB; only one of at most ${largestMib} MiB is filled. Put the state folder on a small file system: mount -t tmpfs -o size=1g tmpfs DIR`,
    );
  const filler = fillerOf(state);
  return Promise.resolve({
    host: null,
    detail: `${filler} takes what was free of the disk's ${mib} MiB`,
    undo: [{ kind: "remove", path: filler }],
    make: () => {
      mkdirSync(state.lab, { recursive: true });
      const file = openSync(filler, "w", 0o600);
      try {
        fillUp(file);
      } finally {
        closeSync(file);
      }
      return Promise.resolve(nothingMore());
    },
  });
};

/** In ever smaller pieces, down to single bytes of the last block. */
function fillUp(file: number): void {
  for (let size = 1 << 20; size >= 1; size >>= 5) {
    const piece = Buffer.alloc(size, 0x4c);
    try {
      while (writeSync(file, piece) > 0);
      fsyncSync(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
  }
}
