/** One attempt's surroundings: what every act on it looks up first. */
import type { Stream } from "../generators/generator.ts";
import type { Hypervisor, Migrates, MigrationOrder } from "../hypervisors/hypervisor.ts";
import { migrates } from "../hypervisors/hypervisor.ts";
import type { Campaign } from "../model/campaign.ts";
import type { GuestSpec } from "../model/guest.ts";
import { attemptTag } from "../model/tag.ts";
import type { AttemptRef } from "../model/trial.ts";
import { unitName } from "../model/unit-name.ts";
import { UsageError } from "../model/usage-error.ts";
import type { Fence } from "../remote/agent.ts";
import type { TrialRow } from "../store/store.ts";
import type { Bench, TrialDeps } from "./deps.ts";
import { routedStream } from "./flow.ts";
import { guestOf } from "./guest.ts";

export type RouterHost = "R1" | "R2";

export interface Setup {
  readonly ref: AttemptRef;
  readonly trial: TrialRow;
  readonly campaign: Campaign;
  readonly bench: Bench;
  readonly driver: Hypervisor;
  readonly guest: GuestSpec;
  /** Where the router is when the trial begins. Forwarding is measured on R1 only. */
  readonly host: RouterHost;
  readonly stream: Stream;
  readonly unit: (what: string) => string;
}

export interface MigrationSetup extends Setup {
  readonly driver: Hypervisor & Migrates;
  readonly order: MigrationOrder;
}

/** The load outlives the longest migration; the trial stops it. */
const migrationSlackMs = 15_000;

export async function setupOf(deps: TrialDeps, ref: AttemptRef): Promise<Setup> {
  const [trial, campaign, bench] = await Promise.all([
    deps.store.trial(ref.trialId),
    deps.store.campaign(ref.campaignId),
    deps.bench(ref.testbed),
  ]);
  if (trial === null) throw new Error(`the store has no trial ${ref.trialId}`);
  if (campaign === null) throw new Error(`the store has no campaign ${ref.campaignId}`);
  const { scenario } = trial;
  const driver = bench.drivers[scenario.platform];
  if (driver === undefined)
    throw new UsageError(
      `testbed ${ref.testbed} has no driver for ${scenario.platform}; it has: ${Object.keys(bench.drivers).join(", ")}`,
    );
  if (scenario.intendedFps === null)
    throw new UsageError(`${ref.trialId}: its load waits for the capacity of ${scenario.platform}`);
  return {
    ref,
    trial,
    campaign: campaign.content,
    bench,
    driver,
    guest: guestOf(bench.testbed, campaign.content.guest, scenario.platform),
    host: trial.kind === "migration" && scenario.direction === "R2toR1" ? "R2" : "R1",
    stream: routedStream(bench.testbed, {
      tag: attemptTag(ref),
      frameSizeBytes: scenario.frameSizeBytes,
      fps: scenario.intendedFps,
      durationMs: loadMs(trial, campaign.content),
      heldMs: campaign.content.phases.settleMs + campaign.content.phases.learnMs,
    }),
    unit: (what) => unitName(ref, what),
  };
}

/** @throws {UsageError} the trial is no migration, or its platform cannot migrate. */
export function migrationOf(setup: Setup): MigrationSetup {
  const { driver, guest, host, trial, campaign } = setup;
  if (trial.kind !== "migration" || !migrates(driver))
    throw new UsageError(`${trial.id}: no migration, or ${driver.name} cannot migrate`);
  return {
    ...setup,
    driver,
    order: {
      unit: setup.unit("migration"),
      guest,
      source: host,
      destination: host === "R1" ? "R2" : "R1",
      deadlineMs: campaign.migrationDeadlineMs,
    },
  };
}

/** The fence of an attempt that was prepared: its token, and the boot ids found then. */
export async function fenceOf(deps: TrialDeps, ref: AttemptRef): Promise<Fence> {
  const attempts = await deps.store.attempts(ref.trialId);
  const attempt = attempts.find(({ attempt }) => attempt === ref.attempt);
  if (attempt === undefined)
    throw new Error(`${ref.trialId}: attempt ${ref.attempt} was never opened`);
  return { token: ref.token, bootIds: attempt.bootIds };
}

const loadMs = (trial: TrialRow, campaign: Campaign): number =>
  trial.kind === "forwarding"
    ? campaign.phases.trialMs
    : 2 * campaign.migrationMarginMs + campaign.migrationDeadlineMs + migrationSlackMs;
