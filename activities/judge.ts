import type { RouterLocation } from "../model/guest.ts";
import { routerLocations } from "../model/guest.ts";
import type { AttemptRef, AttemptVerdict } from "../model/trial.ts";
import { judgeForwarding, judgeMigration } from "../stats/judge.ts";
import type { TrialDeps } from "./deps.ts";
import { part } from "./parts.ts";

/** Of what is told to the workflow; all of it is in the store. */
const wordsLength = 300;

/** Judges the stored measurement, and stores verdict, results and ledger in one transaction. Touches no host. */
export async function judge(
  { store }: TrialDeps,
  ref: AttemptRef,
  { final }: { readonly final: boolean },
): Promise<AttemptVerdict> {
  const [measurement, campaign, attempts] = await part("read", () =>
    Promise.all([
      store.measurement(ref.trialId, ref.attempt),
      store.campaign(ref.campaignId),
      store.attempts(ref.trialId),
    ]),
  );
  if (measurement === null || campaign === null)
    throw new Error(`${ref.trialId}: attempt ${ref.attempt} has no measurement to judge`);
  const location = attempts.find(({ attempt }) => attempt === ref.attempt)?.location;
  const context = { campaign: campaign.content };
  const judgement =
    measurement.kind === "forwarding"
      ? judgeForwarding(measurement, context)
      : judgeMigration(measurement, knownLocation(location), context);
  const { absentHosts = [] } = measurement;
  const results = {
    ...judgement.results,
    afterRecovery: await store.isAfterRecovery(ref),
    ...(absentHosts.length > 0 ? { absentHosts: absentHosts.join(" ") } : {}),
  };
  await part("store", () => store.judge(ref, { ...judgement, results, final }));
  const { verdict, words } = judgement;
  return verdict.verdict === "valid" && words !== null
    ? { ...verdict, words: words.slice(0, wordsLength) }
    : verdict;
}

const knownLocation = (location: string | null | undefined): RouterLocation =>
  routerLocations.find((known) => known === location) ?? "unknown";

/** Records an attempt without a measurement. Touches no host. */
export const rejectAttempt = (
  { store }: TrialDeps,
  ref: AttemptRef,
  { reason, cut, final }: { reason: string; cut: boolean; final: boolean },
): Promise<void> =>
  store.judge(ref, {
    verdict: { verdict: "invalid", reason, cut },
    results: {},
    ledger: [],
    doubts: [],
    final,
  });
