/** Whether this machine can hold a lab, said before anything is touched. */
import { accessSync, constants, existsSync, mkdirSync, statfsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { UsageError } from "../model/usage-error.ts";
import type { LabFile } from "../model/testbed-file.ts";
import { imageNames } from "./guest-image.ts";
import type { LabState } from "./records.ts";

/** Debian's package for each program that the lab runs on this machine. */
const packageOf: Readonly<Record<string, string>> = {
  ip: "iproute2",
  tc: "iproute2",
  nsenter: "util-linux",
  unshare: "util-linux",
  "ssh-keygen": "openssh-client",
  python3: "python3",
};
const guestPackageOf: Readonly<Record<string, string>> = {
  "qemu-system-x86_64": "qemu-system-x86",
};
const neededMib = 600;

const onPath = (program: string) =>
  [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"].some((folder) =>
    existsSync(join(folder, program)),
  );

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
  const needed = { ...packageOf, ...(guests ? guestPackageOf : {}) };
  const faults: string[] = [];
  if (guests && !imageNames.includes(file.guestImage))
    throw new UsageError(
      `guestImage: the lab builds no image ${JSON.stringify(file.guestImage)}; known ones: ${imageNames.join(", ")}`,
    );
  if (process.getuid?.() !== 0) faults.push("the lab makes namespaces: run it as root (sudo)");
  const missing = Object.keys(needed).filter((program) => !onPath(program));
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((program) => needed[program]))];
    faults.push(
      `${missing.join(", ")} missing: run \`longhaul setup\`, or \`apt-get install --no-install-recommends ${packages.join(" ")}\``,
    );
  }
  if (guests && !usable("/dev/net/tun"))
    faults.push(
      "/dev/net/tun missing, which guests' TAPs need: run `modprobe tun`, or `mkdir -p /dev/net && mknod -m 600 /dev/net/tun c 10 200`",
    );
  if (!/^[\x20-\x7e]*$/.test(state.lab) || /["'\\]/.test(state.lab))
    faults.push(
      `state folder ${state.path}: use a path without quotes, backslashes and control characters`,
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
