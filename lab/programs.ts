/** What this machine must have installed: one list for `setup`, `doctor` and whoever brings a lab up. */
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

/** Beside those, for a testbed whose hosts are machines: their live image is built here. Every Debian that has those has these. */
export const machinePrograms: Readonly<Record<string, string>> = {
  "apt-get": "apt",
  bash: "bash",
  depmod: "kmod",
  ssh: "openssh-client",
};

/** Root's programs lie in folders that an ordinary user's PATH leaves out. */
const folders = (): string[] => [
  ...(process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== ""),
  ...["/usr/sbin", "/sbin"],
];

export const isInstalled = (program: string): boolean =>
  folders().some((folder) => existsSync(join(folder, program)));

export interface Missing {
  readonly programs: readonly string[];
  /** Debian's names, each once. */
  readonly packages: readonly string[];
}

/** Of these programs, by default those that every lab needs, what is not installed. */
export function missing(needed: readonly string[] = Object.keys(programs)): Missing {
  const absent = needed.filter((program) => !isInstalled(program));
  const packages = absent.flatMap((program) => programs[program] ?? machinePrograms[program] ?? []);
  return { programs: absent, packages: [...new Set(packages)] };
}
