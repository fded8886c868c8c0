import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { labClean } from "../../lab/lab.ts";
import { checkMachine } from "../../lab/machine.ts";
import { UsageError } from "../../model/usage-error.ts";
import { stateFolder } from "../../services/state-folder.ts";
import { bareFile, labFile } from "./own-lab.ts";

const folder = mkdtempSync(join(tmpdir(), "longhaul-machine-"));
afterAll(() => rmSync(folder, { recursive: true }));
const state = (name: string) => stateFolder(join(folder, name), {});

beforeEach(() => void vi.spyOn(process, "getuid").mockReturnValue(0));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const refusal = (check: () => void): string => {
  try {
    check();
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return "";
};

test("without root a lab is refused with the way to it", () => {
  vi.spyOn(process, "getuid").mockReturnValue(1000);
  expect(refusal(() => checkMachine(state("user"), bareFile))).toContain("run it as root (sudo)");
});

test("every missing program is named at once, with the commands that install their packages", () => {
  vi.stubEnv("PATH", join(folder, "nothing"));
  const told = refusal(() => checkMachine(state("bare"), labFile));
  // Folders of root's programs are searched as well; these lie in none of them.
  for (const program of ["qemu-system-x86_64", "tcpreplay", "unshare", "setpriv", "flock"])
    expect(told).toMatch(new RegExp(`${program},.* missing`));
  expect(told).toMatch(/`longhaul setup`, or `apt-get install .*tcpreplay .*util-linux .*python3`/);
  expect(refusal(() => checkMachine(state("bare"), bareFile))).not.toContain("qemu");
});

test("an image that the lab cannot build is refused, and the known ones are named", () => {
  const file = { ...labFile, guestImage: "windows" };
  expect(refusal(() => checkMachine(state("image"), file))).toMatch(
    /"windows"; known ones: router/,
  );
});

test.each(["it's", 'a "quoted" one', "back\\slash", "ümlaut"])(
  "a state folder named %s is refused, for its path stands in scripts",
  (name) => {
    expect(refusal(() => checkMachine(state(name), bareFile))).toContain(
      "use one of ASCII characters, without quotes",
    );
  },
);

test("a path too long for a socket is none for a lab: its sockets lie on the hosts", () => {
  expect(refusal(() => checkMachine(state("x".repeat(200)), bareFile))).not.toContain("path");
});

test("clean throws away what was downloaded and built for the lab, and nothing else", () => {
  const own = state("clean");
  for (const name of ["debian", "images", "accelerator", "temporal-1.9.1"])
    mkdirSync(join(own.cache, name, "inner"), { recursive: true });
  labClean(own);
  expect(
    ["debian", "images", "accelerator"].some((name) => existsSync(join(own.cache, name))),
  ).toBe(false);
  expect(existsSync(join(own.cache, "temporal-1.9.1", "inner"))).toBe(true);
  labClean(own);
});

test.each([
  [
    "Xen on namespaces",
    { ...bareFile, platforms: ["xen-pvh"] },
    /xen-pvh needs hosts that boot Xen; say `machines: \{ bootProfile: xen \}`/,
  ],
  [
    "QEMU's guests on machines",
    { ...labFile, machines: { bootProfile: "linux" as const } },
    /kvm-virtio does not run on emulated machines yet; these do: bare, xen-pvh/,
  ],
])("%s are refused by name", (_what, file, message) => {
  expect(refusal(() => checkMachine(state("platforms"), file))).toMatch(message);
});

test("machines need more room, and programs that no other lab needs", () => {
  vi.stubEnv("PATH", join(folder, "nothing"));
  const file = { ...bareFile, machines: { bootProfile: "linux" as const } };
  const told = refusal(() => checkMachine(state("machines"), file));
  expect(told).toMatch(/qemu-system-x86_64.* bash, ssh missing: .*qemu-system-x86 .*apt bash/);
  expect(refusal(() => checkMachine(state("machines"), bareFile))).not.toContain("bash");
});
