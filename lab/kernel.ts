/** Debian's kernel for guests and machines: one download for both. */
import { createHash } from "node:crypto";
import { copyFileSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { newestDependency, unpackedPackage } from "./debian.ts";
import { python } from "./python.ts";

/** Insertion order in a guest: each needs those before it. */
export const guestModules: readonly string[] = [
  ...["virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci"],
  ...["virtio_console", "failover", "net_failover", "virtio_net", "e1000", "xen-netfront"],
];
/** Beside those, with what they depend on; a machine's modprobe finds the order. */
const machineModules: readonly string[] = [
  ...["llc", "stp", "bridge", "tun", "veth", "sch_tbf", "sch_htb", "nfnetlink", "nf_tables"],
  ...["xen-evtchn", "xen-gntdev", "xen-gntalloc", "xen-privcmd", "xen-netback", "xenfs"],
  "xen-acpi-processor",
];

const uncompress = join(import.meta.dirname, "uncompressed-kernel.py");
/** The program's exit status for a kernel that QEMU starts as it is, and only so. */
const cannotUncompress = 3;

/** The folder of the unpacked package. Named by what is kept of it: the cache answers without asking apt which kernel is the newest. */
export const kernelPackage = (cache: string, log: (line: string) => void): Promise<string> => {
  const modules = [...guestModules, ...machineModules].map((name) => `*/${name}.ko`);
  const only = ["./boot/vmlinuz-*", "*/modules.builtin*", "*/modules.order", ...modules];
  const kept = createHash("sha256").update(only.join("\n")).digest("hex").slice(0, 8);
  return unpackedPackage(cache, `linux-image-amd64-${kept}`, {
    find: async () => {
      log("downloading Debian's kernel (70 MB)");
      return newestDependency("linux-image-amd64");
    },
    // The package holds 400 MB; what is booted needs its kernel and these.
    only,
  });
};

export const compressedKernel = (kernel: string): string => {
  const [vmlinuz] = globSync("boot/vmlinuz-*", { cwd: kernel });
  if (!vmlinuz) throw new Error(`${kernel}: Debian's kernel package holds no boot/vmlinuz-*`);
  return join(kernel, vmlinuz);
};

/** Uncompressed where QEMU can start it so: unpacking it in an emulated guest is half of the whole boot. */
export const putKernel = async (vmlinuz: string, destination: string): Promise<void> => {
  const { exitCode, stderr } = await execa(python(), ["-I", uncompress, vmlinuz, destination], {
    reject: false,
  });
  if (exitCode === cannotUncompress) copyFileSync(vmlinuz, destination);
  else if (exitCode !== 0) throw new Error(`${vmlinuz}: it cannot be unpacked\n${stderr}`);
};

/** Decides with the package what kernel comes out. */
export const kernelSource = (): Buffer => readFileSync(uncompress);
