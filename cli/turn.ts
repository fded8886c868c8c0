/** One command at a time prepares what a state folder has: services, lab, calibration, a campaign's start. */
import { join } from "node:path";
import { takeLock, waitForLock } from "../services/lock.ts";
import type { StateFolder } from "../services/state-folder.ts";

/** The first lab of a machine builds its guest's image and proves the accelerator. */
const turnDeadlineMs = 900_000;

/** Waits for another command's turn to end, and says so. A command that died has had its turn. */
export async function inTurn<Result>(
  state: Pick<StateFolder, "path">,
  log: (line: string) => void,
  act: () => Promise<Result>,
): Promise<Result> {
  const file = join(state.path, "turn.lock");
  const free = await takeLock(file);
  if (free === null) log("another command prepares this testbed; waiting for it …");
  const lock = free ?? (await waitForLock(file, turnDeadlineMs));
  try {
    return await act();
  } finally {
    lock.release();
  }
}
