/** What a migration came to, from the platform's word, its watcher's and both hosts'. Pure. */
import type { Campaign } from "../model/campaign.ts";
import type { RouterLocation } from "../model/guest.ts";
import type { Hang } from "../model/hang.ts";
import { hangRule } from "../model/hang.ts";
import type { MigrationMeasurement } from "../model/measurement.ts";
import type { AttemptVerdict, TrialOutcome } from "../model/trial.ts";
import type { HostBoot } from "../model/watch.ts";
import { judgeRouter, wasRebooted } from "./lockup-judge.ts";
import type { RouterJudgement } from "./lockup-judge.ts";
import { firstHang } from "./progress-judge.ts";

export type HangRuled = Pick<Campaign, "guest"> & { readonly hang?: Hang };

export interface OutcomeFound {
  readonly verdict: AttemptVerdict;
  readonly doubts: readonly string[];
}

/**
 * A failed migration is data: only a host that was lost makes the attempt invalid. Where several
 * things are true the graver one is told: a router that is gone before a hang, a hang before what the
 * platform says of the migration.
 */
export function migrationOutcome(
  measurement: MigrationMeasurement,
  location: RouterLocation,
  campaign: HangRuled & Pick<Campaign, "migrationDeadlineMs">,
): OutcomeFound {
  const { migration, router, watch } = measurement;
  const { status, source, destination, reason } = migration;
  const lost = [...(watch?.hosts ?? []), ...(router?.hosts ?? [])].flatMap(hostWords);
  if (lost.length > 0) return { verdict: invalid([...new Set(lost)].join("; ")), doubts: [] };
  const where = `the router is ${locationWords(location, source, destination)}`;
  const told = reason === null ? "" : ` (${reason})`;
  const found = (outcome: TrialOutcome, ...doubts: string[]): OutcomeFound => ({
    verdict: { verdict: "valid", outcome },
    doubts,
  });
  const hung = watch?.verdict ?? "progressing";
  // A toolstack that is silent tells nothing of its guest: `unknown` is its own finding, not another's.
  if (hung === "api-hung") return found("api-hung", `${watch?.reason ?? ""}; ${where}`);
  if (location === "neither") return found("crashed", `migration ${status}${told}; ${where}`);
  // A destination that still waits for the first byte of a source whose process is gone holds no router.
  const gone = router?.state === "absent" || router?.state === "stopped";
  if (location === "incoming" && status === "unknown" && gone && migration.progress.length === 0)
    return found("crashed", `migration ${status}${told}; ${where}, and gone from ${source}`);
  const judged = router ? judgeRouter(router) : null;
  if (judged?.verdict === "crashed")
    return found("crashed", `migration ${status}${told}; ${judged.contradictions.join("; ")}`);
  if (judged?.verdict === "silently-rebooted" || (router && wasRebooted(router)))
    return found("silently-rebooted", `migration ${status}${told}; ${where}`);
  const spoken = routerWords(router, judged);
  if (hung !== "progressing")
    return found(outcomeOf[hung], `${watch?.reason ?? ""}; ${where}`, ...spoken);
  // Paused, incoming or on both hosts it does not claim to run as it should: that is its own finding.
  const claimsToRun = location === "source" || location === "destination";
  if (judged?.verdict === "locked-up" && (claimsToRun || location === "unknown"))
    return found(
      "locked-up",
      `${where}${claimsToRun ? " and runs" : ""}, but ${judged.contradictions.join("; ")}`,
    );
  if (location === "unknown")
    return {
      verdict: invalid(`migration ${status} by the platform's word${told}; ${where}`),
      doubts: [],
    };
  // A router that forwards nothing has neither moved nor resumed, even where too little else speaks against it.
  const forwards = router?.forwarding !== "silent";
  if (status === "completed" && location === "destination" && forwards)
    return found("completed", ...spoken);
  if (status === "failed" && location === "source" && forwards)
    return found("failed-resumed", ...spoken);
  if (status === "cancelled" && location === "source") {
    const { verdict, doubts } = atDeadline(measurement, campaign, where);
    return { verdict, doubts: [...doubts, ...spoken] };
  }
  if (claimsToRun && !forwards)
    return found("undefined", `migration ${status}${told}; ${where}`, ...spoken);
  return found("undefined", `migration ${status} by the platform's word${told}, but ${where}`);
}

/** What speaks against a router that is not called locked up. */
const routerWords = (
  router: MigrationMeasurement["router"],
  judged: RouterJudgement | null,
): readonly string[] =>
  judged === null || judged.contradictions.length === 0
    ? []
    : [`the router on ${router?.host}: ${judged.contradictions.join("; ")}`];

const outcomeOf = { "not-converging": "not-converged", stalled: "stalled" } as const;

/** Nobody's judge ended it: the last net did. What it was is read from what the platform showed until then. */
function atDeadline(
  { migration }: MigrationMeasurement,
  campaign: HangRuled & Pick<Campaign, "migrationDeadlineMs">,
  where: string,
): OutcomeFound {
  const samples = migration.progress.map((seen) => ({ ...seen, linkBytes: null }));
  // The report's own end counts as a look that saw nothing new.
  const last = samples.at(-1);
  const looks =
    last === undefined || migration.endUs === null || migration.endUs <= last.atUs
      ? samples
      : [...samples, { ...last, atUs: migration.endUs }];
  const { verdict } = firstHang(looks, hangRule(campaign));
  const told = migration.reason === null ? "" : ` (${migration.reason})`;
  return {
    verdict: {
      verdict: "valid",
      outcome: verdict === "stalled" ? "stalled" : "not-converged",
    },
    doubts: [
      verdict === "progressing"
        ? `still making progress when it was aborted at its deadline of ${campaign.migrationDeadlineMs} ms${told}; ${where}`
        : `aborted at its deadline of ${campaign.migrationDeadlineMs} ms${told}; ${where}`,
    ],
  };
}

export const hostWords = ({ host, state }: HostBoot): readonly string[] => {
  if (state === "same") return [];
  return [
    state === "booted"
      ? `${host} was booted meanwhile: it had lost its power`
      : `${host} answers no more: whether it has lost its power is not known`,
  ];
};

const invalid = (reason: string): AttemptVerdict => ({ verdict: "invalid", reason, cut: false });

const locationWords = (location: RouterLocation, source: string, destination: string): string => {
  switch (location) {
    case "source":
      return `at its source ${source}`;
    case "destination":
      return `at its destination ${destination}`;
    case "both":
      return `on both ${source} and ${destination}`;
    case "neither":
      return `on neither ${source} nor ${destination}`;
    case "paused":
      return "there but paused";
    case "incoming":
      return `still incoming at ${destination}`;
    case "unknown":
      return "nowhere to be found: not every host answered";
  }
};
