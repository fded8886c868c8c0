/** Commands that meet while a campaign is brought on its way, are interrupted in it, or begin after everything died. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { bareCampaign, ownBench } from "./own-bench.ts";

const bench = ownBench("e2e-bring-up");
const suffix = randomBytes(3).toString("hex");
const campaign = (name: string, trialMs = 3000) =>
  bench.file(`${name}.yaml`, bareCampaign(name, trialMs, [1000, 2000]));
const running = (file: string, ...argv: string[]) =>
  bench.start("run", file, "--testbed", bench.testbedFile, ...argv);

/** A testbed whose calibration takes long enough to be met: every frame size takes seconds. */
const slowToCalibrate = bench.file(
  "slow.yaml",
  readFileSync(bench.testbedFile, "utf8")
    .replace("name: e2e", "name: e2e-slow")
    .replace("[64]", "[64, 512, 1518]"),
);
const calibrating = (file: string) => bench.start("run", file, "--testbed", slowToCalibrate);

afterAll(async () => {
  await bench.longhaul("down");
  expect(bench.left()).toEqual([]);
});

test("two runs of one id at once bring up one lab, calibrate once, and both follow one campaign", async () => {
  const id = `twice-${suffix}`;
  const file = campaign("twice");
  const [one, other] = await Promise.all([running(file, "--id", id), running(file, "--id", id)]);
  expect([one.exitCode, other.exitCode]).toEqual([0, 0]);
  const told = one.stderr + other.stderr;
  expect(told.match(/another command prepares this testbed/g)).toHaveLength(1);
  expect(told.match(/frames\/s without loss/g)).toHaveLength(1);
  expect(await bench.status(id)).toMatchObject({ planned: 2, verdicts: { valid: 2 } });
}, 150_000);

/** Resolves when the lab is up: then its generator is being calibrated. */
const labIsUp = () =>
  expect
    .poll(async () => (await bench.json<{ status: string }>("lab", "status")).status, {
      timeout: 60_000,
    })
    .toBe("up");

test("a calibration that fails is told with what to do, and costs no campaign's id", async () => {
  await bench.longhaul("lab", "down");
  const name = `uncalibrated-${suffix}`;
  const file = campaign(name, 1000);
  const first = calibrating(file);
  await labIsUp();
  expect((await bench.longhaul("lab", "fault", "link-cut", "--link", "a")).exitCode).toBe(0);
  const { exitCode, stderr } = await first;
  expect(stderr).toMatch(/could not be calibrated[^]*give the command again/);
  expect(exitCode).toBe(1);

  expect((await bench.longhaul("lab", "fault", "clear")).exitCode).toBe(0);
  expect((await calibrating(file)).exitCode).toBe(0);
  expect(await bench.status(`${name}-1`)).toMatchObject({ verdicts: { valid: 2 } });
}, 150_000);

test("an interrupt in the calibration leaves nothing that hinders the next run", async () => {
  await bench.longhaul("lab", "down");
  const first = calibrating(campaign("cut"));
  let told = "";
  first.stderr.on("data", (text: Buffer) => (told += text.toString()));
  await labIsUp();
  await delay(1500);
  first.kill("SIGINT");
  const { exitCode } = await first;
  expect(exitCode).toBe(130);
  expect(told).toMatch(/Interrupted.*`(npx |\S*bin\/)longhaul --state \S+ down` ends them/);

  const next = await calibrating(campaign("cut", 1000));
  expect(next.stderr).toContain("frames/s without loss");
  expect(next.exitCode).toBe(0);
  await bench.longhaul("lab", "down");
}, 150_000);

test("everything is killed at once, services and lab, as by a reboot: up restores both and the campaign goes on", async () => {
  const id = `rebooted-${suffix}`;
  const started = await bench.run(campaign("rebooted", 8000), "--id", id, "--detach");
  expect(started.exitCode).toBe(0);
  await bench.until(id, ({ current }) => current?.step === "measure");
  process.kill(bench.pidOf("supervisor"), "SIGKILL");
  const killed = bench.marked();
  killAll(killed);
  expect(killed.length).toBeGreaterThan(10);
  await expect.poll(() => bench.left(), { timeout: 10_000 }).toEqual([]);
  expect((await bench.json<{ status: string }>("lab", "status")).status).toBe("damaged");

  const up = await bench.longhaul("up");
  expect(up.stderr).toContain(
    `not calibrated anew: ${id} goes on with the calibration of its plan`,
  );
  expect(up.exitCode).toBe(0);
  const end = await bench.until(id, ({ state }) => state === "completed", 90_000);
  expect(end).toMatchObject({ planned: 2, verdicts: { valid: 2, invalid: 0, skipped: 0 } });
}, 180_000);

test("after a crash without a campaign on its way, up calibrates the lab that it restores", async () => {
  process.kill(bench.pidOf("supervisor"), "SIGKILL");
  killAll(bench.marked());
  await expect.poll(() => bench.left(), { timeout: 10_000 }).toEqual([]);
  const up = await bench.longhaul("up");
  expect(up.stderr).toContain("frames/s without loss");
  expect(up.exitCode).toBe(0);
  expect((await bench.longhaul("up")).stderr).not.toContain("frames/s");
}, 120_000);

/** The end of one may be the end of another: who is gone by then is killed, too. */
function killAll(pids: readonly number[]) {
  for (const pid of pids)
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
}
