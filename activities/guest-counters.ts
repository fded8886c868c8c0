/** What the guest's kernel tells of itself, read through its console or agent: its own text, one command. */
import type { CommandsGuest } from "../hypervisors/hypervisor.ts";
import { commandsGuest } from "../hypervisors/hypervisor.ts";
import type { GuestSpec } from "../model/guest.ts";
import type { CounterSnapshot, InterfaceCounters } from "../model/measurement.ts";
import { parseSnmpIp, parseSoftnetStat } from "../remote/counter-snapshot.ts";
import { CommandFailed, NoExitStatus } from "../remote/shell.ts";
import type { RouterHost, Setup } from "./setup.ts";

const bootIdFile = "/proc/sys/kernel/random/boot_id";

/** Each file's name stands on a line of its own before it (busybox `head` prints it so). One process: each costs milliseconds where the guest is emulated. */
const command = [
  ...["head", "-n", "100"],
  ...["/proc/uptime", "/proc/net/dev", "/proc/net/softnet_stat", "/proc/net/snmp", bootIdFile],
];

/** @throws {NoExitStatus} the guest does not answer */
export async function readGuest(
  driver: CommandsGuest,
  host: string,
  guest: GuestSpec,
): Promise<{ readonly counters: CounterSnapshot; readonly bootId: string | null }> {
  const text = await driver.inGuest(host, guest, command);
  const bootId = sections(text)[bootIdFile]?.trim() ?? "";
  return { counters: parseGuestCounters(text), bootId: bootId === "" ? null : bootId };
}

/** The boot id alone; null: the guest has none that can be asked for. */
export async function bootIdOf({ driver, guest }: Setup, host: RouterHost): Promise<string | null> {
  if (!commandsGuest(driver)) return null;
  try {
    return (await driver.inGuest(host, guest, ["cat", bootIdFile])).trim() || null;
  } catch (error) {
    if (error instanceof NoExitStatus || error instanceof CommandFailed) return null;
    throw error;
  }
}

/** `atUs` is the guest's uptime: one that went down between two snapshots was booted anew. */
export function parseGuestCounters(text: string): CounterSnapshot {
  const files = sections(text);
  const uptimeS = Number(files["/proc/uptime"]?.trim().split(/\s+/)[0]);
  const interfaces = parseNetDev(files["/proc/net/dev"] ?? "");
  if (Number.isNaN(uptimeS) || Object.keys(interfaces).length === 0)
    throw new Error(`the guest's counters cannot be read: ${JSON.stringify(text.slice(0, 500))}`);
  return {
    host: "guest",
    atUs: Math.round(uptimeS * 1e6),
    interfaces,
    softnet: parseSoftnetStat(files["/proc/net/softnet_stat"] ?? ""),
    qdiscDrops: {},
    ip: parseSnmpIp(files["/proc/net/snmp"] ?? ""),
  };
}

function sections(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  let name = "";
  for (const line of text.replaceAll("\r", "").split("\n")) {
    const title = /^==> (\S+) <==$/.exec(line)?.[1];
    if (title !== undefined) name = title;
    else found[name] = `${found[name] ?? ""}${line}\n`;
  }
  return found;
}

/**
 * /proc/net/dev: `name: bytes packets errs drop fifo frame compressed multicast | bytes packets errs drop …`.
 * Its receive drop is rx_dropped + rx_missed_errors (net/core/net-procfs.c), so `rxMissed` is 0 here;
 * it shows no ifindex, so the position of the line stands in.
 */
function parseNetDev(text: string): Record<string, InterfaceCounters> {
  const rows = text.split("\n").flatMap((line) => {
    const split = /^\s*([^\s:]+):\s*(.*)$/.exec(line);
    const numbers = split?.[2]?.trim().split(/\s+/).map(Number) ?? [];
    return split?.[1] !== undefined && numbers.length >= 12 ? [{ name: split[1], numbers }] : [];
  });
  return Object.fromEntries(
    rows.map(({ name, numbers }, index) => {
      const at = (column: number) => numbers[column] ?? 0;
      return [
        name,
        {
          ifindex: index + 1,
          rxBytes: at(0),
          rxFrames: at(1),
          rxErrors: at(2),
          rxDropped: at(3),
          rxMissed: 0,
          txBytes: at(8),
          txFrames: at(9),
          txErrors: at(10),
          txDropped: at(11),
        },
      ];
    }),
  );
}
