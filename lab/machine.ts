/** Whether this machine can hold a lab, said before anything is touched. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { platforms } from "../model/platforms.ts";
import { UsageError } from "../model/usage-error.ts";
import type { LabFile } from "../model/testbed-file.ts";
import { imageNames } from "./guest-image.ts";
import { machinePrograms, missing, programs } from "./programs.ts";
import type { LabState } from "./records.ts";

/** Downloads, a root folder and an archive of it in the making, guest images. */
const neededMib = { namespaces: 600, machines: 1500 };
/** Two machines of 2 GiB and what QEMU adds. */
const neededMemoryMib = 4600;
const onMachines = ["bare", "xen-pvh"];

const usable = (device: string) => {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

/** MemAvailable of proc(5). */
const freeMemoryMib = () => {
  const [, kib] = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8")) ?? [];
  return Math.floor(Number(kib ?? 0) / 1024);
};

/** Xen needs a machine of its own; what machines run is what their live image holds. */
const refuseUnfitPlatforms = (file: LabFile): void => {
  for (const platform of file.platforms) {
    if (file.machines === undefined && platforms[platform]?.bootProfile === "xen")
      throw new UsageError(
        `platforms: ${platform} needs hosts that boot Xen; say \`machines: { bootProfile: xen }\`, as testbeds/lab-xen.yaml does`,
      );
    if (file.machines !== undefined && !onMachines.includes(platform))
      throw new UsageError(
        `platforms: ${platform} does not run on emulated machines yet; these do: ${onMachines.join(", ")}`,
      );
  }
};

/** @throws {UsageError} with everything that is missing and the commands that mend it */
export const checkMachine = (state: LabState, file: LabFile): void => {
  const guests = file.platforms.some((platform) => platform !== "bare");
  const machines = file.machines !== undefined;
  const needed = [
    ...Object.keys(programs).filter((program) => guests || machines || !program.startsWith("qemu")),
    ...(machines ? Object.keys(machinePrograms) : []),
  ];
  refuseUnfitPlatforms(file);
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
  if ((guests || machines) && !usable("/dev/net/tun"))
    faults.push(
      "/dev/net/tun missing, which guests' TAPs need: run `modprobe tun`, or `mkdir -p /dev/net && mknod -m 600 /dev/net/tun c 10 200`",
    );
  if (!/^[\x20-\x7e]*$/.test(state.lab) || /["'\\]/.test(state.lab))
    faults.push(
      `state folder ${state.path}: its path stands in scripts: use one of ASCII characters, without quotes, backslashes and control characters`,
    );
  // A lab that is up has its share already.
  if (machines && !existsSync(join(state.lab, "lab.json")) && freeMemoryMib() < neededMemoryMib)
    faults.push(
      `${freeMemoryMib()} MiB of memory free, two emulated machines need ${neededMemoryMib}`,
    );
  if (faults.length === 0) {
    mkdirSync(state.cache, { recursive: true });
    const { bavail, bsize } = statfsSync(state.cache);
    const freeMib = Math.floor((bavail * bsize) / 2 ** 20);
    const wantedMib = machines ? neededMib.machines : neededMib.namespaces;
    if (freeMib < wantedMib)
      faults.push(`${state.cache}: ${freeMib} MiB free, the lab's images need ${wantedMib}`);
  }
  if (faults.length > 0)
    throw new UsageError(`no lab on this machine yet:\n- ${faults.join("\n- ")}`);
};
