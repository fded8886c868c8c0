/** A changing act that a host refused: it had seen a higher token, so that another is at work on this testbed. */
import { Fenced } from "../remote/shell.ts";
import type { TrialDeps } from "./deps.ts";
import type { Setup } from "./setup.ts";

/** Stores the refusal, also when nobody waits for `work` any more: of a run that Temporal had given up. */
export async function refusalStored<Result>(
  { store }: TrialDeps,
  { ref }: Setup,
  work: Promise<Result>,
): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Fenced)
      await store.putEvent({
        key: `${ref.trialId}#${ref.attempt} refused under ${ref.token}`,
        testbed: ref.testbed,
        campaign: ref.campaignId,
        trial: ref.trialId,
        attempt: ref.attempt,
        host: null,
        kind: "refused",
        content: { token: ref.token, words: error.message },
        at: new Date().toISOString(),
      });
    throw error;
  }
}
