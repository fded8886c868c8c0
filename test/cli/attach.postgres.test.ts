import { expect, test } from "vitest";
import { writePlan } from "../../cli/launch.ts";
import { readRunFiles } from "../../cli/run-files.ts";
import { withStore } from "../store/postgres-server.ts";

const at = withStore();
const stored = { temporalUi: null, longhaulVersion: "0.1.0" };
const calibrated = (maxFps: number) =>
  at.store.putCalibration({
    testbed: "lab",
    host: "A",
    device: "eth0",
    generator: "tcpreplay",
    frameSizeBytes: 64,
    maxFps,
    rateErrorRatio: 0,
    gapP50Us: 1,
    gapP999Us: 2,
    gapMaxUs: 3,
    measuredAt: new Date().toISOString(),
  });

test("attaching after a calibration that came out lower is no other plan: the same limits hold", async () => {
  const files = readRunFiles("campaigns/demo.yaml", "testbeds/lab.yaml", "again");
  const { testbed } = files;
  await at.store.putTestbed({ name: testbed.name, kind: testbed.kind, content: testbed });
  await calibrated(60_000);
  const first = await writePlan(at.store, files, "again", stored);
  expect(first.omissions.map(({ scenario }) => scenario)).toContain("forwarding-bare-64B-70000fps");

  await calibrated(30_000);
  const again = await writePlan(at.store, files, "again", stored);
  expect(again.hash).toBe(first.hash);
  expect(again.omissions).toEqual(first.omissions);

  const fresh = await writePlan(at.store, files, "fresh", stored);
  expect(fresh.trials.length).toBeLessThan(first.trials.length);
});

test("another seed is another plan, whatever was calibrated", async () => {
  const files = readRunFiles("campaigns/demo.yaml", "testbeds/lab.yaml", "again");
  const other = { ...files, campaign: { ...files.campaign, seed: 1 } };
  await expect(writePlan(at.store, other, "again", stored)).rejects.toThrow(
    'campaign "again" exists with another plan:\n  seed:',
  );
});
