import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { guestStateOf, parseVcpuTimes, parseXlList } from "../../hypervisors/xen-list.ts";
import { outcomeOfXl } from "../../hypervisors/xen-outcome.ts";

const recording = (name: string) =>
  readFileSync(join(import.meta.dirname, "../transcripts/xen-4.17", `${name}.txt`), "utf8");

/** Composed from the printf of xl_info.c, for states that no recording shows. */
const listing = (name: string, flags: string) =>
  `Name                                        ID   Mem VCPUs\tState\tTime(s)\n` +
  `Domain-0                                     0  1280     1     r-----      98.2\n` +
  `${name.padEnd(40)}     7   256     1     ${flags}       7.9\n`;

describe("xl list", () => {
  test.each([
    ["xl-list", "running"],
    ["hang-source-95s", "running"],
    ["hang-destination-60s", "incoming"],
    ["hang-sigterm-helper-source", "running"],
  ] as const)("as recorded in %s shows the router %s", (name, state) => {
    expect(guestStateOf(parseXlList(recording(name)), "router", false)).toBe(state);
  });

  test("reads every column of a recorded row", () => {
    expect(parseXlList(recording("xl-list"))).toEqual([
      { name: "Domain-0", domid: 0, memoryMib: 1280, vcpus: 1, flags: "r-----", cpuTimeS: 49.9 },
      { name: "router", domid: 1, memoryMib: 256, vcpus: 1, flags: "-b----", cpuTimeS: 14.1 },
    ]);
  });

  test.each([
    ["on a CPU", "r-----", "running"],
    ["waiting for work", "-b----", "running"],
    ["between two turns on a CPU", "------", "running"],
    ["paused", "--p---", "paused"],
    ["suspended in the last pass of a migration, and resumed if that fails", "---ss-", "paused"],
    ["crashed", "---sc-", "stopped"],
    ["rebooted with on_reboot preserve", "---sr-", "stopped"],
    ["ended by its watchdog", "---sw-", "stopped"],
    ["powered off", "---s--", "stopped"],
    ["dying", "--p--d", "stopped"],
  ] as const)("a guest that is %s is told so", (_what, flags, state) => {
    expect(guestStateOf(parseXlList(listing("router", flags)), "router", false)).toBe(state);
  });

  test.each([
    ["router--incoming", "--p---", "incoming"],
    ["router--migratedaway", "---ss-", "stopped"],
    ["router-of-another", "-b----", "absent"],
    ["(null)", "--p--d", "absent"],
  ] as const)("a domain called %s means that the router is %s", (name, flags, state) => {
    expect(guestStateOf(parseXlList(listing(name, flags)), "router", false)).toBe(state);
  });

  test("a host that waits for the guest to arrive says incoming before a domain is there", () => {
    expect(guestStateOf(parseXlList(recording("xl-list")), "other", true)).toBe("incoming");
  });

  test("any line that is no row is no domain", () => {
    fc.assert(
      fc.property(fc.string(), (line) => {
        fc.pre(!/\s\d+\s+\d+\s+\d+\s/.test(line));
        expect(parseXlList(line)).toEqual([]);
      }),
    );
  });

  test("xl vcpu-list tells the guest's CPU time, and nothing of a guest that is not there", () => {
    expect(parseVcpuTimes(recording("xl-vcpu-list"), "router")).toEqual([14.3]);
    expect(parseVcpuTimes(recording("xl-vcpu-list"), "other")).toBeNull();
  });
});

describe("the end of xl migrate", () => {
  const end = (stderr: string, exitCode: number | null = 1, ended: string | null = null) =>
    outcomeOfXl({ stderr, exitCode, ended });

  test("as recorded is completed", () => {
    expect(end(recording("migrate-success-stderr"), 0)).toEqual({
      status: "completed",
      reason: null,
    });
  });

  test("after the save helper was ended on purpose is cancelled, as the unit's reason says", () => {
    const reason = "not completed within 60000 ms";
    expect(end(recording("hang-sigterm-helper-source"), 1, reason)).toEqual({
      status: "cancelled",
      reason,
    });
  });

  test("after the save helper was ended on purpose is cancelled over Longhaul's own transport, too", () => {
    expect(end(recording("abort-tcp-source-stderr"), 1, "asked to stop")).toEqual({
      status: "cancelled",
      reason: "asked to stop",
    });
  });

  test("of a PV guest without shadow paging says what Xen lacks", () => {
    const { status, reason } = end(recording("migrate-pv-no-logdirty-stderr"));
    expect(status).toBe("failed");
    expect(reason).toContain("`hap` in `xl info`");
    expect(reason).toContain("Failed to enable logdirty: 95,22,0");
  });

  // Strings of tools/xl/xl_migrate.c, 4.17, for which no recording can be had at will.
  test.each([
    [
      "failed_suspend: the guest ignored the request",
      "migration sender: libxl_domain_suspend failed (rc=-8)\nMigration failed, failed to suspend at sender.\n",
      "failed",
      /may have locked up/,
    ],
    [
      "failed_resume: resumed at home, unseen",
      "migration sender: libxl_domain_suspend failed (rc=-3)\nMigration failed, resuming at sender.\n",
      "failed",
      /without a look/,
    ],
    [
      "a link that was cut before the destination was ready (seen)",
      "libxl: error: libxl_utils.c:505:libxl_read_exactly: file/stream truncated reading banner from migration receiver stream\n",
      "failed",
      /not reached.*truncated reading banner/,
    ],
    [
      "the destination's own failure",
      "migration sender: Target reports startup failure (status code 3).\nmigration sender: Trying to resume at our end.\nResumed OK.\nMigration failed due to problems at target.\n",
      "failed",
      /goes on at the source/,
    ],
    [
      "the lost handshake",
      "** Migration failed during final handshake **\nDomain state is now undefined !\nPlease CHECK AT BOTH ENDS for running instances, before renaming and\n resuming at most one instance.  Two simultaneous instances of the domain\n would probably result in SEVERE DATA LOSS and it is now your\n responsibility to avoid that.  Sorry.\n",
      "unknown",
      /both hosts must be asked/,
    ],
  ] as const)("%s", (_what, stderr, status, reason) => {
    const told = end(stderr);
    expect(told.status).toBe(status);
    expect(told.reason).toMatch(reason);
  });

  test("the lost handshake stays unknown, also when the unit ended it", () => {
    const stderr = "Domain state is now undefined !\n";
    expect(end(stderr, 1, "asked to stop").status).toBe("unknown");
  });

  test("an abort that came too late to stop anything is the completed migration that it is", () => {
    expect(end(recording("migrate-success-stderr"), 0, "asked to stop").status).toBe("completed");
  });

  test("xl that was killed, or is silent, leaves the guest's place unknown", () => {
    expect(end("", null)).toEqual({ status: "unknown", reason: "xl was killed" });
    expect(end("", 1).reason).toBe("xl exited 1 without a word of the guest");
    expect(end("", null, "asked to stop").status).toBe("unknown");
  });

  test("exit 0 without xl's own word of success is not taken for it", () => {
    expect(end("", 0).status).toBe("unknown");
  });
});
