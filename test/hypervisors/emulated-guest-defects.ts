/** Guests that break by themselves under QEMU's emulation (README, "What has not been run"), told by their console alone. */

import { signs } from "../../bench/broken-by-itself.ts";

/**
 * Tries a migration; once more, with a new guest, only where it fails and `consoles()` shows such a
 * defect, which is printed. @throws what the first try threw, without a defect; what the second one threw
 */
export async function onSoundGuest<Result>(
  attempt: (round: 1 | 2) => Promise<Result>,
  consoles: () => Promise<string>,
): Promise<Result> {
  try {
    return await attempt(1);
  } catch (error) {
    const lines = (await consoles()).split("\n");
    const sign = lines.find((line) => signs.test(line));
    if (sign === undefined) throw error;
    console.warn(`once more with a new guest, as this one broke by itself: ${sign}`);
    return await attempt(2);
  }
}
