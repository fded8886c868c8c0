import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { drivers } from "../../hypervisors/drivers.ts";
import { guestFiles, nameArgument, qemuCommandLine } from "../../hypervisors/kvm-command-line.ts";
import { kvm } from "../../hypervisors/kvm.ts";
import { migrates, type MigrationOrder } from "../../hypervisors/hypervisor.ts";
import type { GuestSpec } from "../../model/guest.ts";
import { hostNames, type Testbed } from "../../model/testbed.ts";
import { nicsOf, routerNics } from "../../lab/topology.ts";
import type { Agent, Hosts, UnitState } from "../../remote/agent.ts";
import { NoExitStatus } from "../../remote/shell.ts";

const recording = (name: string) =>
  readFileSync(join(import.meta.dirname, "../transcripts/qemu-7.2", name), "utf8");

const testbed = {
  name: "lab",
  platforms: ["kvm-virtio"],
  hosts: Object.fromEntries(hostNames.map((name) => [name, { name, nics: nicsOf(name) }])),
  images: { router: { kernel: "/k", initramfs: "/i" } },
  accelerator: "tcg",
  runFolder: "/run/longhaul",
} as unknown as Testbed;
const guest: GuestSpec = {
  name: "router-kvm-virtio",
  image: "router",
  memoryMib: 256,
  vcpus: 1,
  routing: "kernel",
  nics: routerNics.map((nic) => ({ ...nic, bridge: `br-${nic.segment}` })),
};

/** A host whose files and monitor answer as recorded. */
const hostThat = (answers: Partial<Agent>): Hosts => ({
  agent: (host) => Promise.resolve({ host, ...answers } as Agent),
  close: () => Promise.resolve(),
});
const alive = (paths: readonly string[]) =>
  Promise.resolve(
    Object.fromEntries(
      paths.map((path) => [
        path,
        path.endsWith("/pid") ? "77\n" : `qemu-system-x86_64\0-name\0${nameArgument(guest)}\0`,
      ]),
    ),
  );

test.each([
  ["running", "running"],
  ["paused", "paused"],
  ["inmigrate", "incoming"],
  ["postmigrate", "stopped"],
] as const)("a QEMU that says %s is a guest that is %s", async (said, state) => {
  const lines = recording(`query-status-${said}.jsonl`).trim().split("\n");
  const hosts = hostThat({ readFiles: alive, converse: () => Promise.resolve(lines) });
  expect(await kvm(testbed, hosts, "virtio").inspect("R1", guest)).toBe(state);
});

test("a guest without a record is absent, one whose process is gone or another's is stopped", async () => {
  const withFiles = (pid: string | null, commandLine: string | null) =>
    kvm(
      testbed,
      hostThat({
        readFiles: (paths) =>
          Promise.resolve(
            Object.fromEntries(
              paths.map((path) => [path, path.endsWith("/pid") ? pid : commandLine]),
            ),
          ),
      }),
      "virtio",
    ).inspect("R1", guest);
  expect(await withFiles(null, null)).toBe("absent");
  expect(await withFiles("77\n", null)).toBe("stopped");
  expect(await withFiles("77\n", "sshd\0-i\0")).toBe("stopped");
});

test("a QEMU that lives and does not answer is unknown, never absent", async () => {
  const hosts = hostThat({
    readFiles: alive,
    converse: () => Promise.reject(new NoExitStatus("R1: monitor: no line within 10000 ms")),
  });
  await expect(kvm(testbed, hosts, "virtio").inspect("R1", guest)).rejects.toBeInstanceOf(
    NoExitStatus,
  );
});

const order: MigrationOrder = {
  unit: "c.a1.migration",
  guest,
  source: "R1",
  destination: "R2",
  deadlineMs: 30_000,
};
const ended: UnitState = {
  name: order.unit,
  token: 1,
  status: "ended",
  exitCode: 0,
  signal: null,
  startedUs: 5,
  endedUs: 9,
  deadlineUs: 99,
};

