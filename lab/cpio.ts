/** Archive in the kernel's own initramfs format: "newc" of cpio(5). */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

export interface CpioEntry {
  readonly path: string;
  /** File type and permissions, as in stat(2): 0o100755 is an executable file, 0o040755 a folder. */
  readonly mode: number;
  readonly content: Buffer;
  /** Major and minor number of a device node. */
  readonly device?: readonly [number, number];
}

const padded = (buffer: Buffer) => Buffer.concat([buffer, Buffer.alloc(-buffer.length & 3)]);

const record = (entry: CpioEntry, inode: number): Buffer => {
  const name = Buffer.from(`${entry.path}\0`);
  const [major, minor] = entry.device ?? [0, 0];
  const fields = [
    ...[inode, entry.mode, 0, 0, 1, 0, entry.content.length],
    ...[0, 0, major, minor, name.length, 0],
  ];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(entry.content)]);
};

/** The same entries give the same bytes: owner root, time 0, inodes in order. Folders stand before what they hold. */
export const cpioArchive = (entries: readonly CpioEntry[]): Buffer => {
  const trailer: CpioEntry = { path: "TRAILER!!!", mode: 0, content: Buffer.alloc(0) };
  return Buffer.concat([
    ...entries.map((entry, index) => record(entry, index + 1)),
    record(trailer, 0),
  ]);
};

/** Everything in a folder: files, folders and symbolic links, in the order of their names. */
export const folderEntries = (root: string, path = ""): readonly CpioEntry[] =>
  readdirSync(join(root, path))
    .sort()
    .flatMap((name): readonly CpioEntry[] => {
      const inner = path === "" ? name : `${path}/${name}`;
      const full = join(root, inner);
      const { mode } = lstatSync(full);
      switch (mode & 0o170000) {
        case 0o040000:
          return [{ path: inner, mode, content: Buffer.alloc(0) }, ...folderEntries(root, inner)];
        case 0o120000:
          return [{ path: inner, mode, content: Buffer.from(readlinkSync(full)) }];
        default:
          return [{ path: inner, mode, content: readFileSync(full) }];
      }
    });
