/** A campaign that calls for a recovery. */
import { scripted, scriptedPlan } from "./scripted.ts";
import type { scriptedRecovery } from "./scripted-recovery.ts";

/** A campaign whose first trial ends `locked-up`, its recovery scripted. */
export function lockedUp(
  campaignId: string,
  recovery: ReturnType<typeof scriptedRecovery>,
  shape: Parameters<typeof scriptedPlan>[1] = [{ loads: 2 }],
  words: { readonly words?: string } = {},
) {
  const script = scripted(scriptedPlan(campaignId, shape), {
    judge: (next) => async (ref, options) => {
      const verdict = await next(ref, options);
      const first = ref.trialId === script.trials[0]?.id && ref.attempt === 1;
      return first ? { verdict: "valid", outcome: "locked-up", ...words } : verdict;
    },
  });
  return { ...script, activities: { ...script.activities, ...recovery.acts } };
}
export const steps = ({ orders }: ReturnType<typeof scriptedRecovery>) =>
  orders.map(({ step }) => step);
