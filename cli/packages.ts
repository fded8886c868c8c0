import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Programs of this machine that the lab and the services run, and the Debian package of each. */
export const programs: Readonly<Record<string, string>> = {
  "qemu-system-x86_64": "qemu-system-x86",
  tcpreplay: "tcpreplay",
  nft: "nftables",
  ip: "iproute2",
  tc: "iproute2",
  modprobe: "kmod",
  ps: "procps",
  unshare: "util-linux",
  nsenter: "util-linux",
  flock: "util-linux",
  setpriv: "util-linux",
  mount: "mount",
  "ssh-keygen": "openssh-client",
  python3: "python3",
};

/** Root's programs lie in folders that an ordinary user's PATH leaves out. */
const folders = (): string[] => [
  ...(process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== ""),
  ...["/usr/sbin", "/sbin"],
];

export const isInstalled = (program: string): boolean =>
  folders().some((folder) => existsSync(join(folder, program)));

/** Debian packages of the programs that are missing, each once. */
export const missingPackages = (): string[] => [
  ...new Set(
    Object.entries(programs)
      .filter(([program]) => !isInstalled(program))
      .map(([, debianPackage]) => debianPackage),
  ),
];
