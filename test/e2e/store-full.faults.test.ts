/** A disk that is full to its last block: nothing that was measured is lost. The state folder has a file system of its own. */
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { markedProcesses } from "../../bench/marked-processes.ts";
import type { ServicesStatus } from "../../services/services-status.ts";
import type { FaultCase } from "./fault-cases.ts";
import { faultSuite } from "./faults-suite.ts";
import { ownBench } from "./own-bench.ts";

const name = "e2e-faults-store";
const folder = join(import.meta.dirname, "../../.longhaul/test", name);
let mounted = false;
beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  await execa("mount", ["-t", "tmpfs", "-o", "size=768m", "longhaul-test", folder]);
  mounted = true;
});
afterAll(async () => {
  if (mounted) await execa("umount", [folder]);
}, 30_000);

const full: FaultCase = {
  what: "store's disk full for 8 s",
  fault: { fault: "store-full", when: "load", afterMs: 500, forMs: 8000 },
  comesTo: "completed",
  rung: null,
};

faultSuite(name, {
  forwarding: [full],
  migration: [{ ...full, fault: { ...full.fault, when: "migrating" } }],
});

/** Leaves no byte. @returns how room is made again. */
function fill(): () => void {
  const ballast = join(folder, "ballast");
  const descriptor = openSync(ballast, "w");
  try {
    for (const size of [1 << 20, 4096, 1])
      for (let full = false; !full;) {
        try {
          writeSync(descriptor, Buffer.alloc(size));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
          full = true;
        }
      }
  } finally {
    closeSync(descriptor);
  }
  return () => rmSync(ballast);
}

test("what dies while the disk is full is started again, then and when there is room, by the same supervisor", async () => {
  const bench = ownBench(name);
  const services = async () => (await bench.json<{ services: ServicesStatus }>("status")).services;
  const workers = () =>
    markedProcesses(bench.state)
      .filter(({ commandLine }) => commandLine.includes("workers/main.ts"))
      .map(({ pid }) => pid);
  expect((await bench.longhaul("up")).exitCode).toBe(0);
  const supervisor = bench.pidOf("supervisor");
  const makeRoom = fill();
  try {
    for (const service of ["worker", "postgres"] as const) {
      const before = workers();
      process.kill(bench.pidOf(service), "SIGKILL");
      if (service === "worker")
        await expect
          .poll(() => workers().some((pid) => !before.includes(pid)), { timeout: 60_000 })
          .toBe(true);
    }
  } finally {
    makeRoom();
  }
  await expect.poll(async () => (await services()).ready, { timeout: 90_000 }).toBe(true);
  expect(bench.pidOf("supervisor")).toBe(supervisor);
}, 200_000);
