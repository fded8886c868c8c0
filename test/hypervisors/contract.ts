/** What every driver must do, whatever its platform: run on the lab, against real hosts and guests. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drivers } from "../../hypervisors/drivers.ts";
import {
  commandsGuest,
  hasConsole,
  migrates,
  pauses,
  type Hypervisor,
  type MigrationOrder,
} from "../../hypervisors/hypervisor.ts";
import { labDown } from "../../lab/lab.ts";
import type { GuestSpec } from "../../model/guest.ts";
import type { LabFile } from "../../model/testbed-file.ts";
import { platforms } from "../../model/platforms.ts";
import { hostNames, type Testbed } from "../../model/testbed.ts";
import type { Fence, Hosts } from "../../remote/agent.ts";
import { Fenced } from "../../remote/shell.ts";
import { openHosts } from "../../remote/hosts.ts";
import { labFile, testState, upLab } from "../lab/own-lab.ts";
import { onSoundGuest } from "./emulated-guest-defects.ts";

const echo = readFileSync(join(import.meta.dirname, "echo.py"), "utf8");

interface Ground {
  /** Of R1 and R2; undefined: namespaces. */
  readonly machines: LabFile["machines"];
  /** How much longer everything takes there. */
  readonly patience: number;
  /** Bandwidth at which no pre-copy ends within its test. */
  readonly crawlMbps: number;
}

const onNamespaces: Ground = { machines: undefined, patience: 1, crawlMbps: 2 };

