import { expect, test } from "vitest";
import { lastWords } from "../../lab/accelerator.ts";

test("a QEMU that ends is quoted with its own last line, or the guest's, or with its silence", () => {
  expect(lastWords("warning: x\nqemu: could not open disk\n", "hb 1\n")).toBe(
    "qemu: could not open disk",
  );
  expect(lastWords("\n", "Linux version 6.1\nKernel panic - not syncing\r\n")).toBe(
    "the guest's last line: Kernel panic - not syncing",
  );
  expect(lastWords("", "")).toBe("it said nothing");
});
