/** The lab's power as any testbed's: by the command `longhaul lab power`, through the power interface. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { labDown, labPower, labStatus } from "../../lab/lab.ts";
import { commandPower } from "../../power/command.ts";
import { bareFile, testState, upLab } from "../lab/own-lab.ts";

const state = testState("power-command");
const longhaul = join(import.meta.dirname, "../../bin/longhaul");
const power = commandPower((host) => [longhaul, "--state", state.path, "lab", "power", host]);

beforeAll(async () => {
  await labDown(state);
  await upLab(state, bareFile);
});
afterAll(() => labDown(state));

test("longhaul lab power switches a host off and on, reads back, and a cycle is another boot", async () => {
  const before = labStatus(state).hosts.R2?.bootId;
  expect(await power.state("R2")).toBe("on");
  await power.off("R2");
  expect(await labPower(state).state("R2")).toBe("off");
  await power.cycle("R2");
  expect(await power.state("R2")).toBe("on");
  const after = labStatus(state).hosts.R2?.bootId;
  expect(after).toMatch(/^[0-9a-f-]{36}$/);
  expect(after).not.toBe(before);
});

test("a host that the lab does not have is refused by the command, with the known ones", async () => {
  await expect(power.state("R3")).rejects.toThrow(/exited 2\nstderr:\n.*R3.*A, B, C, D, R1, R2/);
});
