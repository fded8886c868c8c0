/** The campaign that chaos falls on, and its testbed: small trials, so that many fit into minutes. */
import { type Chaos, loadsFps, platforms } from "./draw.ts";

const loads = loadsFps.map((fps) => ({ fps }));
const frameSizesBytes = [64];
/** How long a forwarding trial's load lasts, and a migration's before and after it. */
export const trialMs = 1500;
export const migrationMarginMs = 700;

/** JSON, which is YAML. Hangs are found within 3.5 s. */
export const campaignFile = ({ seed, blocks, trialFaults }: Chaos): string =>
  JSON.stringify(
    {
      name: "chaos",
      seed,
      repetitions: blocks,
      guest: { memoryMib: 96 },
      phases: { settleMs: 50, learnMs: 50, trialMs, drainMs: 100, restMs: 50 },
      forwarding: [{ platforms, frameSizesBytes, loads }],
      migration: [{ platforms: ["kvm-virtio"], frameSizesBytes, loads }],
      migrationMarginMs,
      // Here power goes on purpose, and far more often than on any testbed.
      powerCycles: { most: 1000, withinHours: 1 },
      migrationDeadlineMs: 30_000,
      hang: { windowMs: 3000, probeIntervalMs: 500, questionTimeoutMs: 2000 },
      // Nothing is read from the figures; a machine that restarts its servers loses frames.
      tolerance: { offeredLoadRatio: 0.5, unexplainedRatio: 0.2 },
      faults: trialFaults,
    },
    null,
    2,
  );

/** A slow migration link: a migration lasts for seconds, and strikes meet it. */
export const testbedFile = `kind: lab
name: chaos
lineRateMbpsL1: 1000
migrationRateMbpsL1: 100
platforms: [bare, kvm-virtio]
generator: tcpreplay
calibratedFrameSizesBytes: [64]
accelerator: prove
guestImage: router
`;
