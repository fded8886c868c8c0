/** QEMU's command line: the same on both ends of a migration but for `-incoming`. */
import type { GuestSpec } from "../model/guest.ts";
import { tapOf } from "./wiring.ts";

/** QEMU's device for each NIC model. */
export const nicDevices = { virtio: "virtio-net-pci", e1000: "e1000" } as const;
export type NicModel = keyof typeof nicDevices;

/** Everything of one guest on a host. */
export interface GuestFiles {
  readonly folder: string;
  readonly pid: string;
  readonly console: string;
  readonly errors: string;
  /** Monitor of the driver. */
  readonly monitor: string;
  /** Monitor of the migration unit: a socket serves one client at a time. */
  readonly migrationMonitor: string;
  /** The guest's paravirtual console: commands in the guest. */
  readonly commands: string;
}

export const guestFiles = (runFolder: string, guest: string): GuestFiles => {
  const folder = `${runFolder}/guests/${guest}`;
  return {
    folder,
    pid: `${folder}/pid`,
    console: `${folder}/console.log`,
    errors: `${folder}/qemu.log`,
    monitor: `${folder}/monitor.sock`,
    migrationMonitor: `${folder}/migration.sock`,
    commands: `${folder}/commands.sock`,
  };
};

/** Also how the process is recognised: its name stands in its own command line. */
export const nameArgument = (guest: GuestSpec): string => `${guest.name},debug-threads=on`;

/** Under KVM the host's own CPU; emulated, QEMU's smallest 64-bit one, whose paging is the quickest to emulate. */
export const guestCpu = (accelerator: "kvm" | "tcg"): string =>
  accelerator === "kvm" ? "host" : "qemu64";

/**
 * What every boot of a guest kernel under QEMU asks for. Linux 6.1 counts timer interrupts against a
 * busy loop early on and panics ("IO-APIC + timer doesn't work") when TCG got no CPU in between: seen
 * on a busy machine.
 */
export const guestKernelBasics = "console=ttyS0 panic=-1 no_timer_check";

const kernelCommandLine = (guest: GuestSpec) =>
  [
    // -no-reboot turns the reboot after a panic into QEMU's end: a crash is seen as one.
    // Quiet: every letter of the serial console costs an emulated guest time; faults are printed all the same.
    // iomem=relaxed lets root in the guest reach the APIC, for a CPU that spins on demand.
    `${guestKernelBasics} quiet net.ifnames=0 ipv6.disable=1 iomem=relaxed`,
    `longhaul.routing=${guest.routing}`,
    ...guest.nics.map(({ mac, address }) => `longhaul.nic=${mac},${address}`),
  ].join(" ");

export interface GuestStart {
  readonly model: NicModel;
  readonly accelerator: "kvm" | "tcg";
  readonly image: { readonly kernel: string; readonly initramfs: string };
  readonly runFolder: string;
  /** Where a destination listens for the state of the guest; null starts it here. */
  readonly incoming: string | null;
}

/**
 * One queue pair per NIC, no vhost: every frame goes through QEMU's own thread, in the TAP's ring of
 * 500 frames and the device's 256, as in the paper's KVM.
 */
export const qemuCommandLine = (guest: GuestSpec, start: GuestStart): readonly string[] => {
  const files = guestFiles(start.runFolder, guest.name);
  const nics = guest.nics.flatMap((nic) => [
    "-netdev",
    `tap,id=net-${nic.segment},ifname=${tapOf(nic)},script=no,downscript=no,vhost=off`,
    "-device",
    `${nicDevices[start.model]},id=nic-${nic.segment},netdev=net-${nic.segment},mac=${nic.mac},romfile=`,
  ]);
  return [
    "qemu-system-x86_64",
    ...["-name", nameArgument(guest)],
    ...["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"],
    ...["-machine", "pc", "-accel", start.accelerator, "-cpu", guestCpu(start.accelerator)],
    ...["-m", String(guest.memoryMib), "-smp", String(guest.vcpus)],
    ...["-kernel", start.image.kernel, "-initrd", start.image.initramfs],
    ...["-append", kernelCommandLine(guest)],
    ...nics,
    ...["-serial", `file:${files.console}`],
    ...["-chardev", `socket,id=commands,path=${files.commands},server=on,wait=off`],
    // Next to whatever NICs: an emulated serial port takes 0.1 s for the counters' 700 letters.
    ...["-device", "virtio-serial-pci", "-device", "virtconsole,chardev=commands"],
    ...["-qmp", `unix:${files.monitor},server=on,wait=off`],
    ...["-qmp", `unix:${files.migrationMonitor},server=on,wait=off`],
    // With a log file, a daemon's errors go there instead of nowhere.
    ...["-D", files.errors, "-d", "guest_errors"],
    ...["-daemonize", "-pidfile", files.pid],
    ...(start.incoming === null ? [] : ["-incoming", start.incoming]),
  ];
};
