/** What `down` forgets, and what it leaves wanted, when no supervisor lives: after a reboot, or given twice. */
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { commands } from "../../cli/commands.ts";
import { runProgram } from "../../cli/program.ts";
import { withStore } from "../../cli/store-access.ts";
import { postgresPassword } from "../../services/postgres-password.ts";
import { preparePostgres, runningPostgres } from "../../services/postgres.ts";
import { stateFolder } from "../../services/state-folder.ts";
import type { StateFolder } from "../../services/state-folder.ts";
import { setWanted, wanted } from "../../services/wanted.ts";
import { planted } from "../store/sample-plan.ts";

let folder = "";
let state: StateFolder;
let said = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "longhaul-down-"));
  state = stateFolder(folder, {});
  const password = postgresPassword(state);
  await preparePostgres({ dataFolder: state.postgres, port: 0, password });
  await withStore(state, async (store) => {
    await planted(store, "friday", { trialCount: 2 });
    await store.setCampaignState("friday", "running");
  });
});
beforeEach(() => {
  said = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => Boolean((said += String(text))));
  setWanted(state, { services: true, lab: "/x/lab.yaml", calibration: true });
});
afterAll(async () => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  await rm(folder, { recursive: true });
});
const down = () => runProgram(["--state", folder, "down"], commands);

test("a lab on which a campaign measures stays wanted, however often down is given", async () => {
  for (const when of ["after a reboot", "again"]) {
    expect(await down(), when).toBe(0);
    expect(said).toContain("campaign friday is not at its end");
    expect(wanted(state)).toEqual({ services: false, lab: "/x/lab.yaml", calibration: true });
  }
  expect(await runningPostgres(state.postgres)).toBeNull();
});

test("a lab that no campaign needs any more is forgotten", async () => {
  await withStore(state, (store) => store.cancelCampaign("friday", "a person"));
  expect(await down()).toBe(0);
  expect(wanted(state)).toEqual({ services: false, lab: null, calibration: false });
});

test("where the store cannot say, the lab stays wanted, and down says so", async () => {
  writeFileSync(join(state.postgres, "PG_VERSION"), "15\n");
  expect(await down()).toBe(0);
  expect(said).toMatch(/cannot be read, so `longhaul .*up` will bring the lab back/);
  expect(wanted(state)).toMatchObject({ services: false, lab: "/x/lab.yaml" });
});
