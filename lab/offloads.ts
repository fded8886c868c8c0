import { join } from "node:path";
import { execa } from "execa";
import { python } from "./python.ts";

/**
 * Turns segmentation, receive and checksum offloads off: with them a cable would carry frames of
 * 64 KiB, and counters would count those. Reads every setting back. @throws {ExecaError}
 */
export const setOffloads = async (
  places: readonly { readonly pid: number; readonly devices: readonly string[] }[],
): Promise<void> => {
  await execa(python(), ["-I", "-S", join(import.meta.dirname, "host", "offloads.py")], {
    input: JSON.stringify(places),
  });
};
