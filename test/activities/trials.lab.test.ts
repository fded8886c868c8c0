import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileURLToPath } from "node:url";
import type { LabBench } from "../../bench/lab-bench.ts";
import { openLabBench } from "../../bench/lab-bench.ts";
import type { ForwardingMeasurement, MigrationMeasurement } from "../../model/measurement.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const testbed = `
kind: lab
name: trials
lineRateMbpsL1: 400
migrationRateMbpsL1: 1000
platforms: [bare, kvm-virtio]
`;
const campaign = (parts: string) => `
name: trials
seed: 1
phases: { settleMs: 0, learnMs: 0, trialMs: 1000, drainMs: 500, restMs: 0 }
migrationMarginMs: 1000
# The machine may be busy with other tests: what is lost where is the question here, not the rate.
tolerance: { offeredLoadRatio: 0.5 }
${parts}
`;

let lab: LabBench;
beforeAll(async () => {
  process.env.LONGHAUL_CACHE ??= `${repository}.longhaul/cache`;
  lab = await openLabBench(`${repository}.longhaul/test/trials-${process.pid}`, testbed, () => 0);
}, 240_000);
afterAll(() => lab.close(), 60_000);

const measured = async (yaml: string) => {
  const { id, trials } = await lab.plan(campaign(yaml));
  const trialId = trials[0]?.id ?? "";
  const done = await lab.trial(lab.attempt(id, trialId));
  const [row, ledger, measurement, provenance, series] = await Promise.all([
    lab.store.trial(trialId),
    lab.store.ledger(trialId, 1),
    lab.store.measurement(trialId, 1),
    lab.store.provenance(trialId, 1),
    lab.store.series(trialId, 1),
  ]);
  const places = Object.fromEntries(ledger.map(({ place, frames }) => [place, frames]));
  return { ...done, row, places, measurement, provenance, series };
};

describe("a trial on the lab", () => {
  test("bare Linux forwards a light load without loss, and the ledger balances", async () => {
    const { verdict, row, places, series } = await measured(
      "forwarding: [{ platforms: [bare], frameSizesBytes: [1518], loads: [{ fps: 1000 }] }]",
    );
    expect(verdict).toEqual({ verdict: "valid", outcome: "completed" });
    expect(row?.state).toBe("valid");
    expect(places).toMatchObject({ sent: 1000, received: 1000, unexplained: 0 });
    expect(new Set(series.map(({ host }) => host)).size).toBe(6);
  });

  test("small frames beyond a virtio guest's capacity are lost at the TAP into the guest", async () => {
    const { verdict, places, provenance, measurement } = await measured(
      "forwarding: [{ platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ fps: 60000 }] }]",
    );
    expect(verdict).toEqual({ verdict: "valid", outcome: "completed" });
    const sent = places.sent ?? 0;
    const received = places.received ?? 0;
    expect(sent - received).toBeGreaterThan(0.05 * sent);
    expect(places["TAP into guest"]).toBeGreaterThan(0.99 * (sent - received) - 8);
    expect(Math.abs(places.unexplained ?? sent)).toBeLessThanOrEqual(Math.max(8, 0.001 * sent));
    expect(provenance).toMatchObject({ seed: 1, generator: { name: "tcpreplay" } });
    const { path } = measurement as ForwardingMeasurement;
    expect(path.points.map(({ host }) => host)).toContain("guest");
  }, 180_000);

  test("a guest migrates under load, is located at its destination, and left alone there", async () => {
    const { verdict, row, measurement } = await measured(
      "migration: [{ platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ fps: 1000 }], directions: [R1toR2] }]",
    );
    expect(verdict).toEqual({ verdict: "valid", outcome: "completed" });
    const { migration, migrationLink } = measurement as MigrationMeasurement;
    expect(migration).toMatchObject({ status: "completed", source: "R1", destination: "R2" });
    expect(migrationLink.map(({ host }) => host)).toEqual(["R1", "R2"]);
    for (const { bytes } of migrationLink)
      expect(bytes).toBeGreaterThan(0.9 * (migration.transferredBytes ?? Infinity));
    expect(row?.results.downtimePacketGapMs).toBeGreaterThan(0);
    expect(row?.results.timeToForwardingMs).toBeGreaterThan(0);
    const { id, trials } = await lab.plan(
      campaign(
        "migration: [{ platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ fps: 1000 }], directions: [R1toR2] }]",
      ),
    );
    const ref = lab.attempt(id, trials[0]?.id ?? "");
    await lab.store.openAttempt(ref);
    expect(await lab.run(() => lab.acts.locate(ref))).toEqual({ location: "destination" });
  }, 180_000);
});
