/** How QEMU boots a machine from the live image, and what its console tells of it. */
import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cpioArchive } from "../cpio.ts";
import type { BootProfile } from "../../model/testbed-file.ts";
import type { LiveImage } from "./live-image.ts";

/** Of the machine; dom0's share leaves room for the hypervisor and for two guests of 256 MiB, one of them on its way in. */
const memoryMib = 2048;
const dom0Mib = 1280;

/** In QEMU's working folder: the path of a multiboot module must hold neither space nor comma. */
export const bootFiles = {
  kernel: "vmlinux",
  initramfs: "initramfs",
  console: "console.log",
} as const;

// Linux 6.1 counts timer interrupts against a busy loop early on and panics when TCG got no CPU in between.
const kernelArguments = "no_timer_check panic=5 quiet net.ifnames=0 rdinit=/init";
const xenArguments =
  // A fixed share turns autoballooning off, and with it the toolstack's lock that a hung migration would hold.
  `console=com1 com1=115200,8n1 dom0_mem=${dom0Mib}M,max:${dom0Mib}M dom0_max_vcpus=1 sched=credit`;

/** In QEMU's working folder. Emulated hardware virtualization with nested paging: without it Xen migrates no guest live. */
export const machineCommandLine = (
  image: LiveImage,
  profile: BootProfile,
  devices: readonly string[],
): readonly string[] => {
  const boot: Readonly<Record<BootProfile, readonly string[]>> = {
    linux: [
      ...["-kernel", bootFiles.kernel, "-initrd", bootFiles.initramfs],
      ...["-append", `console=ttyS0 ${kernelArguments}`],
    ],
    xen: [
      ...["-kernel", image.xen, "-append", xenArguments],
      ...["-initrd", `${bootFiles.kernel} console=hvc0 ${kernelArguments},${bootFiles.initramfs}`],
    ],
  };
  return [
    ...["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"],
    ...["-accel", "tcg,thread=multi", "-cpu", "qemu64,+svm,+npt"],
    ...["-m", String(memoryMib), "-smp", "1"],
    ...["-chardev", `file,id=console,path=${bootFiles.console},append=on`],
    ...["-serial", "chardev:console"],
    ...boot[profile],
    ...devices,
  ];
};

/** Kernel and initramfs: the image with what one host alone has, archives one behind the other, each at a multiple of 4. */
export const putBootFiles = (
  folder: string,
  image: LiveImage,
  settings: Readonly<Record<string, string>>,
): void => {
  const own = cpioArchive([
    { path: "etc", mode: 0o040755, content: Buffer.alloc(0) },
    { path: "etc/longhaul", mode: 0o040700, content: Buffer.alloc(0) },
    ...Object.entries(settings).map(([name, content]) => ({
      path: `etc/longhaul/${name}`,
      mode: 0o100600,
      content: Buffer.from(content),
    })),
  ]);
  const kernel = join(folder, bootFiles.kernel);
  rmSync(kernel, { force: true });
  symlinkSync(image.kernel, kernel);
  const initramfs = join(folder, bootFiles.initramfs);
  writeFileSync(initramfs, Buffer.concat([own, readFileSync(image.root)]), { mode: 0o600 });
};

/** Stands in the console's file before everything that a machine said since it got power. */
export const powerOnLine = (at: Date): string => `\n=== power on ${at.toISOString()} ===\n`;

export interface Console {
  /** Of the last boot; null: the kernel has not come so far. */
  readonly bootId: string | null;
  /** null: not up yet. `ready`, or what went wrong. */
  readonly end: string | null;
  readonly tail: string;
}

const tailLines = 30;

/** What the machine has said since it got power, a reboot from inside included. */
export const readConsole = (text: string): Console => {
  const now = text.slice(Math.max(0, text.lastIndexOf("=== power on ")));
  const boot = [...now.matchAll(/LIVE-BOOT ([0-9a-f-]{36})/g)].at(-1);
  const said = boot === undefined ? null : now.slice(boot.index);
  const fault = /LIVE-FAULT [^\r\n]*/.exec(said ?? "")?.[0];
  return {
    bootId: boot?.[1] ?? null,
    end: fault ?? (said?.includes("LIVE-READY") ? "ready" : null),
    tail: now.trimEnd().split(/\r?\n/).slice(-tailLines).join("\n"),
  };
};
