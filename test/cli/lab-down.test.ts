import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runProgram } from "../../cli/program.ts";
import { identityOf } from "../../services/process-identity.ts";
import { writeServices } from "../../services/services-file.ts";
import { stateFolder } from "../../services/state-folder.ts";

let folder = "";
let told = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lab-down-"));
  told = "";
  vi.stubEnv("LONGHAUL_CACHE", join(folder, "cache"));
  vi.stubEnv("LONGHAUL_STATE", folder);
  vi.spyOn(process.stderr, "write").mockImplementation((text) => Boolean((told += String(text))));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
  rmSync(folder, { recursive: true });
});

/** Services that run, as their record tells, with a store. */
function services() {
  const state = stateFolder(folder);
  const service = { process: null, since: "", restarts: 0, lastEnd: null } as const;
  const stopped = { ...service, state: "stopped" } as const;
  writeServices(state, {
    supervisor: identityOf(process.pid),
    ports: { postgres: 1 },
    external: { temporal: null, postgres: null },
    services: { temporal: stopped, postgres: stopped, worker: stopped },
  });
  mkdirSync(state.postgres);
  writeFileSync(join(state.postgres, "PG_VERSION"), "18");
  mkdirSync(state.lab);
  writeFileSync(join(state.lab, "lab.json"), JSON.stringify({ status: "starting", hosts: {} }));
  return state;
}

test.each([["down"], ["clean"]])(
  "lab %s is not hindered by a setting of Temporal that cannot be used, and says what it does not know",
  async (verb) => {
    const { lab } = services();
    vi.stubEnv("TEMPORAL_PROFILE", "nowhere");
    expect(await runProgram(["--state", folder, "lab", verb])).toBe(0);
    expect(told).toMatch(/whether a campaign is measuring cannot be read: TEMPORAL_\*: .*nowhere/);
    expect(told).toContain("nothing of the lab");
    expect(existsSync(lab)).toBe(false);
  },
);
