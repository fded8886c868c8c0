import { expect, test } from "vitest";
import { readableLines } from "../../cli/readable.ts";

test("plain values stand together in one line, nested ones below their key, deep ones are only named", () => {
  const stored = {
    accelerator: "tcg",
    seed: 7,
    generator: { name: "tcpreplay", version: "4.4.3" },
    hosts: { A: { kernel: "6.1", governor: null, interfaces: { lo: { mtu: 65536 }, eth0: {} } } },
  };
  expect(readableLines("", stored)).toEqual([
    ["", "accelerator tcg, seed 7"],
    ["generator", "name tcpreplay, version 4.4.3"],
    ["hosts.A", "kernel 6.1, governor –"],
    ["hosts.A", "with interfaces"],
  ]);
});

test("a list of values is joined, a deep list of objects counted, and no line is endless", () => {
  expect(readableLines("", { path: [1, 2], steps: { all: [{ at: 1 }, { at: 2 }] } })).toEqual([
    ["path", "1, 2"],
    ["steps.all", "2 entries"],
  ]);
  const [line] = readableLines("", { output: "x".repeat(5000) });
  expect(line?.[1]).toHaveLength(140);
});
