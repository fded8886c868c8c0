import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openLabBench, type LabBench } from "../../bench/lab-bench.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const testbed = `
kind: lab
name: faulted
lineRateMbpsL1: 400
migrationRateMbpsL1: 1000
platforms: [bare, kvm-virtio]
`;

let lab: LabBench;
beforeAll(async () => {
  process.env.LONGHAUL_CACHE ??= `${repository}.longhaul/cache`;
  lab = await openLabBench(
    `${repository}.longhaul/test/faulted-${process.pid}`,
    testbed,
    () => undefined,
  );
});
afterAll(() => lab.close());

test("a router that forwards only part of the time is degraded, the evidence and the baseline's figures stored", async () => {
  const { id, trials } = await lab.plan(`
name: degraded
repetitions: 1
phases: { settleMs: 0, learnMs: 0, trialMs: 2000, drainMs: 1500, restMs: 0 }
tolerance: { offeredLoadRatio: 0.5 }
health: { fps: 500, durationMs: 1500 }
forwarding: [{ platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ fps: 500 }] }]
faults: [{ fault: guest-lossy, when: load, afterMs: 200, trials: { kind: forwarding } }]
`);
  const trial = trials[0]?.id ?? "";
  const { verdict } = await lab.trial(lab.attempt(id, trial));
  const row = await lab.store.trial(trial);
  expect(verdict).toEqual({ verdict: "valid", outcome: "degraded" });
  expect(row?.results).toMatchObject({ baselineFps: 500 });
  expect(Number(row?.results.baselineLossRatio)).toBeGreaterThan(0.05);
  const events = await lab.store.events({ trial });
  const evidence = events.filter(({ kind }) => kind === "evidence");
  expect(evidence.map(({ host }) => host).sort()).toEqual(["R1", "R2"]);
  expect(JSON.stringify(evidence[0]?.content)).toContain("receivedFrames");
});

test("a campaign's cut of the migration link makes the migration longer, and is stored with its trial", async () => {
  const { id, trials } = await lab.plan(`
name: faulted
repetitions: 2
phases: { settleMs: 0, learnMs: 0, trialMs: 1000, drainMs: 500, restMs: 0 }
migrationMarginMs: 1000
tolerance: { offeredLoadRatio: 0.5 }
migration: [{ platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ idle: true }] }]
faults: [{ fault: link-cut, when: migrating, afterMs: 50, forMs: 2000, trials: { repetitions: [1] } }]
`);
  const [disturbed, next] = trials;
  if (!disturbed || !next) throw new Error("two trials were planned");
  expect(disturbed.id).toMatch(/-link-cut-at-migrating-50ms-for-2000ms$/);
  const first = await lab.trial(lab.attempt(id, disturbed.id));
  expect(first.verdict).toEqual({ verdict: "valid", outcome: "completed" });
  expect((await lab.store.trial(disturbed.id))?.scenario.fault).toBe(
    "link-cut-at-migrating-50ms-for-2000ms",
  );
  const events = await lab.store.events({ trial: disturbed.id });
  expect(events.filter(({ kind }) => kind === "fault")).toMatchObject([
    { attempt: 1, content: { fault: "link-cut", detail: "wire-m is down", forMs: 2000 } },
  ]);
  const second = await lab.trial(lab.attempt(id, next.id));
  expect(second.verdict).toEqual({ verdict: "valid", outcome: "completed" });
  const timeOf = async (trial: string) =>
    Number((await lab.store.trial(trial))?.results.totalTimeMs);
  expect(await timeOf(disturbed.id)).toBeGreaterThan(2000);
  expect(await timeOf(next.id)).toBeLessThan(await timeOf(disturbed.id));
});
