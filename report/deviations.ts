/** Where a campaign measured otherwise than the standard it follows. */
import type { Campaign, Phases } from "../model/campaign.ts";

/** RFC 2544 §23, a–e; the run of a final figure lasts at least 60 s (§24). */
const rfc2544: Readonly<Record<keyof Phases, readonly [ms: number, phase: string]>> = {
  settleMs: [2000, "a) routing settles"],
  learnMs: [2000, "b) wait after the learning frames"],
  trialMs: [60_000, "c) the trial itself"],
  drainMs: [2000, "d) residual frames"],
  restMs: [5000, "e) the DUT restabilises"],
};

export interface Deviation {
  readonly phase: string;
  readonly standardMs: number;
  readonly usedMs: number;
}

/** Phases shorter than the standard's; longer ones are no deviation. */
export const phaseDeviations = ({ phases }: Pick<Campaign, "phases">): readonly Deviation[] =>
  (Object.keys(rfc2544) as (keyof Phases)[])
    .filter((key) => phases[key] < rfc2544[key][0])
    .map((key) => ({ phase: rfc2544[key][1], standardMs: rfc2544[key][0], usedMs: phases[key] }));
