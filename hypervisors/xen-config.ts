/** The guest's configuration as xl reads it (xl.cfg(5)), and where everything of a guest lies on its host. */
import type { GuestSpec } from "../model/guest.ts";
import { vifOf } from "./wiring.ts";

export interface XenFiles {
  readonly folder: string;
  readonly config: string;
  /** What libxl runs for each interface. */
  readonly vifScript: string;
  /** The transport of a migration, in the place of ssh. */
  readonly relay: string;
  /** Bytes of the migration under way that the destination has acknowledged. */
  readonly acked: string;
  readonly progress: string;
  /** While it is there, the migration under way is aborted. */
  readonly abort: string;
  /** Number of the process that waits here for the guest to arrive. */
  readonly incoming: string;
}

export const xenFiles = (runFolder: string, guest: string): XenFiles => {
  const folder = `${runFolder}/guests/${guest}`;
  return {
    folder,
    config: `${folder}/xl.cfg`,
    vifScript: `${folder}/vif`,
    relay: `${folder}/relay.py`,
    acked: `${folder}/acked`,
    progress: `${folder}/progress.json`,
    abort: `${folder}/abort`,
    incoming: `${folder}/incoming`,
  };
};

/** xenconsoled keeps it (--log=guest), by the name that the guest had when its console was opened. */
export const consoleLogs = (guest: string): readonly string[] =>
  [guest, `${guest}--incoming`].map((name) => `/var/log/xen/console/guest-${name}.log`);

const kernelArguments = (guest: GuestSpec) =>
  [
    // Faults are printed all the same.
    "console=hvc0 panic=-1 quiet net.ifnames=0 ipv6.disable=1",
    `longhaul.routing=${guest.routing}`,
    ...guest.nics.map(({ mac, address }) => `longhaul.nic=${mac},${address}`),
  ].join(" ");

/**
 * PVH: no device model, and its dirty log needs no shadow paging. No `rate` of an interface: it is a
 * credit that is refilled every 50 ms only. A crashed guest stays as it is, as evidence.
 */
export const xlConfig = (
  guest: GuestSpec,
  image: { readonly kernel: string; readonly initramfs: string },
  files: XenFiles,
): string => {
  const vifs = guest.nics.map((nic) =>
    JSON.stringify(
      `mac=${nic.mac},bridge=${nic.bridge},script=${files.vifScript},vifname=${vifOf(nic)}`,
    ),
  );
  return [
    `name = ${JSON.stringify(guest.name)}`,
    'type = "pvh"',
    `kernel = ${JSON.stringify(image.kernel)}`,
    `ramdisk = ${JSON.stringify(image.initramfs)}`,
    `extra = ${JSON.stringify(kernelArguments(guest))}`,
    `memory = ${guest.memoryMib}`,
    `maxmem = ${guest.memoryMib}`,
    `vcpus = ${guest.vcpus}`,
    `vif = [ ${vifs.join(", ")} ]`,
    'on_poweroff = "preserve"',
    'on_reboot = "preserve"',
    'on_crash = "preserve"',
    "",
  ].join("\n");
};
