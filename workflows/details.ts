/**
 * What Temporal's UI shows as summary and details, in markdown. Lists, not tables: UI 2.54 renders
 * tables without borders or padding, so that columns stick together.
 */
import type { CampaignProgress, Element, TrialBrief } from "./acts.ts";
import type { TrialEnd } from "./attempt.ts";
import type { CampaignView } from "./messages.ts";

export function campaignDetails(view: CampaignView, ledger: CampaignProgress | null): string {
  const head = [
    `### ${view.campaign}: ${view.state}`,
    ...(view.reason === null ? [] : [`_${view.reason}_`]),
    `Testbed **${view.testbed}** · ${view.step}`,
  ];
  if (ledger === null) return head.join("\n\n");
  const done = ledger.valid + ledger.invalid + ledger.skipped;
  const counts = (["valid", "invalid", "skipped", "pending", "running"] as const).map(
    (name) => `- ${name}: **${ledger[name]}**`,
  );
  const outcomes = Object.entries(ledger.outcomes).map(
    ([name, count]) => `- ${name}: **${count}**`,
  );
  const eta =
    ledger.etaSeconds === null || ledger.pending === 0
      ? ""
      : `, ${duration(ledger.etaSeconds)} left`;
  return [
    ...head,
    `**${done} of ${ledger.planned} trials done${eta}**`,
    counts.join("\n"),
    ...section("Outcomes of the valid ones", outcomes),
    ...section(
      "Last trials",
      ledger.lastTrials.map((trial) => `- ${trial}`),
    ),
  ].join("\n\n");
}

export const sweepDetails = (trials: readonly TrialBrief[], ends: readonly TrialEnd[]): string =>
  trials.map((trial, index) => `- ${trial.label}: ${endWords(ends[index] ?? null)}`).join("\n");

export const migrationDetails = (trial: TrialBrief, end: TrialEnd | null): string =>
  `- ${trial.label}: ${endWords(end)}`;

/** One line for the timeline of the campaign; at most 200 bytes. */
export const elementSummary = (element: Element): string => {
  const what =
    element.kind === "forwarding"
      ? `forwarding · ${element.trials.length} loads`
      : `migration · ${element.trials[0]?.label ?? ""}`;
  return `${what} · ${element.platform} · ${element.frameSizeBytes} B · repetition ${element.repetition}`.slice(
    0,
    180,
  );
};

export const elementPlan = (element: Element): string =>
  element.trials
    .map((trial) => `- \`${trial.trialId}\`: ${trial.label}`)
    .join("\n")
    .slice(0, 20_000);

function endWords(end: TrialEnd | null): string {
  if (end === null) return "no verdict yet";
  if (end.verdict === "superseded" || end.verdict === "interrupted")
    return `put off: ${end.reason}`;
  const attempts = end.attempts === 1 ? "1 attempt" : `${end.attempts} attempts`;
  return end.verdict === "valid"
    ? `**valid**, ${end.outcome}, ${attempts}`
    : `**invalid** after ${attempts}: ${end.reason}`;
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`**${title}**`, lines.join("\n")];

function duration(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return "less than a minute";
  return minutes < 60
    ? `about ${minutes} min`
    : `about ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
