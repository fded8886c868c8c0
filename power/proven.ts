/** Power from three raw orders: whatever a switch accepts is done only when it reads back so. */
import { setTimeout as delay } from "node:timers/promises";
import type { Power } from "./power.ts";

export interface Switch {
  readonly read: (host: string) => Promise<"on" | "off">;
  readonly order: (host: string, wanted: "on" | "off") => Promise<void>;
}

/** Chassis take seconds to power down (ACPI hard off after at most 4 s; controllers report later). */
const readBackMs = 30_000;
const pollMs = 500;

/** `cycle` is off, read back, on, read back: IPMI's own cycle does nothing to a host that is off. @throws {Error} accepted, but it reads otherwise */
export function proven({ read, order }: Switch, deadlineMs = readBackMs): Power {
  const become = async (host: string, wanted: "on" | "off"): Promise<void> => {
    if ((await read(host)) === wanted) return;
    await order(host, wanted);
    const end = performance.now() + deadlineMs;
    while ((await read(host)) !== wanted) {
      if (performance.now() > end)
        throw new Error(
          `${host}: power ${wanted} was accepted, but ${deadlineMs} ms later it still reads otherwise`,
        );
      await delay(Math.min(pollMs, deadlineMs));
    }
  };
  return {
    state: read,
    on: (host) => become(host, "on"),
    off: (host) => become(host, "off"),
    async cycle(host) {
      await become(host, "off");
      await become(host, "on");
    },
  };
}
