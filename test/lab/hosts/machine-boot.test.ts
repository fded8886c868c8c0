import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { LiveImage } from "../../../lab/hosts/live-image.ts";
import {
  machineCommandLine,
  powerOnLine,
  putBootFiles,
  readConsole,
} from "../../../lab/hosts/machine-boot.ts";

const image: LiveImage = { folder: "/i", xen: "/i/xen", kernel: "/i/vmlinux", root: "/i/root" };
const boot = (id: string) => `LIVE-BOOT ${id}\r\n`;
const first = "270058bb-e391-4bab-b1df-b69f6d3f4141";
const second = "8ce7e068-a9f7-4d7a-98f3-cfee12f2ac8b";
const on = powerOnLine(new Date("2026-11-26T17:00:00Z"));

test.each([
  ["nothing yet", "", { bootId: null, end: null }],
  ["a kernel on its way", `${on}(XEN) Xen version 4.17`, { bootId: null, end: null }],
  ["an init on its way", `${on}${boot(first)}`, { bootId: first, end: null }],
  ["a host that answers", `${on}${boot(first)}LIVE-READY\r\n`, { bootId: first, end: "ready" }],
  [
    "what went wrong",
    `${on}${boot(first)}LIVE-FAULT sshd does not start\r\n`,
    { bootId: first, end: "LIVE-FAULT sshd does not start" },
  ],
  [
    "a reboot from inside",
    `${on}${boot(first)}LIVE-READY\r\n${boot(second)}`,
    { bootId: second, end: null },
  ],
  [
    "new power, whatever was said before",
    `${on}${boot(first)}LIVE-READY\r\n${on}`,
    { bootId: null, end: null },
  ],
])("a console tells of %s", (_what, text, told) => {
  expect(readConsole(text)).toMatchObject(told);
});

test("a console's tail is what was said since the machine got power", () => {
  expect(readConsole(`an old panic\n${on}(XEN) new`).tail).not.toContain("panic");
});

test("both boot profiles start the same kernel and system, xen with the hypervisor before it", () => {
  const linux = machineCommandLine(image, "linux", ["-nic", "none"]).join(" ");
  const xen = machineCommandLine(image, "xen", ["-nic", "none"]).join(" ");
  expect(linux).toContain("-kernel vmlinux -initrd initramfs");
  expect(xen).toContain("-kernel /i/xen");
  expect(xen).toMatch(/-initrd vmlinux [^,]*,initramfs/);
  // Without nested paging Xen migrates no guest live; with autoballooning a hung migration holds a lock.
  expect(xen).toContain("-cpu qemu64,+svm,+npt");
  expect(xen).toMatch(/dom0_mem=(\d+)M,max:\1M/);
});

test("what one host alone has stands before the image, at a multiple of four bytes", () => {
  const folder = mkdtempSync(join(tmpdir(), "longhaul-boot-"));
  try {
    const root = join(folder, "root");
    writeFileSync(root, "IMAGE");
    putBootFiles(folder, { ...image, root }, { name: "R1\n" });
    const bytes = readFileSync(join(folder, "initramfs"));
    const at = bytes.indexOf("IMAGE");
    expect(at % 4).toBe(0);
    expect(bytes.subarray(0, at).toString("latin1")).toContain("etc/longhaul/name\0");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
