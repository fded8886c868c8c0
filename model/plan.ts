/** A campaign on a testbed, multiplied out: every trial in its order, before anything is touched. */
import type { Campaign } from "./campaign.ts";
import { withFaults } from "./fault-plan.ts";
import { planEstimate, type PlanEstimate } from "./plan-estimate.ts";
import { planHash } from "./plan-hash.ts";
import { orderTrials } from "./plan-order.ts";
import { expandScenarios } from "./plan-scenarios.ts";
import type { TestbedFacts } from "./testbed-limits.ts";
import type { Omission, PlannedTrial } from "./trial.ts";
import { UsageError } from "./usage-error.ts";

export interface Plan {
  /** In the order of execution; `position` counts from 0 without gaps. */
  readonly trials: readonly PlannedTrial[];
  readonly omissions: readonly Omission[];
  readonly hash: string;
  readonly estimate: PlanEstimate;
  /** What could not be checked now, in sentences. */
  readonly notes: readonly string[];
}

const idForm = /^[a-z0-9][a-z0-9-]{0,47}$/;

/**
 * Pure: the same campaign, facts and id give the same plan. More repetitions only append blocks.
 * @throws {UsageError} every mistake of the campaign on this testbed, one a line, with its key.
 */
export function expandPlan(campaign: Campaign, testbed: TestbedFacts, id: string): Plan {
  checkCampaignId(id);
  const { scenarios, omissions, notes } = expandScenarios(campaign, testbed);
  const { seed, repetitions } = campaign;
  const ordered = orderTrials(scenarios, {
    campaignId: id,
    seed,
    repetitions,
    known: testbed.known,
  });
  const trials = withFaults(ordered, campaign.faults ?? [], {
    campaign,
    known: testbed.known,
  });
  return {
    trials,
    omissions,
    notes,
    hash: planHash(campaign, testbed.name, trials),
    estimate: planEstimate(campaign, testbed, trials),
  };
}

/** A campaign's id is part of workflow ids, unit names and socket paths on the hosts. @throws {UsageError} */
function checkCampaignId(id: string): void {
  if (!idForm.test(id))
    throw new UsageError(
      `campaign id ${JSON.stringify(id)}: expected 1 to 48 lower-case letters, digits and hyphens, not starting with a hyphen`,
    );
}
