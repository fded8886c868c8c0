/** A machine that lacks what a lab needs, made in a mount namespace of its own. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { testState } from "./own-lab.ts";

const script = `
import { checkMachine } from "./lab/machine.ts";
import { labFile, testState } from "./test/lab/own-lab.ts";
process.env.LONGHAUL_CACHE = process.argv[1];
try { checkMachine(testState("machine"), labFile); console.log("none"); }
catch (error) { console.log(error.name + ": " + error.message); }`;

const where = (mount: string, cache: string): string =>
  execFileSync(
    "unshare",
    ["--mount", "sh", "-c", `${mount} && exec "$@"`, "sh"].concat(
      ...[process.execPath, "--input-type=module", "-e", script, cache],
    ),
    { encoding: "utf8", cwd: join(import.meta.dirname, "../..") },
  );
const cache = join(testState("machine").path, "cache");

test("a machine without /dev/net/tun is refused with the commands that make it", () => {
  const told = where("mount -t tmpfs none /dev/net", cache);
  expect(told).toMatch(/^UsageError: .*\n- \/dev\/net\/tun missing.*`modprobe tun`/);
});

test("a disk without room for the images is refused with what is free and what is needed", () => {
  mkdirSync(cache, { recursive: true });
  const told = where(`mount -t tmpfs -o size=16m none '${cache}'`, cache);
  expect(told).toMatch(/cache: 1[56] MiB free, the lab's images need 600/);
});
