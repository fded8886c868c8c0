import { expect, test } from "vitest";
import { recoveryText, recoveryView } from "../../cli/recovery-text.ts";
import type { RecoveryRow } from "../../store/recoveries.ts";

const ended: RecoveryRow = {
  ...{ id: "c/t1/recovery-1", testbed: "lab", campaign: "c", trial: "c/t1", attempt: 1 },
  ...{ why: "the outcome stalled", step: null, stepHosts: [], stepSince: null },
  outcome: "recovered",
  rung: "recreate",
  startedAt: "2030-01-01T00:00:00.000Z",
  endedAt: "2030-01-01T00:00:12.000Z",
};
const running: RecoveryRow = {
  ...ended,
  ...{ id: "c/t2/recovery-1", trial: "c/t2", step: "power-cycle", stepHosts: ["R2"] },
  ...{ stepSince: "2030-01-01T00:01:00.000Z", outcome: null, rung: null, endedAt: null },
};
const now = Date.parse("2030-01-01T00:01:30.000Z");

test("status says nothing of recoveries where there were none", () => {
  expect(recoveryText(recoveryView([], []), now)).toBeNull();
});

test("status names the rung now tried, its hosts and since when, and how the last recovery ended", () => {
  expect(recoveryText(recoveryView([ended, running], []), now)).toBe(
    "now: power-cycle (R2) for 30 s, after c/t2 (the outcome stalled); last: recovered by recreate in 12 s, 00:00:12 UTC, after c/t1 (the outcome stalled)",
  );
});

test("status names hosts in quarantine with their reason", () => {
  const quarantined = [
    { host: "R2", reason: "nothing helped", isolated: true, recovery: "x", since: "y" },
  ];
  expect(recoveryText(recoveryView([], quarantined), now)).toBe("R2 in quarantine: nothing helped");
});
