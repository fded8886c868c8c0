/** The paper's failure, on demand: the migration link is cut in mid-transfer, and xl hangs without a word. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { xen, type XenHypervisor } from "../../hypervisors/xen.ts";
import type { MigrationOrder } from "../../hypervisors/hypervisor.ts";
import { clearFaults, makeFault } from "../../lab/faults/faults.ts";
import { labDown } from "../../lab/lab.ts";
import type { GuestSpec } from "../../model/guest.ts";
import type { Fence, Hosts } from "../../remote/agent.ts";
import { openHosts } from "../../remote/hosts.ts";
import { labFile, testState, upLab } from "../lab/own-lab.ts";

const state = testState("xen-hang");
const minutes = 60_000;
let hosts: Hosts;
let driver: XenHypervisor;
let guest: GuestSpec;
let fence: Fence;

const orderOf = (source: string, destination: string, n: number): MigrationOrder => ({
  ...{ unit: `hang.${n}`, guest, source, destination },
  deadlineMs: 15 * minutes,
});

beforeAll(async () => {
  const testbed = await upLab(state, {
    ...labFile,
    migrationRateMbpsL1: 50,
    platforms: ["xen-pvh"],
    machines: { bootProfile: "xen" },
  });
  hosts = openHosts(testbed);
  const routers = await Promise.all(
    ["R1", "R2"].map(async (name) => (await hosts.agent(name)).identity()),
  );
  const bootIds = Object.fromEntries(routers.map(({ host, bootId }) => [host, bootId]));
  fence = { token: 1, bootIds };
  driver = xen(testbed, hosts);
  guest = {
    ...{ name: "router-xen-pvh", image: "router", memoryMib: 256, vcpus: 1, routing: "kernel" },
    nics: testbed.router.nics.map((nic) => ({ ...nic, bridge: `br-${nic.segment}` })),
  };
  await driver.create(fence, "R1", guest);
}, 20 * minutes);
afterAll(async () => {
  await hosts?.close();
  await labDown(state);
});

test(
  "a migration whose link is cut in mid-transfer hangs, is aborted, cleared away on both hosts, and succeeds next time",
  async () => {
    const order = orderOf("R1", "R2", 1);
    await driver.prepareMigration(fence, order);
    let transferred = 0;
    const ended = driver.migrate(fence, order, (seen) => {
      transferred = seen.transferredBytes ?? 0;
    });
    await expect.poll(() => transferred, { timeout: 5 * minutes }).toBeGreaterThan(20e6);
    await makeFault(state, {
      ...{ fault: "link-cut", host: null, forMs: null },
      ...{ link: "migration", mbps: null, lossRatio: null, mib: null },
    });
    // What was under way is acknowledged; from then on nothing is.
    await delay(3_000);
    const stood = transferred;
    await delay(15_000);
    expect(transferred).toBe(stood);
    expect(await driver.inspect("R1", guest)).toBe("running");
    expect(await driver.inspect("R2", guest)).toBe("incoming");
    expect((await driver.glance("R1", guest, minutes)).progress?.transferredBytes).toBe(stood);

    await driver.abort(fence, order);
    const report = await ended;
    expect(report).toMatchObject({ status: "cancelled", reason: "asked to stop" });
    expect(await driver.inspect("R1", guest)).toBe("running");
    // The destination heard nothing of it: its xl waits for more, behind the cut link.
    expect(await driver.inspect("R2", guest)).toBe("incoming");
    await driver.destroy(fence, "R2", guest);
    expect(await driver.inspect("R2", guest)).toBe("absent");
    const { stdout } = await (await hosts.agent("R2")).read(["ps", "-eo", "args"]);
    expect(stdout).not.toMatch(/xl migrate-receive|libxl-save-helper/);

    await clearFaults(state);
    const again = orderOf("R1", "R2", 2);
    await driver.prepareMigration(fence, again);
    expect(await driver.migrate(fence, again, () => undefined)).toMatchObject({
      status: "completed",
    });
    expect(await driver.inspect("R2", guest)).toBe("running");
    expect(await driver.inspect("R1", guest)).toBe("absent");
  },
  25 * minutes,
);
