/** R1 and R2 as emulated machines: everything that was written for hosts, without a special case. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { labDown, labPower, labStatus } from "../../../lab/lab.ts";
import { untilUp } from "../../../lab/hosts/machine.ts";
import { readLab } from "../../../lab/records.ts";
import type { Testbed } from "../../../model/testbed.ts";
import type { Hosts } from "../../../remote/agent.ts";
import { openHosts } from "../../../remote/hosts.ts";
import { Fenced } from "../../../remote/shell.ts";
import { bareFile, testState, upLab } from "../own-lab.ts";

const state = testState("machines");
let testbed: Testbed;
let hosts: Hosts;

const r2Up = async () => {
  const host = readLab(state)?.hosts.R2;
  if (!host) throw new Error("R2 has no power");
  await untilUp(state, "R2", host);
};

beforeAll(async () => {
  testbed = await upLab(state, { ...bareFile, machines: { bootProfile: "linux" } });
  hosts = openHosts(testbed);
}, 900_000);
afterAll(async () => {
  await hosts?.close();
  await labDown(state);
});

test("machines declare a clock and a reboot of their own, the ends do not", () => {
  const { R1, R2, A } = testbed.hosts;
  for (const host of [R1, R2])
    expect(host).toMatchObject({ ownClock: true, rebootFromInside: true });
  expect(A).toMatchObject({ ownClock: false, rebootFromInside: false });
});

test("a machine's agent tells its own kernel, boot id and clock", async () => {
  const [r1, r2] = await Promise.all([hosts.agent("R1"), hosts.agent("R2")]);
  const [one, other] = await Promise.all([r1.identity(), r2.identity()]);
  expect(one.kernel).toMatch(/^6\.1\..*amd64$/);
  expect(one.bootId).not.toBe(other.bootId);
  expect(labStatus(state).hosts.R1?.bootId).toBe(one.bootId);
  const clocks = await Promise.all([r1.clock(), r2.clock()]);
  expect(Math.abs((clocks[0]?.offsetUs ?? 0) - (clocks[1]?.offsetUs ?? 0))).toBeGreaterThan(1000);
});

test("machines reach each other over the migration link, where no SSH server listens", async () => {
  const [, address] = /^(.*)\/\d+$/.exec(testbed.hosts.R2.nics.at(-1)?.address ?? "") ?? [];
  const ask = `import socket\nsocket.create_connection(("${address}", 22), 10)`;
  const { stderr } = await (await hosts.agent("R1")).read(["python3", "-c", ask]);
  // Refused by R2 itself, not unreachable.
  expect(stderr).toContain("ConnectionRefusedError");
});

test("a unit runs on a machine, outlives the connection, and is read later", async () => {
  const agent = await hosts.agent("R1");
  const { bootId } = await agent.identity();
  const fence = { token: 1, bootIds: { R1: bootId } };
  await agent.startUnit(fence, {
    name: "unit.machine",
    program: {
      kind: "python",
      source: "def main(args, unit):\n    return args['say']",
      args: { say: 7 },
    },
    deadlineMs: 60_000,
  });
  await hosts.close();
  hosts = openHosts(testbed);
  const again = await hosts.agent("R1");
  expect((await again.waitUnit("unit.machine", { timeoutMs: 60_000 })).result).toBe(7);
});

test("power off and on is another boot, and the old boot's acts are refused", async () => {
  const before = await (await hosts.agent("R2")).identity();
  await labPower(state).cycle("R2");
  await r2Up();
  await hosts.close();
  hosts = openHosts(testbed);
  const agent = await hosts.agent("R2");
  const after = await agent.identity();
  expect(after.bootId).not.toBe(before.bootId);
  const stale = { token: 9, bootIds: { R2: before.bootId } };
  await expect(agent.act(stale, ["true"])).rejects.toBeInstanceOf(Fenced);
}, 600_000);

test("a reboot from inside is another boot, too", async () => {
  const agent = await hosts.agent("R2");
  const { bootId } = await agent.identity();
  const fence = { token: 10, bootIds: { R2: bootId } };
  await agent.act(fence, ["sh", "-c", "(sleep 1; echo b >/proc/sysrq-trigger) >/dev/null 2>&1 &"]);
  await expect
    .poll(() => labStatus(state).hosts.R2?.bootId, { timeout: 300_000, interval: 500 })
    .not.toBe(bootId);
  await r2Up();
  await hosts.close();
  hosts = openHosts(testbed);
  expect((await (await hosts.agent("R2")).identity()).bootId).not.toBe(bootId);
}, 600_000);
