/** The table of results: one row for each scenario, its means with their intervals, its failures beside n. */
import type { Campaign } from "../model/campaign.ts";
import { labelWords } from "../model/load.ts";
import type { TrialRow } from "../store/store.ts";
import { mbpsL2FromFps } from "../model/units.ts";
import { type Estimate, estimate } from "./estimate.ts";
import { proportion } from "../stats/proportion.ts";
import { missing, numberText } from "./number-text.ts";
import { directionLabel, type ScenarioGroup, scenarioGroups, values } from "./scenarios.ts";

export interface Table {
  readonly title: string;
  readonly header: readonly string[];
  /** Cells that are numbers stand to the right. */
  readonly rows: readonly (readonly Cell[])[];
}
/** `outOf`: the measurements that the row as a whole has. */
export type Cell = string | (Estimate & { readonly outOf: number });

interface Column {
  readonly header: string;
  readonly key: string;
  readonly convert?: (value: number, group: ScenarioGroup) => number;
  readonly bounds?: readonly [number | null, number | null];
}

const toMbpsL2 = (fps: number, group: ScenarioGroup) => mbpsL2FromFps(fps, group.frameSizeBytes);
const columns: Readonly<Record<ScenarioGroup["kind"], readonly Column[]>> = {
  forwarding: [
    { header: "offered (Mbit/s L2)", key: "offeredFps", convert: toMbpsL2 },
    { header: "forwarded (Mbit/s L2)", key: "forwardedFps", convert: toMbpsL2, bounds: [0, null] },
    {
      header: "forwarded (kframes/s)",
      key: "forwardedFps",
      convert: (fps) => fps / 1e3,
      bounds: [0, null],
    },
    { header: "loss ratio, median (0…1)", key: "lossRatio", bounds: [0, 1] },
    { header: "RTT, median (ms)", key: "rttMedianMs", bounds: [0, null] },
  ],
  migration: [
    { header: "total time (ms)", key: "totalTimeMs", bounds: [0, null] },
    {
      header: "downtime by hypervisor, median (ms)",
      key: "downtimeHypervisorMs",
      bounds: [0, null],
    },
    { header: "packet gap, median (ms)", key: "downtimePacketGapMs", bounds: [0, null] },
    { header: "loss-derived, median (ms)", key: "downtimeLossMs", bounds: [0, null] },
    { header: "volume (MiB)", key: "transferredMib", bounds: [0, null] },
  ],
};

/** One table for each kind of trial that the campaign plans. */
export function resultTables(groups: readonly ScenarioGroup[]): readonly Table[] {
  return (["forwarding", "migration"] as const).flatMap((kind) => {
    const ofKind = groups.filter((group) => group.kind === kind);
    return ofKind.length === 0 ? [] : [table(kind, ofKind)];
  });
}

function table(kind: ScenarioGroup["kind"], groups: readonly ScenarioGroup[]): Table {
  const withFault = groups.some(({ fault }) => fault !== null);
  const withDirection = groups.some(({ direction }) => direction !== null);
  return {
    title: kind === "forwarding" ? "Forwarding" : "Live migration",
    header: [
      "platform",
      "frame (B)",
      kind === "forwarding" ? "load" : "cross-traffic",
      ...(withDirection ? ["direction"] : []),
      ...(withFault ? ["planned fault"] : []),
      "n",
      ...columns[kind].map(({ header }) => header),
      "failures of valid",
    ],
    rows: groups.map((group) => [
      group.platform,
      String(group.frameSizeBytes),
      labelWords(group.load),
      ...(withDirection && group.direction ? [directionLabel(group.direction)] : []),
      ...(withFault ? [group.fault ?? missing] : []),
      `${group.completed.length} of ${group.trials.length}`,
      ...columns[kind].map((column) => cell(column, group)),
      failures(group),
    ]),
  };
}

