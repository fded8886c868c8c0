import type { Command } from "commander";
import { UsageError } from "../model/usage-error.ts";
import { numberText } from "../report/number-text.ts";
import { unknownCampaign } from "../report/record.ts";
import { type TrialJson, trialJson } from "../report/trial-json.ts";
import { stateFolder } from "../services/state-folder.ts";
import type { AttemptRow, EventRow, StepRow, Store } from "../store/store.ts";
import { withStore } from "./store-access.ts";

export interface TrialDetail extends TrialJson {
  readonly steps: readonly StepRow[];
  readonly attemptLog: readonly AttemptRow[];
  /** Of the judged attempt; of the last one while none is judged. */
  readonly ledger: readonly { readonly place: string; readonly frames: number }[];
  readonly evidence: readonly EventRow[];
  readonly series: readonly {
    readonly host: string;
    readonly device: string;
    readonly samples: number;
    readonly accuracy: Readonly<Record<string, number>>;
  }[];
  readonly provenance: Readonly<Record<string, unknown>> | null;
}

export function trialCommand(program: Command): void {
  program
    .command("trial")
    .description("one trial with its steps, attempts, ledger, evidence, series and provenance")
    .argument("<trial-id>", "as `longhaul trials` prints it")
    .action(async (id: string, options: { state?: string; json?: boolean }) => {
      const state = stateFolder(options.state);
      const detail = await withStore(state, (store) => trialDetail(store, id));
      console.log(options.json === true ? JSON.stringify(detail) : trialText(detail));
    });
}

/** @throws {UsageError} the trial is unknown. */
export async function trialDetail(store: Store, id: string): Promise<TrialDetail> {
  const trial = await store.trial(id);
  if (!trial) throw await unknownTrial(store, id);
  const attemptLog = await store.attempts(id);
  const attempt = trial.judgedAttempt ?? attemptLog.at(-1)?.attempt ?? null;
  const series = attempt === null ? [] : await store.series(id, attempt);
  return {
    ...trialJson(trial),
    steps: await store.steps(id),
    attemptLog,
    ledger: attempt === null ? [] : await store.ledger(id, attempt),
    evidence: await store.events({ trial: id }),
    series: series.map(({ host, device, beforeUs, accuracy }) => ({
      host,
      device,
      samples: beforeUs.length,
      accuracy: { ...accuracy },
    })),
    provenance: attempt === null ? null : await store.provenance(id, attempt),
  };
}

async function unknownTrial(store: Store, id: string): Promise<UsageError> {
  const campaign = id.split("/")[0] ?? "";
  if ((await store.status(campaign)) === null) return await unknownCampaign(store, campaign);
  return new UsageError(
    `trial ${JSON.stringify(id)} is unknown; \`longhaul trials ${campaign}\` lists those of ${campaign}`,
  );
}

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
      trial.evidence.map(({ at, kind, host, content }) => [
        `${at} ${kind}`,
        `${host ?? ""} ${JSON.stringify(content)}`.trim(),
      ]),
    ),
    ...part(
      "series",
      trial.series.map(({ host, device, samples, accuracy }) => [
        `${host} ${device}`,
        `${samples} samples, every ${accuracy.intervalMs} ms, p99 ${numberText(accuracy.p99Ms ?? null)} ms`,
      ]),
    ),
    ...part(
      "provenance",
      Object.entries(trial.provenance ?? {}).map(([key, value]) => [
        key,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    ),
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
