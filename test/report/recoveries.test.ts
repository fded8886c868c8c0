import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { rungRows, rungTimes } from "../../report/recoveries.ts";
import { writeReport } from "../../report/report.ts";
import type { RecoveryRow } from "../../store/recoveries.ts";
import type { EventRow } from "../../store/store.ts";
import { forwardingTrials, sampleRecord } from "./sample-trials.ts";

const event = (step: string, status: string, durationMs: number): EventRow => ({
  ...{ key: `${step}-${durationMs}`, testbed: "lab", campaign: "demo", trial: "demo/b01/t" },
  ...{ attempt: 1, host: null, kind: "rung", at: "2030-01-01T00:00:00.000Z" },
  content: {
    recovery: "demo/b01/t/recovery-1",
    step,
    hosts: ["R1"],
    status,
    durationMs,
    words: "seen, and told",
  },
});
const events = [
  event("evidence", "verified", 200),
  event("destroy-both", "failed", 1000),
  event("destroy-both", "verified", 3000),
  { ...event("other", "verified", 1), kind: "load-begins" },
];

test("rungs are read from their events in order, with how often each was verified and how long it took", () => {
  const rungs = rungRows(events);
  expect(rungs.map(({ step }) => step)).toEqual(["evidence", "destroy-both", "destroy-both"]);
  const [, destroy] = rungTimes(rungs);
  expect(destroy?.[0]).toBe("destroy-both");
  expect(destroy?.[1]).toBe("1 of 2");
  expect(destroy?.[2]).toMatchObject({ n: 1, outOf: 2, center: 3 });
  const [failed] = rungTimes(rungRows([event("reboot", "failed", 600_000)]));
  expect(failed?.[1]).toBe("0 of 1");
  expect(failed?.[3]).toBe("–");
});

test("the report has a table, a figure and a CSV of recoveries where there were any, and no chapter where not", async () => {
  const folder = await mkdtemp(join(tmpdir(), "longhaul-recoveries-"));
  try {
    const record = sampleRecord(forwardingTrials);
    const quiet = await readFile(await writeReport(record, folder, "now"), "utf8");
    expect(quiet).not.toContain('id="recovery"');
    const recovery: RecoveryRow = {
      ...{ id: "demo/b01/t/recovery-1", testbed: "lab", campaign: "demo", trial: "demo/b01/t" },
      ...{ attempt: 1, why: "the outcome locked-up", step: null, stepHosts: [], stepSince: null },
      outcome: "recovered",
      rung: "recreate",
      ...{ startedAt: "2030-01-01T00:00:00.000Z", endedAt: "2030-01-01T00:00:42.000Z" },
    };
    const loud = { ...record, recoveries: [recovery], rungs: rungRows(events) };
    const page = await readFile(await writeReport(loud, folder, "now"), "utf8");
    for (const part of ["the outcome locked-up", "42 s", "1 of 2", 'id="recovery-times"'])
      expect(page).toContain(part);
    expect(await readFile(join(folder, "recovery.csv"), "utf8")).toContain(
      'destroy-both,R1,failed,1000,2030-01-01T00:00:00.000Z,"seen, and told"',
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
