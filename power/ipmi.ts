/**
 * Power over IPMI 2.0 through ipmitool (lanplus). Tested on what ipmitool 1.8.19 said to a simulated
 * controller; it has not been run on real hardware.
 */
import type { Power } from "./power.ts";
import { proven } from "./proven.ts";
import { runLocally } from "./run-locally.ts";

export interface IpmiAccess {
  readonly address: string;
  readonly user: string;
  /** On the controller; never an argument, where every user of the machine could read the password. */
  readonly passwordFile: string;
}

export const ipmiPower = (
  accessOf: (host: string) => IpmiAccess,
  options: { readBackMs?: number; ipmitool?: string } = {},
): Power => {
  const chassis = (host: string, verb: "status" | "on" | "off") => {
    const { address, user, passwordFile } = accessOf(host);
    return runLocally([
      ...[options.ipmitool ?? "ipmitool", "-I", "lanplus", "-H", address, "-U", user],
      ...["-f", passwordFile, "chassis", "power", verb],
    ]);
  };
  return proven(
    {
      async read(host) {
        const text = await chassis(host, "status");
        const told = /^Chassis Power is (on|off)\s*$/m.exec(text)?.[1];
        if (told === "on" || told === "off") return told;
        throw new Error(`${host}: ipmitool says neither on nor off: ${JSON.stringify(text)}`);
      },
      async order(host, wanted) {
        await chassis(host, wanted);
      },
    },
    options.readBackMs,
  );
};
