/** A campaign's status as people read it. */
import { durationText, numberText } from "../report/number-text.ts";
import type { CampaignJson, Failures } from "./campaign-json.ts";
import type { HealthView } from "./health-text.ts";

/** `planned 42 = 17 valid + 1 invalid + 0 skipped`, and what is still open. */
export function ledgerText(status: {
  readonly planned: number | null;
  readonly verdicts: Readonly<Record<"valid" | "invalid" | "skipped", number | null>>;
  readonly pending: number | null;
  readonly running: number | null;
}): string {
  const { planned, verdicts, pending, running } = status;
  const open =
    (pending ?? 0) + (running ?? 0) > 0 ? ` + ${pending} pending + ${running} running` : "";
  return `planned ${planned} = ${verdicts.valid} valid + ${verdicts.invalid} invalid + ${verdicts.skipped} skipped${open}`;
}

export const outcomesText = (outcomes: Readonly<Record<string, number>>): string =>
  Object.entries(outcomes)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(", ") || "none yet";

/** `2 of 17 valid ones failed [0.03, 0.34]`: with the 95 % interval of their share. */
function failuresText({ count, valid, low95, high95 }: Failures): string {
  if (count === null || valid === null || valid === 0) return "";
  const range =
    low95 === null || high95 === null ? "" : ` [${[low95, high95].map(numberText).join(", ")}]`;
  return `; ${count} of ${valid} valid ones failed${range}`;
}

/** `recovery`: a sentence, or null when there was none. `health`: null where nothing is known of it. */
export function campaignText(
  status: CampaignJson & { readonly testbed?: string },
  recovery: string | null,
  health: HealthView | null = null,
): string {
  const { campaign, state, reason, current, etaSeconds } = status;
  if (state === null) return `${campaign}: ${reason}`;
  const lines = [
    `${campaign}: ${state}${status.testbed === undefined ? "" : ` on ${status.testbed}`}${reason === null ? "" : ` (${reason})`}`,
    `  ledger    ${ledgerText(status)}`,
    `  outcomes  ${outcomesText(status.outcomes)}${failuresText(status.failures)}; ${status.attempts} attempts, ${status.recoveries} recoveries`,
    ...(health === null ? [] : [`  health    ${health.state}: ${health.words}`]),
    ...(recovery === null ? [] : [`  recovery  ${recovery}`]),
    ...(current === null
      ? []
      : [`  now       ${current.trial}, attempt ${current.attempt}: ${current.step}`]),
    // What stands behind the state already is not said twice.
    ...(status.waitsFor === null || status.waitsFor === reason
      ? []
      : [`  waits for ${status.waitsFor}`]),
    ...(etaSeconds === null ? [] : [`  left      ${durationText(etaSeconds)}`]),
    ...(status.temporalUi === null ? [] : [`  UI        ${status.temporalUi}`]),
  ];
  return lines.join("\n");
}
