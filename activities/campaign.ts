/** Acts of the campaign on the store: what is left to do, how far it is, how it ended. */
import { tallyOf } from "../model/attempts.ts";
import type { Campaign } from "../model/campaign.ts";
import { etaSeconds } from "../model/pace.ts";
import { scenarioName, scenarioWords } from "../model/trial-name.ts";
import { inTheWay } from "../model/trial-hosts.ts";
import { trialTiming } from "../model/trial-timing.ts";
import type { Store, TrialRow } from "../store/store.ts";
import type { CampaignActs, Element, TrialBrief } from "../workflows/acts.ts";
import { needsOf } from "./taking-part.ts";

type StoreActs = Pick<
  CampaignActs,
  | "openCapacities"
  | "nextElements"
  | "campaignProgress"
  | "setCampaignState"
  | "skipTrial"
  | "extendCampaign"
  | "closeCancelled"
>;

/** Shown in Temporal's UI, newest first. */
const lastTrialCount = 5;
/** No plan holds more elements. */
const all = 1_000_000;

export const campaignActs = (store: Store): StoreActs => ({
  async openCapacities(campaignId) {
    const trials = await store.trials(campaignId);
    const open = trials.filter(
      ({ scenario, state }) => scenario.intendedFps === null && state === "pending",
    );
    const wanted = new Map(
      open.map(({ scenario: { platform, frameSizeBytes } }) => [
        `${platform} ${frameSizeBytes}`,
        { platform, frameSizeBytes },
      ]),
    );
    return [...wanted.values()];
  },

  async nextElements(campaignId, limit, quarantined = []) {
    const { content } = await existing(store, campaignId);
    const elements =
      quarantined.length === 0
        ? await store.pendingElements(campaignId, limit)
        : (await store.pendingElements(campaignId, all))
            .map((element) => ({
              ...element,
              trials: element.trials.filter(
                (trial) => inTheWay(needsOf(trial, content), quarantined).length === 0,
              ),
            }))
            .filter(({ trials }) => trials.length > 0)
            .slice(0, limit);
    return Promise.all(elements.map((element) => elementOf(store, content, element)));
  },

  async campaignProgress(campaignId) {
    const { planned, verdicts, pending, running, outcomes } = await existing(store, campaignId);
    const last = await store.endedTrials(campaignId, { newest: lastTrialCount });
    return {
      planned,
      ...verdicts,
      pending,
      running,
      outcomes,
      lastTrials: last.toReversed().map(trialWords),
      etaSeconds: etaSeconds(await store.pace(campaignId)),
    };
  },

  setCampaignState: (campaignId, state, reason, queuedAt) =>
    store.setCampaignState(campaignId, state, reason, queuedAt),

  extendCampaign: (order) => store.extendCampaign(order),

  skipTrial: ({ evenRunning, ...order }) => store.skipTrial(order, { evenRunning }),

  closeCancelled: (campaignId, by) => store.cancelCampaign(campaignId, by),
});

async function existing(store: Store, campaignId: string) {
  const campaign = await store.campaign(campaignId);
  if (campaign === null)
    throw new Error(
      `the store has no campaign ${campaignId}: its plan is written before it starts`,
    );
  return campaign;
}

async function elementOf(
  store: Store,
  campaign: Campaign,
  {
    element,
    kind,
    trials,
  }: { element: string; kind: TrialRow["kind"]; trials: readonly TrialRow[] },
): Promise<Element> {
  const [first] = trials;
  if (first === undefined) throw new Error(`${element}: an element without trials`);
  return {
    id: element,
    kind,
    platform: first.scenario.platform,
    frameSizeBytes: first.scenario.frameSizeBytes,
    repetition: first.repetition,
    trials: await Promise.all(trials.map((trial) => briefOf(store, campaign, trial))),
  };
}

async function briefOf(store: Store, campaign: Campaign, trial: TrialRow): Promise<TrialBrief> {
  const attempts = trial.attempts === 0 ? [] : await store.attempts(trial.id);
  const tally = tallyOf(attempts);
  return {
    trialId: trial.id,
    label: scenarioWords(trial.scenario),
    scenario: scenarioName(trial.kind, trial.scenario),
    platform: trial.scenario.platform,
    tally,
    openToken: tally.open ? (attempts.at(-1)?.token ?? null) : null,
    ...trialTiming(campaign, trial.kind),
  };
}

function trialWords({ kind, scenario, repetition, state, outcome, reason }: TrialRow): string {
  const what = `${kind} ${scenario.platform}, ${scenarioWords(scenario)}, repetition ${repetition}`;
  return `${what}: ${state} (${outcome ?? reason ?? "no reason given"})`;
}
