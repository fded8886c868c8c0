/** The cables: one Linux bridge per segment in a namespace of its own, and a veth from it to every NIC. */
import { hostNames, type HostName, type HostNic } from "../model/testbed.ts";
import type { LabFile } from "../model/testbed-file.ts";
import { fcsBytes, l1OverheadBytes, minFrameSizeBytes } from "../model/units.ts";
import { setOffloads } from "./offloads.ts";
import { inside } from "./namespace-host.ts";
import type { HostRecord } from "./records.ts";
import {
  isEnd,
  isMachine,
  linkNames,
  nicsOf,
  plugOf,
  portOf,
  routerNics,
  segmentsNetwork,
  wireOf,
  withoutPrefix,
} from "./topology.ts";

const bridgeSettings = "type bridge stp_state 0 forward_delay 0 mcast_snooping 0";

/** `ip -batch` for the wires' namespace: the segments. */
const segmentCommands = (): readonly string[] =>
  linkNames.flatMap((link) => [
    `link add ${wireOf(link)} ${bridgeSettings}`,
    `link set ${wireOf(link)} up`,
  ]);

/** `ip -batch` for the wires' namespace: a cable to each NIC of a host, its far end born in the host's namespace. */
export const cableCommands = (
  name: HostName,
  host: { readonly pid: number },
  machine = false,
): readonly string[] =>
  nicsOf(name).flatMap((nic) => {
    const port = portOf(name, nic.link);
    // The MAC is the machine's own NIC's: a bridge would keep frames for it to itself.
    const address = machine ? "" : `address ${nic.mac} `;
    return [
      `link add ${port} type veth peer name ${nic.device} ${address}netns ${host.pid}`,
      `link set ${port} master ${wireOf(nic.link)} up`,
    ];
  });

/** `ip -batch` for a host: its own bridges, addresses, routes and what it knows of the router. */
export const nicCommands = (name: HostName): readonly string[] =>
  nicsOf(name).flatMap((nic) => {
    const { device, bridge, address } = nic;
    const bound = bridge
      ? [
          `link add ${bridge} address ${nic.mac} ${bridgeSettings}`,
          `link set ${device} master ${bridge}`,
          `link set ${bridge} up`,
        ]
      : [];
    const addressed = address ? [`address add ${address} dev ${device}`] : [];
    return [...bound, ...addressed, `link set ${device} up`, ...(isEnd(name) ? toRouter(nic) : [])];
  });

/** `ip -batch` in a machine's namespaces: each cable at the machine's own plug. */
const plugInCommands = (name: HostName): readonly string[] =>
  nicsOf(name).map(({ device, link }) => `link set ${device} master ${plugOf(link)} up`);

/** The ends know the router's MAC, the same on every platform: no ARP of theirs falls into a trial. The router resolves by itself. */
const toRouter = (nic: HostNic): readonly string[] =>
  routerNics
    .filter((router) => router.segment === nic.link)
    .flatMap((router) => {
      const gateway = withoutPrefix(router.address);
      return [
        `neighbour replace ${gateway} lladdr ${router.mac} nud permanent dev ${nic.device}`,
        `route add ${segmentsNetwork} via ${gateway} dev ${nic.device}`,
      ];
    });

/** What a frame in an skb (header and payload, no FCS) occupies beyond its bytes on a wire. */
const wireOverheadBytes = fcsBytes + l1OverheadBytes;
/** Tokens for half a millisecond: below the timer's own lateness a bucket would cut the rate. */
const burstSeconds = 0.0005;
/** Two milliseconds of queue, as a NIC's ring of some hundred frames. */
const queueSeconds = 0.002;

/** `tc -batch` for a host: every sender's NIC is held to its link's layer-1 rate. `overhead` and `mpu` make tbf count preamble, gap, FCS and padding. */
export const rateCommands = (
  name: HostName,
  file: Pick<LabFile, "lineRateMbpsL1" | "migrationRateMbpsL1">,
): readonly string[] =>
  nicsOf(name).map((nic) => {
    const mbps = nic.link === "migration" ? file.migrationRateMbpsL1 : file.lineRateMbpsL1;
    const bytesPerSecond = (mbps * 1e6) / 8;
    const burst = Math.max(4096, Math.round(bytesPerSecond * burstSeconds));
    const limit = Math.max(16_384, Math.round(bytesPerSecond * queueSeconds));
    return (
      `qdisc add dev ${nic.device} root tbf rate ${Math.round(mbps * 1e6)}bit ` +
      `burst ${burst} limit ${limit} ` +
      `overhead ${wireOverheadBytes} mpu ${minFrameSizeBytes + l1OverheadBytes}`
    );
  });

const batch = (lines: readonly string[]) => `${lines.join("\n")}\n`;

export const layWires = async (wiresHost: HostRecord): Promise<void> => {
  await inside(wiresHost, ["net"], ["ip", "-batch", "-"], batch(segmentCommands()));
};

/** Plugs in hosts that have no NICs yet: after the start of the lab, or of one host again. */
export const plugIn = async (
  wiresHost: HostRecord,
  hosts: Readonly<Partial<Record<HostName, HostRecord>>>,
  file: LabFile,
): Promise<void> => {
  const plugged = hostNames.flatMap((name) => (hosts[name] ? [[name, hosts[name]] as const] : []));
  const machine = (name: HostName) => isMachine(file, name);
  const cables = plugged.flatMap(([name, host]) => cableCommands(name, host, machine(name)));
  await inside(wiresHost, ["net"], ["ip", "-batch", "-"], batch(cables));
  await setOffloads([
    {
      pid: wiresHost.pid,
      devices: plugged.flatMap(([name]) => nicsOf(name).map((nic) => portOf(name, nic.link))),
    },
    ...plugged.map(([name, host]) => ({
      pid: host.pid,
      devices: nicsOf(name).map((nic) => nic.device),
    })),
  ]);
  await Promise.all(
    plugged.map(async ([name, host]) => {
      const commands = machine(name) ? plugInCommands(name) : nicCommands(name);
      await inside(host, ["net"], ["ip", "-batch", "-"], batch(commands));
      await inside(host, ["net"], ["tc", "-batch", "-"], batch(rateCommands(name, file)));
    }),
  );
};

/** Pulls the cables of a host that lost its power, rather than wait for the kernel's own late clean-up. */
export const unplug = async (wiresHost: HostRecord, name: HostName): Promise<void> => {
  const there = JSON.parse(
    await inside(wiresHost, ["net"], ["ip", "-j", "link", "show", "type", "veth"]),
  ) as readonly { readonly ifname: string }[];
  const ports = nicsOf(name).map((nic) => portOf(name, nic.link));
  const left = there.map((link) => link.ifname).filter((device) => ports.includes(device));
  // -force: the kernel may be quicker with one of them.
  if (left.length > 0)
    await inside(
      wiresHost,
      ["net"],
      ["sh", "-c", 'for port do ip link del "$port" 2>/dev/null; done; true', "sh", ...left],
    );
};
