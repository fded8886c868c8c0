/** A disk that is full to its last block: nothing that was measured is lost. The state folder has a file system of its own. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll } from "vitest";
import type { FaultCase } from "./fault-cases.ts";
import { faultSuite } from "./faults-suite.ts";

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
