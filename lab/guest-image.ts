/** Kernel and initramfs of the router guest, made of Debian's packages: no disk, as the paper's live nodes. */
import { createHash } from "node:crypto";
import {
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
import type { Testbed } from "../model/testbed.ts";
import { cpioArchive, type CpioEntry } from "./cpio.ts";
import { unpackedPackage } from "./debian.ts";
import {
  compressedKernel,
  guestModules,
  kernelPackage,
  kernelSource,
  putKernel,
} from "./kernel.ts";

const guestFolder = join(import.meta.dirname, "guest");

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
  const vmlinuz = compressedKernel(kernel);
  const archive = cpioArchive(entries(kernel, busybox));
  const hash = createHash("sha256")
    .update(archive)
    .update(basename(vmlinuz))
    .update(readFileSync(join(kernel, ".package")))
    .update(kernelSource())
    .digest("hex")
    .slice(0, 16);
  const folder = join(cache, "images", hash);
  if (!existsSync(folder)) {
    log(`building the router guest's image (${basename(vmlinuz)})`);
    mkdirSync(join(cache, "images"), { recursive: true });
    const work = mkdtempSync(join(cache, "images", ".building-"));
    try {
      await putKernel(vmlinuz, join(work, "kernel"));
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
    { path: "modules/order", mode: 0o100644, content: Buffer.from(`${guestModules.join("\n")}\n`) },
    ...guestModules.map(moduleFile),
  ];
};