export const contract = (platform: string, ground: Ground = onNamespaces): void => {
  const state = testState(`contract-${platform}`);
  let testbed: Testbed;
  let hosts: Hosts;
  let driver: Hypervisor;
  let guest: GuestSpec;
  let fence: Fence;

  /** Echoes over two segments, through the router: it forwards or it does not. */
  const forwards = async () => {
    const agent = await hosts.agent("A");
    const argv = ["python3", "-I", "-c", echo, "198.18.2.10", "3"];
    return (await agent.read(argv)).exitCode === 0;
  };

  beforeAll(async () => {
    const { machines } = ground;
    testbed = await upLab(state, { ...labFile, platforms: [platform], machines });
    hosts = openHosts(testbed);
    const identities = await Promise.all(
      hostNames.map(async (name) => (await hosts.agent(name)).identity()),
    );
    fence = {
      token: 1,
      bootIds: Object.fromEntries(identities.map(({ host, bootId }) => [host, bootId])),
    };
    driver = drivers(testbed, hosts)[platform]!;
    guest = {
      name: `router-${platform}`,
      image: "router",
      memoryMib: 256,
      vcpus: 1,
      routing: "kernel",
      nics: testbed.router.nics.map((nic) => ({ ...nic, bridge: `br-${nic.segment}` })),
    };
  }, 240_000 * ground.patience);
  afterAll(async () => {
    await hosts?.close();
    await labDown(state);
  });

  describe(`the driver of ${platform}`, { timeout: 120_000 * ground.patience }, () => {
    test("declares what the plan was told of it", () => {
      expect({
        bootProfile: driver.bootProfile,
        liveMigration: driver.capabilities.liveMigration,
      }).toEqual({
        bootProfile: platforms[platform]?.bootProfile,
        liveMigration: platforms[platform]?.liveMigration,
      });
      expect(driver.name).toBe(platform);
    });

    test("answers absent on both hosts before anything was created", async () => {
      expect(await driver.inspect("R1", guest)).toBe("absent");
      expect(await driver.inspect("R2", guest)).toBe("absent");
    });

    test("destroys what is not there without a word", async () => {
      await driver.destroy(fence, "R1", guest);
      expect(await driver.inspect("R1", guest)).toBe("absent");
    });

    test("refuses a routing daemon it does not have, by name", async () => {
      await expect(driver.create(fence, "R1", { ...guest, routing: "bird" })).rejects.toThrow(
        /routing bird; known: kernel/,
      );
      expect(await driver.inspect("R1", guest)).toBe("absent");
    });

    test("creates a router that forwards between segments when create returns", async () => {
      await driver.create(fence, "R1", guest);
      expect(await driver.inspect("R1", guest)).toBe("running");
      expect(await driver.inspect("R2", guest)).toBe("absent");
      expect(await forwards()).toBe(true);
    });

    test("creates nothing new where the guest runs already", async () => {
      const before = await driver.describe("R1", guest);
      await driver.create(fence, "R1", guest);
      expect(await driver.describe("R1", guest)).toEqual(before);
    });

    test("reads its settings back", async () => {
      const settings = await driver.describe("R1", guest);
      expect(settings).toMatchObject({
        platform,
        hostKernel: expect.stringMatching(/^\d+\./) as unknown,
      });
      expect(JSON.stringify(settings)).toContain('"mtuBytes":1500');
    });

    test("counts frames at every point of the path that it declares", async () => {
      const path = driver.path("R1", guest);
      const count = async () => {
        const { interfaces } = await (await hosts.agent("R1")).counters();
        const inside = commandsGuest(driver)
          ? await driver.inGuest("R1", guest, ["cat", "/proc/net/dev"])
          : "";
        return path.points.map(({ host, device, counter }) => {
          if (host !== "guest") return interfaces[device]?.[counter] ?? Number.NaN;
          const line = inside.split("\n").find((one) => one.trim().startsWith(`${device}:`));
          const fields = line?.split(":")[1]?.trim().split(/\s+/) ?? [];
          return Number(fields[counter === "rxFrames" ? 1 : 9]);
        });
      };
      const before = await count();
      expect(await forwards()).toBe(true);
      const after = await count();
      const grown = after.map((frames, index) => frames - (before[index] ?? Number.NaN));
      for (const frames of grown) expect(frames).toBeGreaterThanOrEqual(3);
    });

    test("obeys no caller with an older token", async () => {
      const newer = { ...fence, token: fence.token + 1 };
      await (await hosts.agent("R1")).raise(newer);
      await expect(driver.destroy(fence, "R1", guest)).rejects.toBeInstanceOf(Fenced);
      expect(await driver.inspect("R1", guest)).toBe("running");
      fence = newer;
    });

    test("pauses and resumes, where it declares that", async () => {
      if (!pauses(driver)) return expect(driver.capabilities.pause).toBe(false);
      await driver.pause(fence, "R1", guest);
      expect(await driver.inspect("R1", guest)).toBe("paused");
      expect(await forwards()).toBe(false);
      await driver.resume(fence, "R1", guest);
      expect(await driver.inspect("R1", guest)).toBe("running");
      expect(await forwards()).toBe(true);
    });

    test("shows the guest's console, where it declares one", async () => {
      if (!hasConsole(driver)) return expect(driver.capabilities.console).toBe(false);
      expect(await driver.consoleTail("R1", guest, 3)).toMatch(/^hb \d+/m);
    });

    const orderOf = (source: string, destination: string, n: number): MigrationOrder => ({
      unit: `contract.${platform}.${n}`,
      guest,
      source,
      destination,
      deadlineMs: 60_000 * ground.patience,
    });

    test(
      "migrates there and back with no rebuild between, where it declares that",
      async () => {
        if (!migrates(driver)) return expect(driver.capabilities.liveMigration).toBe(false);
        const moving = driver;
        /** `unit`: a number that no order had before. */
        const moves = async (source: string, destination: string, unit: number) => {
          const order = orderOf(source, destination, unit);
          await moving.prepareMigration(fence, order);
          expect(await moving.inspect(destination, guest)).toBe("incoming");
          let seen = 0;
          const report = await moving.migrate(fence, order, () => seen++);
          expect(report).toMatchObject({ status: "completed", source, destination });
          expect(report.totalTimeMs).toBeGreaterThan(0);
          // Not every platform tells one; the traffic does, anyway.
          if (report.downtimeMs !== null) expect(report.downtimeMs).toBeGreaterThanOrEqual(0);
          expect(report.transferredBytes).toBeGreaterThan(1e6);
          expect(seen).toBeGreaterThan(0);
          const at = (host: string, name: string) =>
            report.phases.find((phase) => phase.host === host && phase.name === name)?.atUs ?? NaN;
          expect(at(destination, "destination running")).toBeGreaterThan(report.commandUs);
          expect(at(source, "source stopped")).toBeGreaterThan(report.commandUs);
          // QEMU is left there, stopped; Xen removes what has left.
          expect(["stopped", "absent"]).toContain(await moving.inspect(source, guest));
          expect(await moving.inspect(destination, guest)).toBe("running");
          expect(await moving.report(order)).toEqual(report);
          await moving.release(fence, order);
          expect(await moving.inspect(source, guest)).toBe("absent");
          expect(await forwards()).toBe(true);
        };
        const tail = (host: string) =>
          hasConsole(moving) ? moving.consoleTail(host, guest, 500) : Promise.resolve("");
        await onSoundGuest(
          async (round) => {
            if (round === 2) {
              for (const host of ["R1", "R2"]) await moving.destroy(fence, host, guest);
              await moving.create(fence, "R1", guest);
            }
            await moves("R1", "R2", 10 * round + 1);
            await moves("R2", "R1", 10 * round + 2);
          },
          async () => [await tail("R1"), await tail("R2")].join("\n"),
        );
      },
      240_000 * ground.patience,
    );

    test("releases no source that still runs", async () => {
      if (!migrates(driver)) return expect(driver.capabilities.liveMigration).toBe(false);
      await expect(driver.release(fence, orderOf("R1", "R2", 3))).rejects.toThrow(/is running/);
    });

    test("aborts a migration under way and the source goes on", async () => {
      if (!migrates(driver)) return expect(driver.capabilities.liveMigration).toBe(false);
      const order = orderOf("R1", "R2", 4);
      // No end of pre-copy within the test: the destination takes the state in at a crawl.
      const r1 = await hosts.agent("R1");
      const crawl = `tc qdisc replace dev eth-m root tbf rate ${ground.crawlMbps}mbit burst 16kb limit 64kb`;
      await r1.act(fence, crawl.split(" "));
      await driver.prepareMigration(fence, order);
      let moving: () => void;
      const underWay = new Promise<void>((resolve) => (moving = resolve));
      const ended = driver.migrate(fence, order, () => moving());
      await underWay;
      await driver.abort(fence, order);
      expect(await ended).toMatchObject({ status: "cancelled" });
      expect(await driver.inspect("R1", guest)).toBe("running");
      await driver.destroy(fence, "R2", guest);
      expect(await driver.inspect("R2", guest)).toBe("absent");
      expect(await forwards()).toBe(true);
    });

    test("cancels a migration itself at its deadline, with nobody following", async () => {
      if (!migrates(driver)) return expect(driver.capabilities.liveMigration).toBe(false);
      const order = { ...orderOf("R1", "R2", 5), deadlineMs: 500 };
      await driver.prepareMigration(fence, order);
      const report = await driver.migrate(fence, order, () => undefined);
      expect(report).toMatchObject({
        status: "cancelled",
        reason: "not completed within 500 ms",
      });
      expect(await driver.inspect("R1", guest)).toBe("running");
      await driver.destroy(fence, "R2", guest);
    });

    test("destroys the guest, and neither process nor interface is left", async () => {
      await driver.destroy(fence, "R1", guest);
      expect(await driver.inspect("R1", guest)).toBe("absent");
      expect(await forwards()).toBe(false);
      const agent = await hosts.agent("R1");
      const links = await agent.read(["ip", "-br", "link"]);
      expect(links.stdout).not.toMatch(/^(tap|vif)-/m);
      const processes = await agent.read(["ps", "-eo", "args"]);
      expect(processes.stdout).not.toMatch(/qemu-system|xl migrate|libxl-save-helper/);
    });
  });
};
