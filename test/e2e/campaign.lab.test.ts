/** A campaign from its file to its end, and steered on its way, as a person does it. */
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { brokeByItself } from "../../bench/broken-by-itself.ts";
import { bareCampaign, ownBench } from "./own-bench.ts";

const bench = ownBench("e2e-campaign");
const suffix = randomBytes(3).toString("hex");
const small = `small-${suffix}`;
const steered = `steered-${suffix}`;

afterAll(async () => {
  await bench.longhaul("down");
});

const smallFile = bench.file(
  "small.yaml",
  `name: small
seed: 1
repetitions: 1
phases: { settleMs: 100, learnMs: 100, trialMs: 1000, drainMs: 200, restMs: 100 }
forwarding:
  - platforms: [bare, kvm-virtio]
    frameSizesBytes: [64]
    loads: [{ fps: 1000 }]
migration:
  - platforms: [kvm-virtio]
    frameSizesBytes: [64]
    loads: [{ idle: true }]
migrationMarginMs: 500
migrationDeadlineMs: 60000
tolerance: { offeredLoadRatio: 0.1 }
`,
);
const steeredFile = bench.file(
  "steered.yaml",
  // More than is ever measured: it is cancelled.
  bareCampaign(
    "steered",
    3000,
    Array.from({ length: 20 }, (_, index) => 1000 + 100 * index),
  ),
);

test("one command brings everything up, measures every trial and exits 0", async () => {
  const { exitCode, stderr, stdout } = await bench.run(smallFile, "--id", small, "--json");
  expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({ campaign: small, state: "completed", planned: 3 });
  expect(stderr).toContain("planned 3 = 3 valid + 0 invalid + 0 skipped");
}, 150_000);

