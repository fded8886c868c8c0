import { accessSync, constants } from "node:fs";
import { execa } from "execa";
import { isInstalled, missing, programs } from "../lab/programs.ts";
import type { StateFolder } from "../services/state-folder.ts";
import { freeBytesAt } from "./disk-space.ts";
import type { Check } from "./doctor.ts";
import { otherLabsCheck } from "./other-labs.ts";

const neededMib = { fail: 600, warn: 2000 };

/** What this machine needs to hold services and lab. Looks only; the kernel is asked in a namespace that vanishes. */
export async function machineChecks(state: StateFolder): Promise<Check[]> {
  return [root(), ...commands(), tun(), disk(state), otherLabsCheck(state), ...(await kernel())];
}

const isRoot = (): boolean => process.getuid?.() === 0;

const root = (): Check =>
  isRoot()
    ? { name: "root", result: "ok", detail: "root", mend: null }
    : {
        name: "root",
        result: "warn",
        detail: "not root: everything but the embedded lab works",
        mend: "give the command as root (sudo -E)",
      };

function commands(): Check[] {
  const lacks = missing();
  return [
    lacks.programs.length === 0
      ? { name: "programs", result: "ok", detail: Object.keys(programs).join(" "), mend: null }
      : {
          name: "programs",
          result: "fail",
          detail: `missing: ${lacks.programs.join(", ")} (Debian: ${lacks.packages.join(", ")})`,
          mend: "longhaul setup",
        },
  ];
}

function tun(): Check {
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
    return { name: "/dev/net/tun", result: "ok", detail: "can be opened", mend: null };
  } catch (error) {
    return {
      name: "/dev/net/tun",
      result: isRoot() ? "fail" : "warn",
      detail: `guests have no NICs without it (${(error as NodeJS.ErrnoException).code})`,
      mend: "modprobe tun, or: mkdir -p /dev/net && mknod -m 600 /dev/net/tun c 10 200",
    };
  }
}

function disk(state: StateFolder): Check {
  const freeMib = Math.floor(freeBytesAt(state.path) / 2 ** 20);
  const result = freeMib < neededMib.fail ? "fail" : freeMib < neededMib.warn ? "warn" : "ok";
  return {
    name: "disk space",
    result,
    detail: `${freeMib} MiB free at ${state.path}`,
    mend: result === "ok" ? null : `free ${neededMib.warn} MiB, or --state DIR on another disk`,
  };
}

const features = {
  "veth pairs": "ip link add v0 type veth peer name v1",
  bridges: "ip link add b0 type bridge",
  "TAP devices": "ip tuntap add dev t0 mode tap",
  "rate limits (tbf)":
    "ip link add v0 type veth peer name v1 && tc qdisc add dev v0 root tbf rate 100mbit burst 32kb latency 10ms",
  nftables: "nft add table inet longhaul",
};

async function kernel(): Promise<Check[]> {
  if (!isRoot() || !isInstalled("unshare") || !isInstalled("ip") || !isInstalled("tc")) return [];
  return await Promise.all(
    Object.entries(features).map(async ([name, command]): Promise<Check> => {
      const tried = await execa("unshare", ["--net", "sh", "-c", command], {
        reject: false,
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
        timeout: 10_000,
      });
      if (tried.exitCode === 0)
        return { name, result: "ok", detail: "kernel has them", mend: null };
      return {
        name,
        result: name === "nftables" ? "warn" : "fail",
        detail: `\`${command}\` in a namespace of its own: ${tried.stderr.trim() || tried.shortMessage}`,
        mend:
          name === "nftables" && !isInstalled("nft")
            ? "longhaul setup"
            : "another kernel, or load its module (modprobe)",
      };
    }),
  );
}
