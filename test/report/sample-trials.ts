/** Trials with chosen figures, for tests of reports. Nothing of them was measured, and nothing of them leaves a test. */
import type { CampaignRecord, ExampleMigration } from "../../report/record.ts";
import type { LedgerRow, Results } from "../../model/trial.ts";
import type { TrialRow } from "../../store/store.ts";
import { sampleCampaign } from "../store/sample-plan.ts";

export function sampleTrial(change: {
  readonly kind?: TrialRow["kind"];
  readonly platform?: string;
  readonly load?: string;
  readonly frameSizeBytes?: number;
  readonly repetition?: number;
  readonly state?: TrialRow["state"];
  readonly outcome?: string | null;
  readonly reason?: string | null;
  readonly results?: Results;
  readonly doubts?: readonly string[];
}): TrialRow {
  const {
    kind = "forwarding",
    platform = "bare",
    load = "5MbpsL2",
    frameSizeBytes = 64,
    repetition = 1,
    state = "valid",
    outcome = state === "valid" ? "completed" : null,
    reason = null,
    results = {},
    doubts = [],
  } = change;
  const direction = kind === "migration" ? "R1toR2" : null;
  return {
    id: `demo/b0${repetition}/${kind}-${platform}-${frameSizeBytes}B-${load}`,
    campaign: "demo",
    kind,
    element: `demo/b0${repetition}/element`,
    scenario: { platform, frameSizeBytes, load, intendedFps: 1000, ofCapacity: null, direction },
    repetition,
    position: 0,
    state,
    reason,
    outcome,
    attempts: 1,
    judgedAttempt: state === "valid" ? 1 : null,
    results,
    doubts,
    startedAt: "2030-01-01T00:00:00.000Z",
    endedAt: "2030-01-01T00:00:10.000Z",
  };
}

/** Two platforms, two loads, three repetitions; the second platform loses half of the higher load. */
export const forwardingTrials: readonly TrialRow[] = ["bare", "kvm-e1000"].flatMap((platform) =>
  [10_000, 20_000].flatMap((offeredFps) =>
    [1, 2, 3].map((repetition) => {
      const lossRatio = platform === "kvm-e1000" && offeredFps === 20_000 ? 0.5 : 0;
      return sampleTrial({
        platform,
        repetition,
        load: `${offeredFps}fps`,
        results: {
          offeredFps: offeredFps + repetition,
          forwardedFps: (offeredFps + repetition) * (1 - lossRatio),
          lossRatio,
          rttMedianMs: 0.5 + repetition / 10,
          hostLoadMaxRatio: 0.4,
        },
      });
    }),
  ),
);

export const migrationTrials: readonly TrialRow[] = [1, 2, 3].map((repetition) =>
  sampleTrial({
    kind: "migration",
    platform: "kvm-virtio",
    load: "idle",
    repetition,
    results: {
      totalTimeMs: 2000 + 100 * repetition,
      downtimeHypervisorMs: 20 + repetition,
      downtimePacketGapMs: 60 + repetition,
      downtimeLossMs: 70 + repetition,
      transferredMib: 140,
      transferredHypervisorMib: 139,
      rttBeforeMedianMs: 0.4,
      rttMedianMs: 1.4,
      rttAfterMedianMs: 0.5,
    },
  }),
);

export const sampleLedgers: ReadonlyMap<string, readonly LedgerRow[]> = new Map(
  forwardingTrials
    .filter(({ results }) => Number(results.lossRatio) > 0)
    .map(({ id }) => [
      id,
      [
        { place: "sent", frames: 1000 },
        { place: "received", frames: 500 },
        { place: "tap-in-dropped", frames: 498 },
        { place: "unexplained", frames: 2 },
        { place: "not-of-the-flow", frames: 3 },
      ],
    ]),
);

/** What each host's monotonic clock shows at the moment that R1's shows 0. */
const clockAheadUs = { A: 9e6, B: 7e6, C: 2e6, R1: 0, R2: 5e6 } as const;
const clocks = Object.entries(clockAheadUs).map(([host, aheadUs]) => ({
  host,
  offsetUs: 1e15 - aheadUs,
  uncertaintyUs: 50,
}));
const at = (host: keyof typeof clockAheadUs, us: number) => us + clockAheadUs[host];
const samples = Array.from({ length: 300 }, (_, index) => index * 10_000);
const commandUs = 1_000_000;

/** One migration: ordered at 1 s, nothing received from 1.5 s to 1.6 s, 50 Mbit/s on the link meanwhile. */
export function sampleMigration(): ExampleMigration {
  const [trial] = migrationTrials;
  if (!trial) throw new Error("there is no migration among the samples");
  const measurement = {
    kind: "migration",
    clocks,
    sink: {
      host: "B",
      ticks: {
        startUs: at("B", 0),
        tickMs: 10,
        frames: samples.map((us) => (us >= 1_500_000 && us < 1_600_000 ? 0 : 10)),
      },
    },
    rtt: {
      host: "C",
      intervalMs: 10,
      sentUs: samples.map((us) => at("C", us)),
      rttMs: samples.map((us) => (us >= 1_500_000 && us < 1_600_000 ? null : 0.5)),
    },
    migration: {
      source: "R1",
      destination: "R2",
      commandUs,
      endUs: commandUs + 700_000,
      phases: [
        { name: "source-stopped", host: "R1", atUs: commandUs + 500_000 },
        { name: "destination-running", host: "R2", atUs: at("R2", commandUs + 600_000) },
      ],
    },
    migrationLink: [{ host: "R1", device: "mig0", bytes: 1, baselineBytes: 0 }],
  };
  const series = {
    host: "R1",
    device: "mig0",
    clock: clocks.find(({ host }) => host === "R1"),
    accuracy: { intervalMs: 10 },
    beforeUs: samples,
    afterUs: samples.map((us) => us + 20),
    // 62,500 bytes in 10 ms are 50 Mbit/s.
    txBytes: samples.map((us) => 6.25 * Math.min(Math.max(us - commandUs, 0), 700_000)),
  };
  return { trial, measurement, series: [series] } as unknown as ExampleMigration;
}

export function sampleRecord(trials: readonly TrialRow[]): CampaignRecord {
  const count = (state: TrialRow["state"]) => trials.filter((each) => each.state === state).length;
  return {
    status: {
      campaign: "demo",
      testbed: "lab",
      state: "completed",
      reason: null,
      planned: trials.length,
      verdicts: { valid: count("valid"), invalid: count("invalid"), skipped: count("skipped") },
      pending: count("pending"),
      running: count("running"),
      outcomes: { completed: count("valid") },
      attempts: trials.length,
      recoveries: 0,
      workflowId: "campaign/demo",
      temporalUi: null,
      plannedAt: "2030-01-01T00:00:00.000Z",
      startedAt: "2030-01-01T00:00:00.000Z",
      endedAt: "2030-01-01T00:05:00.000Z",
      queue: null,
      current: null,
    },
    campaign: sampleCampaign,
    omissions: [{ scenario: "forwarding-bare-64B-900MbpsL2", reason: "over <line> rate" }],
    seed: 7,
    planHash: "abc",
    longhaulVersion: "0.1.0",
    trials,
    ledgers: sampleLedgers,
    provenance: new Map([["kvm-e1000", { qemu: { version: "7.2" } }]]),
    calibrations: [],
    recoveries: [],
    rungs: [],
    capacities: [],
    exampleMigration: null,
  };
}
