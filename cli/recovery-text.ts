/** What `status` says of recoveries: the rung now tried, the last one's end, and who waits in quarantine. */
import { durationText } from "../report/number-text.ts";
import type { QuarantineRow, RecoveryRow } from "../store/recoveries.ts";

export interface RecoveryView {
  /** The recovery under way. */
  readonly now: RecoveryRow | null;
  readonly last: RecoveryRow | null;
  readonly quarantined: readonly QuarantineRow[];
}

/** `recoveries` in the order in which they began. */
export const recoveryView = (
  recoveries: readonly RecoveryRow[],
  quarantined: readonly QuarantineRow[],
): RecoveryView => ({
  now: recoveries.findLast(({ endedAt }) => endedAt === null) ?? null,
  last: recoveries.findLast(({ endedAt }) => endedAt !== null) ?? null,
  quarantined,
});

/** One line; null: nothing was ever recovered, and no host is in quarantine. */
export function recoveryText(
  { now, last, quarantined }: RecoveryView,
  nowMs: number,
): string | null {
  const parts = [
    ...(now === null ? [] : [underWay(now, nowMs)]),
    ...(last === null ? [] : [`last: ${ended(last)}`]),
    ...quarantined.map(({ host, reason }) => `${host} in quarantine: ${reason}`),
  ];
  return parts.length === 0 ? null : parts.join("; ");
}

function underWay({ trial, step, stepHosts, stepSince, why }: RecoveryRow, nowMs: number): string {
  const where = stepHosts.length === 0 ? "" : ` (${stepHosts.join(", ")})`;
  const since =
    stepSince === null
      ? ""
      : ` for ${durationText(Math.max(0, (nowMs - Date.parse(stepSince)) / 1e3))}`;
  return `now: ${step ?? "between rungs"}${where}${since}, after ${trial} (${why})`;
}

function ended({ trial, outcome, rung, startedAt, endedAt, why }: RecoveryRow): string {
  const took = durationText((Date.parse(endedAt ?? startedAt) - Date.parse(startedAt)) / 1e3);
  const by = outcome === "recovered" && rung !== null ? ` by ${rung}` : "";
  return `${outcome}${by} in ${took}, ${endedAt?.slice(11, 19)} UTC, after ${trial} (${why})`;
}
