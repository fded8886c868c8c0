/** A small planned campaign for tests of the store; the levels are of no matter to it. */
import type { Campaign } from "../../model/campaign.ts";
import type { AttemptRef, PlannedTrial } from "../../model/trial.ts";
import type { PlannedCampaign, Store } from "../../store/store.ts";

export const sampleCampaign: Campaign = {
  name: "sample",
  seed: 7,
  repetitions: 3,
  beyondTestbed: "refuse",
  phases: { settleMs: 2000, learnMs: 0, trialMs: 3000, drainMs: 2000, restMs: 5000 },
  forwarding: [{ platforms: ["bare"], frameSizesBytes: [64], loads: [{ fps: 1000 }] }],
  migration: [],
  guest: { image: "debian", memoryMib: 256, vcpus: 1, routing: "kernel" },
  tolerance: {
    offeredLoadRatio: 0.01,
    unexplainedRatio: 0.001,
    hostLoadRatio: null,
    samplingP99Ms: null,
  },
  samplingIntervalMs: 10,
  rttIntervalMs: 10,
  keepRaw: false,
  attemptLimit: 3,
  hang: { windowMs: null, progressRatio: 0.96, probeIntervalMs: 1000, questionTimeoutMs: 5000 },
  migrationDeadlineMs: 60_000,
  migrationMarginMs: 2000,
  idleProbeFps: 1000,
};

/** Elements of two trials each, the last load of an element waiting for a capacity. */
export function samplePlan(
  id: string,
  options: Partial<PlannedCampaign> & { readonly trialCount?: number } = {},
): PlannedCampaign {
  const { trialCount = 6, ...changes } = options;
  return {
    id,
    testbed: "lab",
    campaign: sampleCampaign,
    planHash: "hash",
    omissions: [{ scenario: "bare-64B-9GbpsL2", reason: "beyond the line rate" }],
    trials: Array.from({ length: trialCount }, (_, position) => sampleTrial(id, position)),
    workflowId: `campaign/${id}`,
    temporalUi: null,
    longhaulVersion: "0.0.0",
    calibrations: [],
    ...changes,
  };
}

function sampleTrial(campaign: string, position: number): PlannedTrial {
  const element = Math.floor(position / 2);
  const ofCapacity = position % 2 === 1 ? 0.5 : null;
  return {
    id: `${campaign}/b${element + 1}/forwarding-bare-64B-load${position % 2}`,
    kind: "forwarding",
    element: `${campaign}/b${element + 1}/sweep-bare-64B`,
    scenario: {
      platform: "bare",
      frameSizeBytes: 64,
      load: `load${position % 2}`,
      intendedFps: ofCapacity === null ? 1000 : null,
      ofCapacity,
      direction: null,
    },
    repetition: element + 1,
    position,
  };
}

/** A campaign in the store, on the testbed `lab`. */
export async function planted(
  store: Store,
  id: string,
  options: Parameters<typeof samplePlan>[1] = {},
): Promise<PlannedCampaign> {
  await store.putTestbed({ name: "lab", kind: "lab", content: { name: "lab" } });
  const plan = samplePlan(id, options);
  await store.putPlan(plan);
  return plan;
}

export const attemptOf = (
  plan: PlannedCampaign,
  position: number,
  attempt: number,
  token: number,
): AttemptRef => ({
  campaignId: plan.id,
  testbed: plan.testbed,
  trialId: String(plan.trials[position]?.id),
  attempt,
  token,
});
