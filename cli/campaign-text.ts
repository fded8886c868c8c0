/** A campaign's status as people read it. */
import { durationText } from "../report/number-text.ts";
import type { CampaignJson } from "./campaign-json.ts";

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

/** `lastRecovery`: a sentence, or null when there was none. */
export function campaignText(
  status: CampaignJson & { readonly testbed?: string },
  lastRecovery: string | null,
): string {
  const { campaign, state, reason, current, etaSeconds } = status;
  if (state === null) return `${campaign}: ${reason}`;
  const lines = [
    `${campaign}: ${state}${status.testbed === undefined ? "" : ` on ${status.testbed}`}${reason === null ? "" : ` (${reason})`}`,
    `  ledger    ${ledgerText(status)}`,
    `  outcomes  ${outcomesText(status.outcomes)}; ${status.attempts} attempts, ${status.recoveries} recoveries`,
    ...(lastRecovery === null ? [] : [`  recovery  ${lastRecovery}`]),
    ...(current === null
      ? []
      : [`  now       ${current.trial}, attempt ${current.attempt}: ${current.step}`]),
    ...(etaSeconds === null ? [] : [`  left      ${durationText(etaSeconds)}`]),
    ...(status.temporalUi === null ? [] : [`  UI        ${status.temporalUi}`]),
  ];
  return lines.join("\n");
}
