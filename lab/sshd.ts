import { existsSync } from "node:fs";
import { join } from "node:path";
import { unpackedPackage } from "./debian.ts";

export interface Sshd {
  readonly binary: string;
  /** For LD_LIBRARY_PATH; empty where the system has all libraries. */
  readonly libraries: string;
}

/** The installed sshd, or the one of Debian's package, unpacked into the cache: installing it would start a server. */
export const findSshd = async (cache: string): Promise<Sshd> => {
  if (existsSync("/usr/sbin/sshd")) return { binary: "/usr/sbin/sshd", libraries: "" };
  const [server, wrap] = await Promise.all([
    unpackedPackage(cache, "openssh-server"),
    unpackedPackage(cache, "libwrap0"),
  ]);
  return {
    binary: join(server, "usr/sbin/sshd"),
    // The only one of its libraries that Debian's base system lacks.
    libraries: join(wrap, "usr/lib/x86_64-linux-gnu"),
  };
};