function cell({ key, convert, bounds }: Column, group: ScenarioGroup): Exclude<Cell, string> {
  const found = values(group.completed, key);
  const sample = convert ? found.map((value) => convert(value, group)) : found;
  // More than what was offered cannot come through.
  const most = key === "forwardedFps" ? Math.max(...values(group.completed, "offeredFps")) : null;
  const possible = most === null ? bounds : ([0, convert ? convert(most, group) : most] as const);
  return { ...estimate(key, sample, possible), outOf: group.completed.length };
}

/** Valid trials that did not complete are data: how many of how many, and as what. */
export function failures({ trials }: Pick<ScenarioGroup, "trials">): string {
  const valid = trials.filter(({ state }) => state === "valid");
  const failed = valid.filter(({ outcome }) => outcome !== "completed");
  if (valid.length === 0) return missing;
  const counts = new Map<string, number>();
  for (const { outcome } of failed)
    counts.set(outcome ?? "unknown", (counts.get(outcome ?? "unknown") ?? 0) + 1);
  const words = [...counts].map(([outcome, count]) => `${count} ${outcome}`);
  const { interval } = proportion(failed.length, valid.length);
  const range = interval ? ` [${numberText(interval.low)}, ${numberText(interval.high)}]` : "";
  return [`${failed.length} of ${valid.length}${range}`, ...words].join(", ");
}

/**
 * A mean as `12.1 ± 0.3`, or `0.4 [0, 1.9]` where its interval is cut at a bound; a median as
 * `0.4 [0.1, 1.9]`, or with its range, `0.4 (0.1…1.9)`, where n is too small for an interval.
 */
export function cellText(cell: Cell): string {
  if (typeof cell === "string") return cell;
  const missingSome = cell.n < cell.outOf && cell.n > 0 ? ` (n = ${cell.n})` : "";
  return `${estimateText(cell)}${missingSome}`;
}

function estimateText({ kind, center, low, high, sample }: Estimate): string {
  const range = [Math.min(...sample), Math.max(...sample)] as const;
  if (center === null || (kind === "median" && range[0] === range[1])) return numberText(center);
  if (low === null || high === null)
    return kind === "median"
      ? `${numberText(center)} (${range.map(numberText).join("…")})`
      : numberText(center);
  const [below, above] = [center - low, high - center];
  const symmetric = Math.abs(below - above) <= 1e-6 * Math.max(below, above, 1e-12);
  if (above === 0 && below === 0) return `${numberText(center)} ± 0`;
  const narrow = numberText(low) === numberText(high) && numberText(low) === numberText(center);
  return (symmetric || narrow) && kind === "mean"
    ? `${numberText(center)} ± ${halfText(center, Math.max(below, above))}`
    : `${numberText(center)} [${numberText(low)}, ${numberText(high)}]`;
}

/** Half an interval; below the last figure that its centre shows only that it is so small. */
function halfText(center: number, half: number): string {
  const [, figures = ""] = numberText(center).split(".");
  const last = 10 ** -figures.length;
  return half < last && !figures.includes("e")
    ? `<${last.toFixed(figures.length)}`
    : numberText(half);
}

/** A table for a terminal: columns padded, numbers to the right, units on a line of their own. */
function textTable({ title, header, rows }: Table): string {
  const texts = rows.map((row) => row.map(cellText));
  const words = header.map((word) => word.replace(/ \(.*\)$/, ""));
  const units = header.map((word) => / (\(.*\))$/.exec(word)?.[1] ?? "");
  const all = [words, units, ...texts];
  const widths = header.map((_, index) => Math.max(...all.map((row) => row[index]?.length ?? 0)));
  const isNumeric = (index: number) => rows.some((row) => typeof row[index] === "object");
  const line = (cells: readonly string[]) =>
    cells
      .map((text, index) =>
        isNumeric(index) ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [title, ...all.map(line)].join("\n");
}

/** All tables of results as a terminal shows them. */
export const resultsText = (
  trials: readonly TrialRow[],
  campaign: Pick<Campaign, "forwarding" | "migration">,
): string => resultTables(scenarioGroups(trials, campaign)).map(textTable).join("\n\n");
