/** Recoveries as a result of their own: which rungs were climbed, how often they helped, and how long each took. */
import { z } from "zod";
import type { EventRow } from "../store/store.ts";
import type { RecoveryRow } from "../store/recoveries.ts";
import { csv } from "./csv.ts";
import { estimate } from "./estimate.ts";
import { type Html, html, htmlTable } from "./html-text.ts";
import { durationText, missing } from "./number-text.ts";
import { cellText, type Cell } from "./tables.ts";

/** One step of one recovery. */
export interface RungRow {
  readonly recovery: string;
  readonly trial: string;
  readonly step: string;
  readonly hosts: readonly string[];
  readonly status: "verified" | "failed";
  readonly durationMs: number;
  readonly words: string;
  readonly at: string;
}

const content = z.object({
  recovery: z.string(),
  step: z.string(),
  hosts: z.array(z.string()),
  status: z.enum(["verified", "failed"]),
  durationMs: z.number(),
  words: z.string(),
});

export const rungRows = (events: readonly EventRow[]): readonly RungRow[] =>
  events
    .filter(({ kind }) => kind === "rung")
    .map((event) => ({ ...content.parse(event.content), trial: event.trial ?? "", at: event.at }));

export const rungsCsv = (rungs: readonly RungRow[]): string =>
  csv(
    ["recovery", "trial", "step", "hosts", "status", "durationMs", "at", "words"],
    rungs.map((one) => [
      ...[one.recovery, one.trial, one.step, one.hosts.join(" "), one.status],
      ...[one.durationMs, one.at, one.words],
    ]),
  );

/** Steps in the order in which they first occur, each with the times of those that were verified: one that failed took as long as its deadline. */
export function rungTimes(rungs: readonly RungRow[]): readonly (readonly Cell[])[] {
  const steps = [...new Set(rungs.map(({ step }) => step))];
  return steps.map((step) => {
    const own = rungs.filter((one) => one.step === step);
    const verified = own.filter(({ status }) => status === "verified");
    const seconds = verified.map(({ durationMs }) => durationMs / 1e3);
    return [
      step,
      `${verified.length} of ${own.length}`,
      { ...estimate("rungS", seconds, [0, null]), outOf: own.length },
      seconds.length === 0 ? missing : durationText(Math.max(...seconds)),
    ];
  });
}

export function recoverySection({
  recoveries,
  rungs,
}: {
  readonly recoveries: readonly RecoveryRow[];
  readonly rungs: readonly RungRow[];
}): Html {
  const times = rungTimes(rungs);
  return html`<p class="note">
      A recovery follows an attempt that left the testbed in doubt. Each rung is verified on the
      hosts before the next; after it a health trial must meet the baseline before anything is
      measured.
    </p>
    <h3>Time of each rung</h3>
    ${htmlTable(
      ["rung", "verified", "time to the proof (s), mean with 95 % interval", "longest"],
      times.map((row) => row.map(cellText)),
      (column) => times.some((row) => typeof row[column] === "object"),
    )}
    <h3>Every recovery</h3>
    ${htmlTable(
      ["after the trial", "attempt", "called for by", "outcome", "highest rung", "took"],
      recoveries.map((one) => [
        html`<code>${one.trial}</code>`,
        String(one.attempt),
        one.why,
        one.outcome ?? `under way: ${one.step ?? "between rungs"}`,
        one.rung ?? missing,
        one.endedAt === null
          ? missing
          : durationText((Date.parse(one.endedAt) - Date.parse(one.startedAt)) / 1e3),
      ]),
    )}`;
}