test("status in JSON has the promised keys, and its ledger adds up", async () => {
  const status = await bench.status(small);
  expect(status).toMatchObject({
    campaign: small,
    state: "completed",
    planned: 3,
    verdicts: { valid: 3, invalid: 0, skipped: 0 },
    pending: 0,
    running: 0,
    etaSeconds: null,
    workflowId: `campaign/${small}`,
    temporalUi: expect.stringMatching(/^http:\/\//) as unknown,
    startedAt: expect.stringMatching(/Z$/) as unknown,
    endedAt: expect.stringMatching(/Z$/) as unknown,
  });
  expect(status.attempts).toBeGreaterThanOrEqual(3);
  // An emulated guest may break by itself once it has migrated: that is a valid trial, and recovered.
  const outcomes = Object.entries(status.outcomes);
  const broken = outcomes.filter(([outcome]) => outcome !== "completed");
  expect(outcomes.reduce((sum, [, count]) => sum + count, 0)).toBe(3);
  expect(status.outcomes.completed).toBeGreaterThanOrEqual(2);
  expect(status.recoveries).toBe(broken.length);
  const all = await bench.json<Record<string, unknown>>("status");
  expect(all).toMatchObject({
    services: {
      temporal: { state: "running" },
      postgres: { state: "running" },
      worker: { state: "running" },
    },
    testbeds: expect.arrayContaining([
      expect.objectContaining({ name: "e2e", state: "free", heldBy: null }),
    ]) as unknown,
  });
  expect((all.campaigns as { campaign: string }[]).at(-1)?.campaign).toBe(small);
});

interface TrialTold {
  readonly outcome: string | null;
  readonly evidence: Parameters<typeof brokeByItself>[1];
}
const afterMigration = /^(completed|crashed|locked-up)$/;

test("trials in JSON have the promised keys, results with their units", async () => {
  const trials = await bench.trials(small);
  expect(trials.map(({ kind }) => kind).sort()).toEqual(["forwarding", "forwarding", "migration"]);
  for (const trial of trials)
    expect(trial).toMatchObject({
      id: expect.stringMatching(new RegExp(`^${small}/b01/`)) as unknown,
      scenario: { frameSizeBytes: 64 },
      repetition: 1,
      verdict: "valid",
      reason: null,
      outcome:
        trial.kind === "forwarding"
          ? "completed"
          : (expect.stringMatching(afterMigration) as unknown),
      startedAt: expect.any(String) as unknown,
      endedAt: expect.any(String) as unknown,
    });
  const results = (kind: string) => trials.find((trial) => trial.kind === kind)?.results;
  const numbers = (...keys: string[]) =>
    Object.fromEntries(keys.map((key) => [key, expect.any(Number) as unknown]));
  expect(results("forwarding")).toMatchObject(
    numbers("offeredFps", "forwardedFps", "lossRatio", "rttMedianMs"),
  );
  expect(results("migration")).toMatchObject(
    // A gap is always told; a downtime only where it is longer than the busy machine's own gaps.
    numbers("totalTimeMs", "downtimeHypervisorMs", "packetGapLongestMs", "transferredMib"),
  );
});

test("one trial in JSON adds steps, attempts, ledger, evidence and provenance", async () => {
  for (const { id, kind } of await bench.trials(small)) {
    const trial = await bench.json<Record<string, unknown> & TrialTold>("trial", id);
    if (trial.outcome !== "completed")
      expect(brokeByItself(trial.outcome, trial.evidence)).toBe(true);
    expect(Object.keys(trial)).toEqual(
      expect.arrayContaining(["steps", "attemptLog", "ledger", "evidence", "provenance"]),
    );
    const steps = (trial.steps as { name: string }[]).map(({ name }) => name);
    const wanted = ["prepare", "measure", "judge", "restore"];
    expect(steps).toEqual(
      expect.arrayContaining(kind === "migration" ? [...wanted, "locate"] : wanted),
    );
    const ledger = trial.ledger as { place: string; frames: number }[];
    const frames = (of: string) => ledger.find(({ place }) => place === of)?.frames ?? Number.NaN;
    const outsideTheSum = ["sent", "received", "not-of-the-flow"];
    const rest = ledger.filter(({ place }) => !outsideTheSum.includes(place));
    expect(rest.length).toBeGreaterThan(1);
    expect(frames("sent")).toBe(
      frames("received") + rest.reduce((sum, row) => sum + row.frames, 0),
    );
  }
});

test("a report is files that can be opened", async () => {
  const folder = join(bench.state.path, "report");
  const { exitCode } = await bench.longhaul("report", small, "--out", folder);
  expect(exitCode).toBe(0);
  const files = readdirSync(folder, { recursive: true }).map(String);
  for (const end of [".html", ".svg", ".csv", ".json"])
    expect(files.filter((name) => name.endsWith(end)).length).toBeGreaterThan(0);
  expect(existsSync(folder)).toBe(true);
});

test("Ctrl-C leaves a campaign with 130, and it goes on", async () => {
  const argv = ["run", steeredFile, "--testbed", bench.testbedFile, "--id", steered];
  const attached = bench.start(...argv);
  await expect
    .poll(async () => (await bench.longhaul("status", steered)).exitCode, { timeout: 60_000 })
    .toBe(0);
  await bench.until(steered, ({ running }) => running === 1);
  attached.kill("SIGINT");
  const { exitCode, stderr } = await attached;
  expect(exitCode).toBe(130);
  expect(stderr).toMatch(new RegExp(`longhaul --state \\S+ cancel ${steered}`));
  await bench.until(steered, ({ verdicts }) => (verdicts.valid ?? 0) >= 1);
}, 90_000);

test("a paused campaign ends its trial and begins no other until it is resumed", async () => {
  expect((await bench.longhaul("pause", steered)).exitCode).toBe(0);
  const held = await bench.until(
    steered,
    ({ state, running }) => state === "paused" && running === 0,
  );
  expect((await bench.longhaul("pause", steered)).exitCode).toBe(1);
  const later = await bench.status(steered);
  expect(later.pending).toBe(held.pending);
  expect(held.pending).toBeGreaterThan(0);
});

test("a busy testbed refuses another campaign and names its holder", async () => {
  const { exitCode, stderr } = await bench.run(smallFile, "--id", `other-${suffix}`);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(steered);
});

test("the same id attaches, and refuses another plan", async () => {
  const attached = await bench.run(steeredFile, "--id", steered, "--detach", "--json");
  expect({ exitCode: attached.exitCode, ...JSON.parse(attached.stdout) }).toMatchObject({
    exitCode: 0,
    campaign: steered,
  });
  const other = await bench.run(smallFile, "--id", steered, "--detach");
  expect(other.exitCode).toBe(2);
  expect(other.stderr).toContain(steered);
});

test("delete refuses a campaign that is under way", async () => {
  const { exitCode, stderr } = await bench.longhaul("delete", steered, "--yes");
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(new RegExp(`longhaul --state \\S+ cancel ${steered}`));
});

test("cancel cuts the running trial and skips the rest, and nothing is open then", async () => {
  expect((await bench.longhaul("resume", steered)).exitCode).toBe(0);
  await bench.until(steered, ({ current }) => current?.step === "measure");
  expect((await bench.longhaul("cancel", steered)).exitCode).toBe(0);
  const { state, planned, verdicts, pending, running } = await bench.status(steered);
  expect({ state, pending, running }).toEqual({ state: "cancelled", pending: 0, running: 0 });
  expect(verdicts.skipped).toBeGreaterThan(0);
  const { valid, invalid, skipped } = verdicts;
  expect(planned).toBe((valid ?? 0) + (invalid ?? 0) + (skipped ?? 0));
  expect((await bench.longhaul("cancel", steered)).exitCode).toBe(1);
});

test("an unknown campaign or trial is wrong use, and names those that exist", async () => {
  const campaign = await bench.longhaul("status", `${small}x`);
  expect(campaign.exitCode).toBe(2);
  expect(campaign.stderr).toContain(small);
  const trial = await bench.longhaul("trial", `${small}/b01/forwarding-bare-64B-999fps`);
  expect(trial.exitCode).toBe(2);
  expect(trial.stderr).toContain("forwarding-bare-64B-1000fps");
});

test("after down nothing of the state folder runs, and its data can still be read", async () => {
  expect((await bench.longhaul("down")).exitCode).toBe(0);
  expect(bench.left()).toEqual([]);
  expect(await bench.status(small)).toMatchObject({ state: "completed", planned: 3 });
  expect(bench.left()).toEqual([]);
});
