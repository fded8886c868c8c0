/** One trial as people read it; the whole of it is in the JSON. */
import { numberText } from "../report/number-text.ts";
import type { AttemptRow, StepRow } from "../store/store.ts";
import { readableLines } from "./readable.ts";
import type { TrialDetail } from "./trial.ts";

export function trialText(trial: TrialDetail): string {
  const reason = trial.reason === null ? "" : `: ${trial.reason}`;
  const table = (rows: readonly (readonly [string, string])[]) => {
    const width = Math.max(0, ...rows.map(([name]) => name.length));
    return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  };
  const part = (title: string, rows: readonly (readonly [string, string])[]) =>
    rows.length === 0 ? [] : ["", title, ...table(rows)];
  return [
    `${trial.id}: ${trial.state}${trial.outcome === null ? "" : `, ${trial.outcome}`}${reason}`,
    ...trial.doubts.map((doubt) => `  doubt: ${doubt}`),
    ...part(
      "results",
      Object.entries(trial.results).map(([key, value]) => [key, valueText(value)]),
    ),
    ...part(
      "ledger (frames)",
      trial.ledger.map(({ place, frames }) => [place, String(frames)]),
    ),
    ...part("attempts", trial.attemptLog.map(attemptLine)),
    ...part("steps", trial.steps.map(stepLine)),
    ...part(
      "evidence",
      trial.evidence.flatMap(({ at, kind, host, content }) => {
        const where = host === null ? "" : ` on ${host}`;
        const lines = readableLines("", content);
        const plain = lines.find(([key]) => key === "")?.[1] ?? "";
        const nested = lines.filter(([key]) => key !== "");
        return [
          [`${at.slice(11, 23)} ${kind}${where}`, plain] as const,
          ...nested.map(([key, value]) => [`  ${key}`, value] as const),
        ];
      }),
    ),
    ...part("series", seriesLines(trial.series)),
    ...part("provenance", readableLines("", trial.provenance ?? {})),
    "",
    "whole evidence, provenance and numbers: the same command with --json",
  ].join("\n");
}

const valueText = (value: string | number | boolean | null): string =>
  typeof value === "number" ? numberText(value) : value === null ? "–" : String(value);

const attemptLine = (row: AttemptRow): readonly [string, string] => [
  String(row.attempt),
  [
    row.verdict ?? "open",
    row.outcome,
    row.reason,
    row.cut ? "cut by Longhaul's own death" : null,
    row.location === null ? null : `router at ${row.location}`,
    `token ${row.token}`,
  ]
    .filter((word) => word !== null)
    .join(", "),
];

/** One line for each host: its interfaces were sampled together. */
function seriesLines(series: TrialDetail["series"]): readonly (readonly [string, string])[] {
  return [...Map.groupBy(series, ({ host }) => host)].map(([host, own]) => {
    const [first] = own;
    const devices = own.map(({ device }) => device).join(" ");
    const p99 = numberText(first?.accuracy.p99Ms ?? null);
    return [
      host,
      `${devices}: ${first?.samples} samples each, every ${first?.accuracy.intervalMs} ms, p99 ${p99} ms`,
    ];
  });
}

function stepLine(step: StepRow): readonly [string, string] {
  const took =
    step.endedAt === null ? "" : ` ${Date.parse(step.endedAt) - Date.parse(step.startedAt)} ms`;
  const parts = Object.entries(step.parts).map(([name, ms]) => `${name} ${numberText(ms)} ms`);
  const retry = step.retry > 1 ? ` (retry ${step.retry})` : "";
  return [
    `${step.attempt} ${step.name}${retry}`,
    [`${step.outcome}${took}`, ...parts, step.detail].filter((word) => word !== null).join(", "),
  ];
}
