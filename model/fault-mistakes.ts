/** Faults of a campaign file that could never fall as planned: refused before anything is touched. */
import type { Campaign } from "./campaign.ts";
import { factsOf } from "./fault.ts";
import type { FaultMoment, FaultPlace, PlannedFault } from "./fault-plan.ts";
import type { PlatformFacts } from "./platforms.ts";
import type { PlannedTrial, TrialKind } from "./trial.ts";

/** What a plan's faults are checked against. */
export interface FaultSurroundings {
  readonly campaign: Pick<Campaign, "phases" | "migrationMarginMs" | "migrationDeadlineMs">;
  readonly known: Readonly<Record<string, PlatformFacts>>;
}

const guestPlaces: readonly FaultPlace[] = ["source", "destination", "R1", "R2"];

/** What is wrong with it whatever trials it takes; begins with the key below the entry. null: nothing. */
export function mistakeOf({ fault, host, forMs }: PlannedFault): string | null {
  const { at, undoable } = factsOf(fault);
  if (forMs !== null && !undoable)
    return `.forMs is ${forMs}; ${fault} cannot be undone: leave forMs away`;
  if (host === null) return null;
  if (at === "link" || at === "state")
    return `.host is ${JSON.stringify(host)}; ${fault} hits a ${at}: leave host away`;
  if (at === "guest" && !guestPlaces.includes(host))
    return `.host is ${JSON.stringify(host)}, where no guest runs; expected one of: ${guestPlaces.join(", ")}`;
  return null;
}

/** What is wrong with it for one of the trials that it takes. */
export function mistakeFor(
  { fault, when, afterMs, host }: PlannedFault,
  { kind, scenario }: Pick<PlannedTrial, "kind" | "scenario">,
  { campaign, known }: FaultSurroundings,
): string | null {
  if (kind === "forwarding") {
    if (when === "control" || when === "migrating" || when === "after")
      return `.when is ${JSON.stringify(when)}, a phase of migrations only`;
    if (host === "source" || host === "destination")
      return `.host is ${JSON.stringify(host)}, an end of a migration`;
  }
  if (factsOf(fault).at === "guest" && known[scenario.platform]?.guest === false)
    return `.fault is ${JSON.stringify(fault)}, which needs a guest, and platform ${scenario.platform} has none`;
  const { lengthMs, key } = phaseLength(when, kind, campaign);
  if (afterMs < lengthMs) return null;
  return key === null
    ? `.afterMs is ${afterMs}; the phase load of a migration ends as its frames begin: expected 0, or when: control`
    : `.afterMs is ${afterMs}; the phase ${when} is over after ${lengthMs} ms (${key}): expected less, or a later phase`;
}

/** How long a phase lasts by the campaign's file, and by which key; a migration may end earlier. */
function phaseLength(
  when: FaultMoment,
  kind: TrialKind,
  { phases, migrationMarginMs, migrationDeadlineMs }: FaultSurroundings["campaign"],
): { readonly lengthMs: number; readonly key: string | null } {
  switch (when) {
    case "settle":
      return { lengthMs: phases.settleMs, key: "phases.settleMs" };
    case "learn":
      return { lengthMs: phases.learnMs, key: "phases.learnMs" };
    case "load":
      return kind === "migration"
        ? { lengthMs: 1, key: null }
        : { lengthMs: phases.trialMs, key: "phases.trialMs" };
    case "control":
    case "after":
      return { lengthMs: migrationMarginMs, key: "migrationMarginMs" };
    case "migrating":
      return { lengthMs: migrationDeadlineMs, key: "migrationDeadlineMs" };
  }
}
