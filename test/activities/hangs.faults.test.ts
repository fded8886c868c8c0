import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ForwardingMeasurement, MigrationMeasurement } from "../../model/measurement.ts";
import { openHangLab } from "./hang-lab.ts";

let lab: Awaited<ReturnType<typeof openHangLab>>;
beforeAll(async () => {
  lab = await openHangLab("hangs");
}, 240_000);
afterAll(() => lab.close(), 60_000);

describe("a real hang", () => {
  test("a migration whose link is cut is found stalled within its bound, and its source runs on", async () => {
    const { verdict, location, row, measurement, evidence } = await lab.migration((make) =>
      make("link-cut", { link: "migration" }),
    );
    expect(verdict).toEqual({ verdict: "valid", outcome: "stalled" });
    expect(location).toBe("source");
    const { watch, migration } = measurement as MigrationMeasurement;
    expect(watch).toMatchObject({ verdict: "stalled", abort: "done", boundMs: 6000 });
    expect(migration.status).toBe("cancelled");
    expect(row?.results.detectionBoundMs).toBe(6000);
    expect(row?.results.detectionTimeMs).toBeGreaterThanOrEqual(5000);
    // One interval beyond the window, and what a look takes on a busy machine.
    expect(row?.results.detectionTimeMs).toBeLessThan(6000 + 1500);
    expect(evidence.map(({ host }) => host).sort()).toEqual(["R1", "R1", "R2", "R2"]);
    const source = evidence.find(({ host }) => host === "R1")?.content;
    expect(source).toMatchObject({
      verdict: "stalled",
      monitor: { queryMigrate: { status: "active" }, queryStatus: { status: "running" } },
    });
    expect(JSON.stringify(source?.threads)).toMatch(/CPU 0\/(TCG|KVM)/);
  }, 180_000);

  test("a router whose QEMU is killed under load has crashed, and its trial is valid", async () => {
    const { verdict, row, measurement } = await lab.forwarding((make) => make("qemu-kill"));
    expect(verdict).toEqual({ verdict: "valid", outcome: "crashed" });
    const { router } = measurement as ForwardingMeasurement;
    expect(router).toMatchObject({ host: "R1", state: "stopped", forwarding: "silent" });
    expect(row?.results.lossRatio).toBeGreaterThan(0.2);
  }, 180_000);

  test("a router that answers ping and forwards nothing is locked up", async () => {
    const { verdict, row, measurement, evidence } = await lab.forwarding((make) =>
      make("guest-blackhole"),
    );
    expect(verdict).toEqual({ verdict: "valid", outcome: "locked-up" });
    const { router } = measurement as ForwardingMeasurement;
    expect(router).toMatchObject({
      ...{ ping: "answers", arp: "answers", heartbeat: "answers", forwarding: "silent" },
      guestCommand: "forwards-nothing",
    });
    expect(row?.doubts.join()).toContain("it takes frames in and forwards none");
    expect(evidence).toHaveLength(2);
  }, 180_000);

  test("a router dead on the load's egress NIC alone is locked up, though the side flow lives", async () => {
    const { verdict, row, measurement } = await lab.forwarding((make) => make("guest-nic-down"));
    expect(verdict).toEqual({ verdict: "valid", outcome: "locked-up" });
    const { router, rtt } = measurement as ForwardingMeasurement;
    expect(router).toMatchObject({ forwarding: "silent", arp: "silent", arpSilentOn: ["b"] });
    expect(rtt.rttMs.at(-5)).not.toBeNull();
    expect(row?.doubts.join()).toContain("it answers no ARP request on b");
  }, 180_000);
});
