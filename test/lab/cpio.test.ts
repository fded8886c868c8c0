import fc from "fast-check";
import { expect, test } from "vitest";
import { cpioArchive } from "../../lab/cpio.ts";

/** The format's own rules (cpio(5), newc), read back independently of the writer. */
const entriesOf = (archive: Buffer) => {
  const entries: { path: string; mode: number; content: string }[] = [];
  for (let at = 0; ;) {
    const field = (index: number) =>
      parseInt(archive.toString("latin1", at + 6 + index * 8, at + 14 + index * 8), 16);
    expect(archive.toString("latin1", at, at + 6)).toBe("070701");
    const [mode, size, nameSize] = [field(1), field(6), field(11)];
    const path = archive.toString("utf8", at + 110, at + 110 + nameSize - 1);
    const start = (at + 110 + nameSize + 3) & ~3;
    if (path === "TRAILER!!!") return entries;
    entries.push({ path, mode, content: archive.toString("latin1", start, start + size) });
    at = (start + size + 3) & ~3;
  }
};

test("an archive holds its entries in order, whatever their lengths", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9./-]{0,20}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.uint8Array({ maxLength: 40 }))), (files) => {
      const entries = files.map(([path, content]) => ({
        path,
        mode: 0o100644,
        content: Buffer.from(content),
      }));
      expect(entriesOf(cpioArchive(entries))).toEqual(
        entries.map((entry) => ({ ...entry, content: entry.content.toString("latin1") })),
      );
    }),
  );
});
