/** Whether this machine can hold a lab, said before anything is touched. */
import { accessSync, constants, mkdirSync, statfsSync } from "node:fs";
import { UsageError } from "../model/usage-error.ts";
import type { LabFile } from "../model/testbed-file.ts";
import { imageNames } from "./guest-image.ts";
import { missing, programs } from "./programs.ts";
import type { LabState } from "./records.ts";

const neededMib = 600;

const usable = (device: string) => {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

/** @throws {UsageError} with everything that is missing and the commands that mend it */
export const checkMachine = (state: LabState, file: LabFile): void => {
  const guests = file.platforms.some((platform) => platform !== "bare");
  const needed = Object.keys(programs).filter((program) => guests || !program.startsWith("qemu"));
  const faults: string[] = [];
  if (guests && !imageNames.includes(file.guestImage))
    throw new UsageError(
      `guestImage: the lab builds no image ${JSON.stringify(file.guestImage)}; known ones: ${imageNames.join(", ")}`,
    );
  if (process.getuid?.() !== 0) faults.push("the lab makes namespaces: run it as root (sudo)");
  const lacks = missing(needed);
  if (lacks.programs.length > 0)
    faults.push(
      `${lacks.programs.join(", ")} missing: run \`longhaul setup\`, or \`apt-get install --no-install-recommends ${lacks.packages.join(" ")}\``,
    );
  if (guests && !usable("/dev/net/tun"))
    faults.push(
      "/dev/net/tun missing, which guests' TAPs need: run `modprobe tun`, or `mkdir -p /dev/net && mknod -m 600 /dev/net/tun c 10 200`",
    );
  if (!/^[\x20-\x7e]*$/.test(state.lab) || /["'\\]/.test(state.lab))
    faults.push(
      `state folder ${state.path}: its path stands in scripts: use one of ASCII characters, without quotes, backslashes and control characters`,
    );
  if (faults.length === 0) {
    mkdirSync(state.cache, { recursive: true });
    const { bavail, bsize } = statfsSync(state.cache);
    const freeMib = Math.floor((bavail * bsize) / 2 ** 20);
    if (freeMib < neededMib)
      faults.push(`${state.cache}: ${freeMib} MiB free, the lab's images need ${neededMib}`);
  }
  if (faults.length > 0)
    throw new UsageError(`no lab on this machine yet:\n- ${faults.join("\n- ")}`);
};
