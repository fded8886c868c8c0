import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { activeFaults, clearFaults } from "../../lab/faults/faults.ts";
import { askGuest, qemuAt, qemusOf, tellGuest } from "../../lab/faults/qemu.ts";
import { threadStates } from "../../lab/faults/stop.ts";
import { isAlive, processesMarked, until } from "../../lab/processes.ts";
import { labMark } from "../../lab/namespace-host.ts";
import { cpuMs } from "./cpu-time.ts";
import { upFaultLab, type FaultLab } from "./fault-lab.ts";

let lab: FaultLab;
beforeAll(async () => {
  lab = await upFaultLab("guest-faults");
});
afterAll(() => lab.close());
beforeEach(() => lab.freshGuest(), 120_000);

const qemu = () => qemuAt(lab.lab(), "R1");
const consoleText = () => lab.driver.consoleTail("R1", lab.guest, 400);
const uptime = async () => Number((await askGuest(await qemu(), "cat /proc/uptime")).split(" ")[0]);
const echo = readFileSync(new URL("../hypervisors/echo.py", import.meta.url), "utf8");
const answers = async (address: string) => {
  const agent = await lab.hosts.agent("A");
  const argv = ["python3", "-I", "-c", echo, address, "3"];
  return (await agent.read(argv, { timeoutMs: 15_000 })).exitCode === 0;
};
const pings = () => answers("198.18.1.1");
/** Through the router, from segment a to segment b and back. */
const forwards = () => answers("198.18.2.10");
const heartbeats = async () => (await consoleText()).match(/^hb /gm)?.length ?? 0;
const wait = (ms: number) => new Promise((wake) => setTimeout(wake, ms));

describe("a guest's fault", () => {
  test("qemu-stop halts every thread, its clearing lets all run", async () => {
    const { pid } = await qemu();
    const made = await lab.make("qemu-stop", { host: "R1" });
    expect(threadStates(pid)).toMatch(/^T+$/);
    expect(activeFaults(lab.state)).toEqual([made]);
    await clearFaults(lab.state);
    expect(threadStates(pid)).not.toContain("T");
    expect(await uptime()).toBeGreaterThan(0);
    expect(activeFaults(lab.state)).toEqual([]);
  });

  test("with a time to last is undone by itself, by a process that ends then", async () => {
    const { pid } = await qemu();
    await lab.make("qemu-stop", { forMs: 1500 });
    expect(threadStates(pid)).toMatch(/^T+$/);
    await until("its end", () => !threadStates(pid).includes("T"), 10_000);
    await until("its record's end", () => activeFaults(lab.state).length === 0, 5_000);
    expect(await uptime()).toBeGreaterThan(0);
  });

  test("qemu-kill ends the process for good and is no active fault", async () => {
    const before = await qemu();
    await lab.make("qemu-kill", { host: "R1" });
    expect(isAlive(before)).toBe(false);
    expect(qemusOf(lab.lab())).toEqual([]);
    expect(activeFaults(lab.state)).toEqual([]);
    await expect(lab.make("qemu-kill")).rejects.toThrow("no guest of this lab runs a QEMU");
  });

  test("guest-panic shows on the console and ends QEMU", async () => {
    const before = await qemu();
    await lab.make("guest-panic");
    await until("QEMU's end", () => !isAlive(before), 20_000);
    expect(await consoleText()).toContain("Kernel panic - not syncing: sysrq triggered crash");
  });

  test("guest-spin pegs the CPU while console, commands and pings fall silent", async () => {
    const { pid } = await qemu();
    expect(await pings()).toBe(true);
    await lab.make("guest-spin");
    await wait(1000);
    const [beats, busyMs] = [await heartbeats(), cpuMs(pid)];
    expect(await pings()).toBe(false);
    await wait(1000);
    expect(await heartbeats()).toBe(beats);
    // A CPU that waits with its interrupts held off would take no time at all.
    await until("300 ms of CPU time", () => cpuMs(pid) - busyMs > 300, 30_000);
    await expect(askGuest(await qemu(), "true", 1_500)).rejects.toThrow("no answer");
  });

  test("guest-blackhole answers pings and forwards nothing, until it is cleared", async () => {
    expect(await forwards()).toBe(true);
    await lab.make("guest-blackhole");
    expect(await pings()).toBe(true);
    expect(await forwards()).toBe(false);
    await clearFaults(lab.state);
    expect(await forwards()).toBe(true);
  });

  test("guest-reboot boots again in the same process, which a reset ends again afterwards", async () => {
    const before = await qemu();
    await wait(2000);
    const uptimeBefore = await uptime();
    await lab.make("guest-reboot");
    const boots = async () => (await consoleText()).match(/^ROUTER-READY/gm)?.length;
    for (const end = Date.now() + 60_000; (await boots()) !== 2 && Date.now() < end;)
      await wait(200);
    expect(await boots()).toBe(2);
    expect(isAlive(before)).toBe(true);
    expect(await uptime()).toBeLessThan(uptimeBefore + 60);
    await tellGuest(before, "echo b >/proc/sysrq-trigger");
    await until("QEMU's end", () => !isAlive(before), 20_000);
  });

  test("monitor-silent leaves the guest running and its monitor without an answer", async () => {
    await lab.make("monitor-silent");
    await expect(lab.driver.inspect("R1", lab.guest)).rejects.toThrow();
    expect(await forwards()).toBe(true);
    await clearFaults(lab.state);
    expect(await lab.driver.inspect("R1", lab.guest)).toBe("running");
  });

  test("guest-dirty keeps a migration over a slow link from converging; it converges when cleared", async () => {
    const fence = await lab.fence();
    const order = {
      unit: "dirty.migration",
      guest: lab.guest,
      source: "R1",
      destination: "R2",
      deadlineMs: 60_000,
    };
    await lab.make("guest-dirty");
    await lab.driver.prepareMigration(fence, order);
    const seen: number[] = [];
    let ended = false;
    const migration = lab.driver.migrate(fence, order, ({ iteration, remainingBytes }) => {
      if ((iteration ?? 0) >= 2 && remainingBytes !== null) seen.push(remainingBytes);
    });
    void migration.then(() => (ended = true));
    await wait(8_000);
    expect(ended).toBe(false);
    expect(seen.length).toBeGreaterThan(10);
    await clearFaults(lab.state);
    expect((await migration).status).toBe("completed");
    expect(await askGuest(await qemuAt(lab.lab(), "R2"), "ls /tmp")).not.toContain("dirty");
  });

  test("leaves nothing behind", async () => {
    const before = processesMarked(labMark(lab.state)).map(({ pid }) => pid);
    await lab.make("monitor-silent", { forMs: 1000 });
    await lab.make("qemu-stop", { forMs: 1000 });
    await until("both ends", () => activeFaults(lab.state).length === 0, 10_000);
    await until(
      "the end of their processes",
      () => processesMarked(labMark(lab.state)).every(({ pid }) => before.includes(pid)),
      10_000,
    );
    expect(await forwards()).toBe(true);
  });
});
