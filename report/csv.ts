/** Comma-separated values after RFC 4180: a header line, `\r\n`, quotes where they are needed. */
import type { LedgerRow } from "../model/trial.ts";
import type { TrialRow } from "../store/store.ts";
import { trialJson } from "./trial-json.ts";

type Cell = string | number | boolean | null | undefined;

/** A missing value is an empty cell; a measured zero is `0`. */
export function csv(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [header, ...rows].map((cells) => `${cells.map(cell).join(",")}\r\n`).join("");
}

function cell(value: Cell): string {
  if (value === null || value === undefined) return "";
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line for each planned trial. Levels and results are columns of their own, under their JSON keys. */
export function trialsCsv(trials: readonly TrialRow[]): string {
  const rows = trials.map(trialJson);
  const levels = distinctKeys(rows.map(({ scenario }) => scenario));
  const results = distinctKeys(rows.map((row) => row.results));
  const own = [
    "repetition",
    "state",
    "verdict",
    "reason",
    "outcome",
    "attempts",
    "startedAt",
    "endedAt",
  ] as const;
  return csv(
    ["id", "kind", ...levels, ...own, "doubts", ...results],
    rows.map((row) => [
      row.id,
      row.kind,
      ...levels.map((key) => (row.scenario as unknown as Record<string, Cell>)[key]),
      ...own.map((key) => row[key]),
      row.doubts.join("; "),
      ...results.map((key) => row.results[key]),
    ]),
  );
}

export const ledgerCsv = (ledgers: ReadonlyMap<string, readonly LedgerRow[]>): string =>
  csv(
    ["trial", "place", "frames"],
    [...ledgers].flatMap(([trial, rows]) =>
      rows.map(({ place, frames }) => [trial, place, frames]),
    ),
  );

const distinctKeys = (rows: readonly object[]): readonly string[] => [
  ...new Set(rows.flatMap((row) => Object.keys(row))),
];
