/** A host that is a machine of its own: QEMU in the host's namespaces, its NICs on TAPs at the same wires. */
import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { BootProfile } from "../../model/testbed-file.ts";
import type { HostName } from "../../model/testbed.ts";
import { hostFolder, startInit } from "../namespace-host.ts";
import { isAlive } from "../processes.ts";
import type { HostRecord, LabState } from "../records.ts";
import { accessOf } from "../ssh-access.ts";
import { controlMac, nicsOf, plugOf, shortLink } from "../topology.ts";
import { nicCommands } from "../wires.ts";
import type { LiveImage } from "./live-image.ts";
import {
  bootFiles,
  machineCommandLine,
  powerOnLine,
  putBootFiles,
  readConsole,
  type Console,
} from "./machine-boot.ts";

const initScript = join(import.meta.dirname, "machine-init.sh");
/** The same in every machine: each control link is a world of its own. Link-local: nothing is routed there. */
const control = { outside: "169.254.19.1/30", inside: "169.254.19.2/30" };
const controlAddress = control.inside.replace(/\/.*$/, "");

/** No offloads: a NIC carries the frames that are counted, as the lab's cables do. */
const withoutOffloads = [
  ...["csum", "gso", "guest_csum", "guest_tso4", "guest_tso6", "guest_ecn", "guest_ufo"],
  ...["host_tso4", "host_tso6", "host_ecn", "host_ufo"],
]
  .map((feature) => `,${feature}=off`)
  .join("");

const tapOf = (link: string) => `tap-${link}`;

/** `ip -batch` in the machine's namespaces: a bridge between each cable, plugged in later, and the machine's TAP. */
const plugCommands = (name: HostName): readonly string[] => [
  "link set lo up",
  "tuntap add dev control mode tap vnet_hdr",
  `address add ${control.outside} dev control`,
  "link set control up",
  ...nicsOf(name).flatMap(({ link }) => [
    `link add ${plugOf(link)} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `tuntap add dev ${tapOf(shortLink(link))} mode tap vnet_hdr`,
    `link set ${tapOf(shortLink(link))} master ${plugOf(link)} txqueuelen 1000 up`,
    `link set ${plugOf(link)} up`,
  ]),
];

const nicDevices = (name: HostName): readonly string[] =>
  [
    { tap: "control", mac: controlMac(name) },
    ...nicsOf(name).map(({ link, mac }) => ({ tap: tapOf(shortLink(link)), mac })),
  ].flatMap(({ tap, mac }) => [
    ...["-netdev", `tap,id=${tap},ifname=${tap},script=no,downscript=no,vhost=off`],
    ...["-device", `virtio-net-pci,netdev=${tap},mac=${mac},romfile=${withoutOffloads}`],
  ]);

/** What this machine alone finds in /etc/longhaul. */
const settingsOf = (state: LabState, name: HostName): Readonly<Record<string, string>> => {
  const { sshd_config: sshd = "", ...keys } = accessOf(state);
  const nics = [
    `${controlMac(name)} control`,
    ...nicsOf(name).map(({ mac, device }) => `${mac} ${device}`),
  ];
  const network = [
    "link set lo up",
    `address add ${control.inside} dev control`,
    "link set control up",
    ...nicCommands(name),
  ];
  const lines = (each: readonly string[]) => `${each.join("\n")}\n`;
  return {
    ...keys,
    name: `${name}\n`,
    // On the control link alone: what is measured reaches no server.
    sshd_config: `ListenAddress ${controlAddress}\n${sshd}`,
    nics: lines(nics),
    network: lines(network),
  };
};

/** Switches it on; it boots for a while after that (`untilUp`). Its NICs are plugged in afterwards. */
export const startMachine = async (
  state: LabState,
  name: HostName,
  { image, profile }: { readonly image: LiveImage; readonly profile: BootProfile },
): Promise<HostRecord> => {
  const folder = hostFolder(state, name);
  const host = await startInit(state, name, {
    script: initScript,
    argv: [name, folder, ...machineCommandLine(image, profile, nicDevices(name))],
    files: {
      plugs: `${plugCommands(name).join("\n")}\n`,
      // The reach script looks here.
      control: `${controlAddress} 22\n`,
    },
    prepare: () => {
      putBootFiles(folder, image, settingsOf(state, name));
      appendFileSync(join(folder, bootFiles.console), powerOnLine(new Date()), { mode: 0o600 });
    },
  });
  return host;
};

export const consoleOf = (state: LabState, name: HostName): Console => {
  const file = join(hostFolder(state, name), bootFiles.console);
  return readConsole(existsSync(file) ? readFileSync(file, "latin1") : "");
};

/** Software emulation on a loaded machine; 30 s were seen on one that was moderately so. */
const upDeadlineMs = 300_000;
const pollMs = 250;

/** Waits until it says that SSH answers. @throws {Error} with the end of its console */
export const untilUp = async (state: LabState, name: HostName, host: HostRecord): Promise<void> => {
  const end = performance.now() + upDeadlineMs;
  for (;;) {
    const { end: said, tail } = consoleOf(state, name);
    if (said === "ready") break;
    const failed = (how: string) =>
      new Error(`${name} ${how} while it booted; its console ends with:\n${tail}`);
    if (said !== null) throw failed(`says ${said}`);
    if (!isAlive(host)) throw failed("lost its power");
    if (performance.now() > end) throw failed(`took more than ${upDeadlineMs} ms`);
    await new Promise((wake) => setTimeout(wake, pollMs));
  }
  // QEMU has read it; a reboot from inside takes it from QEMU's own memory.
  rmSync(join(hostFolder(state, name), bootFiles.initramfs), { force: true });
};
