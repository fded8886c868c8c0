/** What the scripted bench measures with, and what its probes bring home. */
import { deflateSync } from "node:zlib";
import type { Campaign } from "../../model/campaign.ts";
import type { CounterSnapshot, MigrationReport } from "../../model/measurement.ts";
import { hostNames, segmentNames } from "../../model/testbed.ts";
import type { Host, HostName, HostNic, Testbed } from "../../model/testbed.ts";
import type { AttemptRef } from "../../model/trial.ts";

export const ref: AttemptRef = {
  campaignId: "c-1",
  testbed: "bench",
  trialId: "c-1/b01/t",
  attempt: 1,
  token: 7,
};

const nic = (host: HostName, link: HostNic["link"]): HostNic => ({
  link,
  device: `eth-${link}`,
  mac: "02:00:00:00:00:01",
  address: `198.18.${link.length}.${hostNames.indexOf(host) + 10}/24`,
  bridge: host.startsWith("R") && link !== "migration" ? `br-${link}` : null,
});
const segmentOf: Record<HostName, readonly HostNic["link"][]> = {
  A: ["a"],
  B: ["b"],
  C: ["c"],
  D: ["d"],
  R1: [...segmentNames, "migration"],
  R2: [...segmentNames, "migration"],
};

export const testbed = {
  name: "bench",
  kind: "lab",
  hosts: Object.fromEntries(
    hostNames.map((name) => [
      name,
      { name, ownClock: false, nics: segmentOf[name].map((link) => nic(name, link)) },
    ]),
  ) as unknown as Record<HostName, Host>,
  lineRateMbpsL1: 400,
  router: {
    nics: segmentNames.map((segment) => ({ segment, mac: "02:00:00:00:00:99", address: "x" })),
  },
  runFolder: "/run/longhaul",
  accelerator: "tcg",
} as unknown as Testbed;

export const campaign = {
  seed: 1,
  phases: { settleMs: 0, learnMs: 0, trialMs: 1000, drainMs: 0, restMs: 0 },
  guest: { image: "router", memoryMib: 256, vcpus: 1, routing: "kernel" },
  samplingIntervalMs: 10,
  rttIntervalMs: 10,
  keepRaw: false,
  migrationDeadlineMs: 1000,
  migrationMarginMs: 0,
} as unknown as Campaign;

const packed = (bytes: Buffer) => deflateSync(bytes).toString("base64");
export const packedInt64s = (values: readonly number[]) =>
  packed(Buffer.from(BigInt64Array.from(values, BigInt).buffer));
export const packedUint32s = (values: readonly number[]) =>
  packed(Buffer.from(Uint32Array.from(values).buffer));
const nothing = packed(Buffer.alloc(0));
export const resultOf: Record<string, unknown> = {
  counters: {
    format: "procnetdev",
    intervalMs: 10,
    names: {},
    beforeUs: nothing,
    afterUs: nothing,
    lengths: nothing,
    samples: nothing,
  },
  sink: {
    ...{ frames: 1000, duplicates: 0, late: 0, foreign: 0, socketDrops: 0, clockStepUs: 0 },
    ...{ firstUs: 0, lastUs: 1, firstSequence: 0, lastSequence: 999, gapThresholdUs: 1 },
    ...{ ticks: { startUs: 0, tickMs: 10, frames: [] }, gaps: [], lostRanges: [], raw: null },
    clockOffsetUs: { start: 0, end: 0 },
  },
  rtt: { intervalMs: 10, sentUs: [], rttMs: [], refused: 0 },
  "host-load": { cpus: [], atUs: nothing, ticks: nothing, runnable: nothing, frequencyMhz: null },
};
export const noCounters = {
  ...{ ifindex: 2, rxFrames: 0, rxBytes: 0, rxErrors: 0, rxDropped: 0, rxMissed: 0 },
  ...{ txFrames: 0, txBytes: 0, txErrors: 0, txDropped: 0 },
};
export const snapshotOf = (host: string): CounterSnapshot => ({
  ...{ host, atUs: 0, interfaces: {}, softnet: [], qdiscDrops: {}, ip: {} },
});

export const offered = {
  ...{ intendedFps: 1000, frames: 1000, bytes: 60_000, startUs: 0, endUs: 1_000_000 },
  executed: "scripted",
};
export const report = (
  { source, destination }: { source: string; destination: string },
  more: Partial<MigrationReport>,
): MigrationReport => ({
  ...{ status: "completed", reason: null, source, destination, commandUs: 10, endUs: 20 },
  ...{ totalTimeMs: 10, downtimeMs: 1, setupTimeMs: 1, transferredBytes: 1, memoryBytes: 1 },
  ...{ phases: [], progress: [] },
  ...more,
});
