/**
 * What Temporal's UI shows as summary and details, in markdown. Lists, not tables: UI 2.54 renders
 * tables without borders or padding, so that columns stick together.
 */
import type { CampaignProgress, Element, TrialBrief } from "./acts.ts";
import type { TrialEnd } from "./attempt.ts";
import type { CampaignView } from "./messages.ts";

/** `readMs`: when the ledger was read, Unix time; it is not read during an element. */
export function campaignDetails(
  view: CampaignView,
  ledger: CampaignProgress | null,
  readMs: number,
): string {
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
    `_As read at ${new Date(readMs).toISOString().slice(0, 19).replace("T", " ")} UTC, ${freshness(view)}_`,
    counts.join("\n"),
    ...section("Outcomes of the valid ones", outcomes),
    ...section(
      "Last trials",
      ledger.lastTrials.map((trial) => `- ${trial}`),
    ),
  ].join("\n\n");
}

/** Where newer figures are than those of this page. */
const freshness = ({ element, campaign }: CampaignView): string =>
  element === null
    ? `\`longhaul status ${campaign}\` reads it anew`
    : `between elements; \`${element}\` shows each of its trials, \`longhaul status ${campaign}\` reads the ledger anew`;

/** `42 planned = 40 valid + 1 invalid + 1 skipped`, and what is still open. */
export function ledgerSentence(ledger: CampaignProgress): string {
  const { planned, valid, invalid, skipped, pending, running } = ledger;
  const open = pending + running > 0 ? ` + ${pending} pending + ${running} running` : "";
  return `${planned} planned = ${valid} valid + ${invalid} invalid + ${skipped} skipped${open}`;
}

/** `2nd in the queue of the testbed lab, which demo-1 holds` */
export const queueWords = (place: number, testbed: string, heldBy: string): string =>
  `${ordinal(place)} in the queue of the testbed ${testbed}, which ${heldBy.replace(/^campaign\//, "")} holds`;

function ordinal(place: number): string {
  const teen = place % 100 >= 11 && place % 100 <= 13;
  return `${place}${(teen ? undefined : ["th", "st", "nd", "rd"][place % 10]) ?? "th"}`;
}

export const beingMeasured = "**being measured**";

/** Of a trial that left the testbed in doubt: what was seen, and where the rungs stand. */
export const beingRecovered = (why: string, workflow: string): string =>
  `${why}. **Being recovered**: \`${workflow}\` says which rung is tried`;

/** What came of each load so far; `now`: of the first one without an end, which runs; null: none does. */
export function sweepDetails(
  trials: readonly TrialBrief[],
  ends: readonly TrialEnd[],
  now: string | null,
): string {
  const lines = trials.map(({ label }, index) => {
    const runs = now !== null && index === ends.length;
    return `- ${label}: ${runs ? now : endWords(ends[index] ?? null)}`;
  });
  return [`**${ends.length} of ${loads(trials.length)} done**`, lines.join("\n")].join("\n\n");
}

/** `end`: its end, or what is done with it now. */
export const migrationDetails = (trial: TrialBrief, end: TrialEnd | string): string =>
  `- ${trial.label}: ${typeof end === "string" ? end : endWords(end)}`;

/** What a child workflow returns of each trial, for people: `64 B, idle: valid, completed, 1 attempt`. */
export const endLines = (
  trials: readonly TrialBrief[],
  ends: readonly TrialEnd[],
): readonly string[] =>
  trials.map(
    ({ label }, index) => `${label}: ${endWords(ends[index] ?? null).replaceAll("*", "")}`,
  );

const loads = (count: number): string => (count === 1 ? "1 load" : `${count} loads`);

/** One line for the timeline of the campaign; at most 200 bytes. */
export const elementSummary = (element: Element): string => {
  const what =
    element.kind === "forwarding"
      ? `forwarding · ${loads(element.trials.length)}`
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
  if (end.verdict === "skipped") return `**${end.reason}**`;
  if (end.verdict === "decided") return `had its verdict: ${end.reason}`;
  if (end.verdict === "superseded" || end.verdict === "interrupted")
    return `put off: ${end.reason}`;
  const attempts = end.attempts === 1 ? "1 attempt" : `${end.attempts} attempts`;
  return end.verdict === "valid"
    ? `**valid**, ${end.outcome}, ${attempts}${end.words === undefined ? "" : `: ${end.words}`}`
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
