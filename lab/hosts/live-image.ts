/**
 * What a machine boots: Xen, Debian's kernel, and a live system of Debian's packages as an initramfs.
 * One image for both boot profiles: on `linux` the kernel is started alone, on `xen` as dom0.
 */
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
import { basename, dirname, join } from "node:path";
import { gunzipSync, zstdCompressSync } from "node:zlib";
import { execa } from "execa";
import type { Testbed } from "../../model/testbed.ts";
import { cpioArchive, folderEntries } from "../cpio.ts";
import { compressedKernel, kernelPackage, kernelSource, putKernel } from "../kernel.ts";
import { packagesWithDependencies } from "./live-packages.ts";

export interface LiveImage {
  readonly folder: string;
  /** An ELF multiboot image. */
  readonly xen: string;
  readonly kernel: string;
  readonly root: string;
}

const xenVersion = "4.17";
const packages = [
  ...[
    "base-files",
    "base-passwd",
    "bash",
    "bsdutils",
    "coreutils",
    "dash",
    "dpkg",
    "findutils",
    "grep",
  ],
  ...["hostname", "libc-bin", "mawk", "mount", "sed", "tar", "util-linux", "kmod", "procps"],
  ...["bridge-utils", "iproute2", "openssh-server", "python3", "xenstore-utils"],
  ...[`xen-utils-${xenVersion}`, `xen-hypervisor-${xenVersion}-amd64`],
];
const scripts = ["live-init.sh", "live-root.sh", "live-image.ts"].map((file) =>
  join(import.meta.dirname, file),
);
/** Where the guests' images lie on a machine. */
const imagesFolder = "srv/longhaul/images";

const liveImageAt = (folder: string): LiveImage => ({
  folder,
  xen: join(folder, "xen"),
  kernel: join(folder, "vmlinux"),
  root: join(folder, "root.cpio.zst"),
});

/** Paths of guest images as a machine has them. */
export const imagesOnMachine = (images: Testbed["images"]): Testbed["images"] =>
  Object.fromEntries(
    Object.keys(images).map((name) => [
      name,
      {
        kernel: `/${imagesFolder}/${name}/kernel`,
        initramfs: `/${imagesFolder}/${name}/initramfs`,
      },
    ]),
  );

interface Building {
  /** Guest images that the machines hold. */
  readonly images: Testbed["images"];
  readonly log: (line: string) => void;
  /** Boots it. @throws {Error} it does not come up: then there is no image. */
  readonly verify: (image: LiveImage) => Promise<void>;
}

/** Kept by the hash of all that it is made of; never half there, never unproven. @throws {Error} */
export const liveImage = async (
  cache: string,
  { images, log, verify }: Building,
): Promise<LiveImage> => {
  const [kernel, archives] = await Promise.all([
    kernelPackage(cache, log),
    packagesWithDependencies(cache, packages, log),
  ]);
  const hash = createHash("sha256")
    .update(archives.map((file) => basename(file)).join("\n"))
    .update(readFileSync(join(kernel, ".package")))
    .update(kernelSource());
  for (const script of scripts) hash.update(readFileSync(script));
  // A guest image's folder is named by the hash of its own.
  for (const image of Object.values(images)) hash.update(basename(dirname(image.kernel)));
  const name = `live-${hash.digest("hex").slice(0, 16)}`;
  const folder = join(cache, "images", name);
  if (existsSync(folder)) return liveImageAt(folder);

  log("building the machines' live image");
  mkdirSync(join(cache, "images"), { recursive: true });
  const work = mkdtempSync(join(cache, "images", ".building-"));
  const clear = () => rmSync(work, { recursive: true, force: true });
  process.once("exit", clear);
  try {
    const draft = liveImageAt(join(work, "image"));
    mkdirSync(draft.folder);
    await build(draft, { kernel, archives, images, root: join(work, "root") });
    log("booting the live image, to prove it");
    await verify(draft);
    renameSync(draft.folder, folder);
  } catch (error) {
    // Another lab with the same cache may have been quicker; its image is as good.
    if (!existsSync(folder)) throw error;
  } finally {
    process.off("exit", clear);
    clear();
  }
  return liveImageAt(folder);
};

interface Materials {
  readonly kernel: string;
  readonly archives: readonly string[];
  readonly images: Testbed["images"];
  readonly root: string;
}

const build = async (
  image: LiveImage,
  { kernel, archives, images, root }: Materials,
): Promise<void> => {
  const script = join(import.meta.dirname, "live-root.sh");
  await execa("bash", [script, root, kernel, xenVersion, ...archives]);
  copyFileSync(join(import.meta.dirname, "live-init.sh"), join(root, "init"));
  for (const [name, files] of Object.entries(images)) {
    const folder = join(root, imagesFolder, name);
    mkdirSync(folder, { recursive: true });
    copyFileSync(files.kernel, join(folder, "kernel"));
    copyFileSync(files.initramfs, join(folder, "initramfs"));
  }
  const [xen] = globSync(`boot/xen-${xenVersion}*.gz`, { cwd: root });
  if (!xen) throw new Error(`Debian's package of Xen ${xenVersion} holds no hypervisor`);
  writeFileSync(image.xen, gunzipSync(readFileSync(join(root, xen))));
  rmSync(join(root, "boot"), { recursive: true });
  await putKernel(compressedKernel(kernel), image.kernel);
  const archive = cpioArchive([
    // The kernel opens it before init mounts anything.
    { path: "dev", mode: 0o040755, content: Buffer.alloc(0) },
    { path: "dev/console", mode: 0o020600, content: Buffer.alloc(0), device: [5, 1] },
    ...folderEntries(root).map((entry) =>
      entry.path === "init" ? { ...entry, mode: 0o100755 } : entry,
    ),
  ]);
  writeFileSync(image.root, zstdCompressSync(archive));
};