test("the report of an ended unit joins both hosts' events, each stamped by its own clock", async () => {
  const hosts = hostThat({
    unit: () => Promise.resolve(ended),
    waitUnit: (name) =>
      Promise.resolve({
        state: ended,
        result: JSON.parse(
          recording(
            name === order.unit ? "migration-unit-completed.json" : "incoming-unit-completed.json",
          ),
        ) as unknown,
        stdout: "",
        stderr: "",
      }),
  });
  const driver = kvm(testbed, hosts, "virtio");
  if (!migrates(driver)) throw new Error("kvm migrates");
  const report = await driver.report(order);
  expect(report).toMatchObject({ status: "completed", totalTimeMs: 854, downtimeMs: 101 });
  expect(report?.memoryBytes).toBe(256 * 2 ** 20);
  expect(report?.phases.map(({ host, name }) => `${host} ${name}`)).toEqual(
    expect.arrayContaining(["R1 pass 2", "R1 source stopped", "R2 destination running"]),
  );
});

test("a unit that was killed leaves its log, and an unknown end", async () => {
  const killed: UnitState = { ...ended, status: "deadline", exitCode: null, signal: "SIGKILL" };
  const seen = { transferredBytes: 7, remainingBytes: 3, iteration: 1 };
  const hosts = hostThat({
    unit: (name) => Promise.resolve(name === order.unit ? killed : null),
    waitUnit: () => Promise.resolve({ state: killed, result: null, stdout: "", stderr: "" }),
    followUnit: async function* () {
      yield { phase: { name: "pass 1", atUs: 6 } };
      yield { progress: { ...seen, atUs: 7, dirtyRatePagesPerSecond: null } };
    },
  });
  const report = await kvm(testbed, hosts, "virtio").report(order);
  expect(report).toMatchObject({
    status: "unknown",
    reason: expect.stringContaining("deadline") as unknown,
    commandUs: 5,
    endUs: 9,
    transferredBytes: 7,
    downtimeMs: null,
  });
  expect(report?.phases).toEqual([{ name: "pass 1", atUs: 6, host: "R1" }]);
});

test("a running or unknown unit has no report", async () => {
  const withUnit = (state: UnitState | null) =>
    kvm(testbed, hostThat({ unit: () => Promise.resolve(state) }), "virtio").report(order);
  expect(await withUnit(null)).toBeNull();
  expect(await withUnit({ ...ended, status: "running" })).toBeNull();
});

test("both ends of a migration start QEMU alike but for -incoming", () => {
  const start = {
    model: "e1000",
    accelerator: "tcg",
    image: { kernel: "/k", initramfs: "/i" },
    runFolder: "/run/longhaul",
  } as const;
  const source = qemuCommandLine(guest, { ...start, incoming: null });
  const destination = qemuCommandLine(guest, { ...start, incoming: "tcp:198.19.0.2:4444" });
  expect(destination).toEqual([...source, "-incoming", "tcp:198.19.0.2:4444"]);
  expect(source.filter((word) => word.startsWith("e1000,"))).toHaveLength(4);
});

test("the paths of a guest's sockets stay within the 107 bytes of a Unix socket", () => {
  const { monitor, migrationMonitor, commands } = guestFiles("/run/longhaul", guest.name);
  for (const path of [monitor, migrationMonitor, commands])
    expect(path.length).toBeLessThanOrEqual(107);
});

test("a frame's path ends where it began to count, and every TAP ring is a place of loss", () => {
  const { points, drops } = kvm(testbed, hostThat({}), "virtio").path("R1", guest);
  expect(points.map(({ host, device, counter }) => `${host} ${device} ${counter}`)).toEqual([
    "R1 eth-a rxFrames",
    "R1 tap-a txFrames",
    "guest eth0 rxFrames",
    "guest eth1 txFrames",
    "R1 tap-b rxFrames",
    "R1 eth-b txFrames",
  ]);
  expect(drops).toContainEqual({
    place: "TAP into guest",
    host: "R1",
    device: "tap-a",
    counter: "txDropped",
  });
});

test("a platform without a driver is refused with the known ones", () => {
  expect(() => drivers({ ...testbed, platforms: ["xen"] }, hostThat({}))).toThrow(
    /no driver for platform xen; known: bare, kvm-virtio, kvm-e1000/,
  );
});
