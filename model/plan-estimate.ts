/** How long a plan takes and how much it stores. Assumptions are named with every figure, none is measured. */
import type { Campaign } from "./campaign.ts";
import type { TestbedFacts } from "./testbed-limits.ts";
import type { PlannedTrial } from "./trial.ts";

export interface EstimatePart {
  readonly what: string;
  readonly count: number;
  readonly secondsEach: number;
  readonly seconds: number;
}

export interface PlanEstimate {
  readonly seconds: number;
  readonly parts: readonly EstimatePart[];
  /** Upper bound: before the store's compression. */
  readonly bytes: number;
  readonly bytesForwardingTrial: number;
  readonly bytesMigrationTrial: number;
}

/** Orders of magnitude on two shared cores under software emulation; real hosts are faster. */
const assumed = {
  forwardingOverheadSeconds: 0.4,
  migrationOverheadSeconds: 1.5,
  /** Beside the transfer of the memory: set-up, last pass, switch-over. */
  migrationFixedSeconds: 0.3,
  guestStartSeconds: 6,
  profileSwitchSeconds: 60,
  capacitySearchSeconds: 30,
  /** Interfaces sampled: two routers' hosts with NICs, bridges and TAPs, and the ends. */
  sampledInterfaces: 40,
  /** Two clock stamps and six counters, 8 bytes each. */
  sampleBytes: 64,
  /** Counters, sink summary, RTT, provenance, steps and verdict of one trial. */
  recordBytes: 60_000,
};

export function planEstimate(
  campaign: Campaign,
  testbed: TestbedFacts,
  trials: readonly PlannedTrial[],
): PlanEstimate {
  const { phases, migrationMarginMs, guest } = campaign;
  const around = phases.settleMs + phases.learnMs + phases.drainMs + phases.restMs;
  const migrations = trials.filter(({ kind }) => kind === "migration").length;
  const forwardings = trials.length - migrations;
  const transfer = (guest.memoryMib * 8 * 1.048576) / testbed.migrationRateMbpsL1;
  const migrationSeconds = transfer + assumed.migrationFixedSeconds;
  const margins = 2 * migrationMarginMs;
  const parts = [
    part("phases of forwarding trials", forwardings, (around + phases.trialMs) / 1000),
    part("preparing and judging forwarding trials", forwardings, assumed.forwardingOverheadSeconds),
    part("phases and margins of migrations", migrations, (around + margins) / 1000),
    part("migrations, at most (memory over the migration link)", migrations, migrationSeconds),
    part("preparing and judging migrations", migrations, assumed.migrationOverheadSeconds),
    part("starts of guests", guestStarts(testbed, trials), assumed.guestStartSeconds),
    part("changes of boot profile", profileChanges(testbed, trials), assumed.profileSwitchSeconds),
    part("capacity searches", capacitySearches(trials), assumed.capacitySearchSeconds),
  ].filter(({ count }) => count > 0);
  const bytesForwardingTrial = trialBytes(campaign, phases.trialMs);
  const bytesMigrationTrial = trialBytes(campaign, margins + migrationSeconds * 1000);
  return {
    seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0),
    parts,
    bytes: forwardings * bytesForwardingTrial + migrations * bytesMigrationTrial,
    bytesForwardingTrial,
    bytesMigrationTrial,
  };
}

const part = (what: string, count: number, secondsEach: number): EstimatePart => ({
  what,
  count,
  secondsEach,
  seconds: count * secondsEach,
});

function trialBytes({ samplingIntervalMs, rttIntervalMs }: Campaign, sampledMs: number): number {
  const samples = sampledMs / samplingIntervalMs;
  const series = assumed.sampledInterfaces * samples * assumed.sampleBytes;
  const rtt = (sampledMs / rttIntervalMs) * 30;
  return Math.round(series + rtt + assumed.recordBytes);
}

/** A guest is started at each change of platform, and where a trial needs it on the other host. */
function guestStarts({ known }: TestbedFacts, trials: readonly PlannedTrial[]): number {
  let starts = 0;
  let platform: string | null = null;
  let host = "R1";
  for (const { kind, scenario } of trials) {
    const needed = kind === "migration" && scenario.direction === "R2toR1" ? "R2" : "R1";
    const changed = scenario.platform !== platform || needed !== host;
    if (changed && known[scenario.platform]?.guest === true) starts += 1;
    platform = scenario.platform;
    host = scenario.direction === "R1toR2" ? "R2" : "R1";
  }
  return starts;
}

function profileChanges({ known }: TestbedFacts, trials: readonly PlannedTrial[]): number {
  const profiles = trials.map(({ scenario }) => known[scenario.platform]?.bootProfile);
  return profiles.filter((profile, index) => index > 0 && profile !== profiles[index - 1]).length;
}

const capacitySearches = (trials: readonly PlannedTrial[]): number =>
  new Set(
    trials
      .filter(({ scenario }) => scenario.ofCapacity !== null)
      .map(({ scenario }) => `${scenario.platform} ${scenario.frameSizeBytes}`),
  ).size;
