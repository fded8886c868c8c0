/** Kernel and initramfs of the router guest, made of Debian's packages: no disk, as the paper's live nodes. */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { execa } from "execa";
import type { Testbed } from "../model/testbed.ts";
import { cpioArchive, type CpioEntry } from "./cpio.ts";
import { newestDependency, unpackedPackage } from "./debian.ts";
import { python } from "./python.ts";

/** Insertion order: each needs those before it. */
const modules = [
  ...["virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci"],
  ...["virtio_console", "failover", "net_failover", "virtio_net", "e1000", "xen-netfront"],
];
const guestFolder = join(import.meta.dirname, "guest");
const uncompress = join(import.meta.dirname, "uncompressed-kernel.py");
/** The program's exit status for a kernel that QEMU starts as it is, and only so. */
const cannotUncompress = 3;

/** Images that the lab builds. */
export const imageNames: readonly string[] = ["router"];

/** Images by name, as campaign files name them. `router`: plain kernel forwarding, no daemon. */
export const guestImages = async (
  cache: string,
  log: (line: string) => void,
): Promise<Testbed["images"]> => {
  const [kernel, busybox] = await Promise.all([
    kernelPackage(cache, log),
    unpackedPackage(cache, "busybox-static"),
  ]);
  const [vmlinuz] = globSync("boot/vmlinuz-*", { cwd: kernel });
  if (!vmlinuz) throw new Error(`${kernel}: Debian's kernel package holds no boot/vmlinuz-*`);
  const archive = cpioArchive(entries(kernel, busybox));
  const hash = createHash("sha256")
    .update(archive)
    .update(basename(vmlinuz))
    .update(readFileSync(join(kernel, ".package")))
    .update(readFileSync(uncompress))
    .digest("hex")
    .slice(0, 16);
  const folder = join(cache, "images", hash);
  if (!existsSync(folder)) {
    log(`building the router guest's image (${basename(vmlinuz)})`);
    mkdirSync(join(cache, "images"), { recursive: true });
    const work = mkdtempSync(join(cache, "images", ".building-"));
    try {
      await putKernel(join(kernel, vmlinuz), join(work, "kernel"));
      writeFileSync(join(work, "initramfs"), gzipSync(archive));
      renameSync(work, folder);
    } catch (error) {
      rmSync(work, { recursive: true, force: true });
      // Another lab with the same cache may have been quicker; its bytes are the same.
      if (!existsSync(folder)) throw error;
    }
  }
  return { router: { kernel: join(folder, "kernel"), initramfs: join(folder, "initramfs") } };
};

/** Uncompressed where QEMU can start it so: unpacking it in an emulated guest is half of the whole boot. */
const putKernel = async (vmlinuz: string, destination: string): Promise<void> => {
  const { exitCode, stderr } = await execa(python(), ["-I", uncompress, vmlinuz, destination], {
    reject: false,
  });
  if (exitCode === cannotUncompress) copyFileSync(vmlinuz, destination);
  else if (exitCode !== 0) throw new Error(`${vmlinuz}: it cannot be unpacked\n${stderr}`);
};

/** Named by what is kept of it: the cache answers without asking apt which kernel is the newest. */
const kernelPackage = (cache: string, log: (line: string) => void) => {
  const only = ["./boot/vmlinuz-*", ...modules.map((name) => `*/${name}.ko`)];
  const kept = createHash("sha256").update(only.join("\n")).digest("hex").slice(0, 8);
  return unpackedPackage(cache, `linux-image-amd64-${kept}`, {
    find: async () => {
      log("downloading Debian's kernel for the guests (70 MB)");
      return newestDependency("linux-image-amd64");
    },
    // The package holds 400 MB; the guest needs its kernel and these.
    only,
  });
};

const file = (path: string, source: string, mode = 0o100644): CpioEntry => ({
  path,
  mode,
  content: readFileSync(source),
});
const folderEntry = (path: string): CpioEntry => ({
  path,
  mode: 0o040755,
  content: Buffer.alloc(0),
});

const entries = (kernel: string, busybox: string): readonly CpioEntry[] => {
  const moduleFile = (name: string) => {
    const [found] = globSync(`lib/modules/*/**/${name}.ko`, { cwd: kernel });
    if (!found) throw new Error(`${kernel}: Debian's kernel package holds no module ${name}.ko`);
    return file(`modules/${name}.ko`, join(kernel, found));
  };
  return [
    ...["bin", "dev", "modules"].map(folderEntry),
    // The kernel opens it before init mounts anything.
    { path: "dev/console", mode: 0o020600, content: Buffer.alloc(0), device: [5, 1] },
    file("bin/busybox", join(busybox, "bin/busybox"), 0o100755),
    file("init", join(guestFolder, "init.sh"), 0o100755),
    file("commands.sh", join(guestFolder, "commands.sh")),
    { path: "modules/order", mode: 0o100644, content: Buffer.from(`${modules.join("\n")}\n`) },
    ...modules.map(moduleFile),
  ];
};
