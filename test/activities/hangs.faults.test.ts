import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MigrationMeasurement } from "../../model/measurement.ts";
import { openHangLab } from "./hang-lab.ts";

/** The kernel of a destination that stands still takes in frames for some seconds more: growth, as anyone would judge. */
const windowMs = 10_000;

let lab: Awaited<ReturnType<typeof openHangLab>>;
beforeAll(async () => {
  lab = await openHangLab("hang-faults", windowMs);
}, 240_000);
afterAll(() => lab.close(), 60_000);

describe("a migration under a fault", () => {
  test("whose source stands still is api-hung by one question's deadline", async () => {
    const { verdict, measurement } = await lab.migration((make) =>
      make("qemu-stop", { host: "R1" }),
    );
    expect(verdict).toEqual({ verdict: "valid", outcome: "api-hung" });
    const { watch } = measurement as MigrationMeasurement;
    expect(watch).toMatchObject({ verdict: "api-hung", boundMs: 6000 });
    expect(watch?.detectionTimeMs).toBeLessThan(6000 + 1500);
    expect(watch?.abort).not.toBe("done");
  }, 240_000);

  test("whose destination stands still is stalled, and nobody guesses what that one holds", async () => {
    const { verdict, location, measurement } = await lab.migration((make) =>
      make("qemu-stop", { host: "R2" }),
    );
    expect(verdict).toEqual({ verdict: "valid", outcome: "stalled" });
    expect((measurement as MigrationMeasurement).watch?.abort).toBe("done");
    expect(location).toBe("unknown");
    expect(await lab.routerAt("R1")).toBe("running");
  }, 240_000);

  test("whose source is killed has crashed", async () => {
    const { verdict, location } = await lab.migration((make) => make("qemu-kill", { host: "R1" }));
    expect(verdict).toEqual({ verdict: "valid", outcome: "crashed" });
    expect(location).toBe("neither");
  }, 240_000);

  test("whose destination is killed has failed, and its source runs on", async () => {
    const { verdict, location } = await lab.migration((make) => make("qemu-kill", { host: "R2" }));
    expect(verdict).toEqual({ verdict: "valid", outcome: "failed-resumed" });
    expect(location).toBe("source");
  }, 240_000);

  test("whose guest writes its memory faster than the link never converges", async () => {
    const { verdict, measurement } = await lab.migration(async (make) => {
      await make("link-slow", { link: "migration", mbps: 5 });
      await make("guest-dirty");
    });
    expect(verdict).toEqual({ verdict: "valid", outcome: "not-converged" });
    expect((measurement as MigrationMeasurement).watch).toMatchObject({
      verdict: "not-converging",
      abort: "done",
    });
  }, 300_000);
});

describe("a router under a fault", () => {
  test.each([
    ["guest-panic", "crashed"],
    ["guest-spin", "locked-up"],
    ["qemu-stop", "locked-up"],
    ["guest-reboot", "silently-rebooted"],
  ] as const)(
    "%s is found %s",
    async (fault, outcome) => {
      const { verdict, row } = await lab.forwarding((make) => make(fault));
      expect({ ...verdict, doubts: row?.doubts }).toMatchObject({ verdict: "valid", outcome });
    },
    240_000,
  );
});
