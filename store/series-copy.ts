/** Counter series, and stamps of every frame, as COPY's text format. */
import type { ClockOffset, SamplerAccuracy } from "../model/measurement.ts";
import type { AttemptRef } from "../model/trial.ts";
import { snake } from "./rows.ts";

/** The arrays of a series, in the order they are copied in. */
export const seriesColumns = [
  "beforeUs",
  "afterUs",
  "rxFrames",
  "rxBytes",
  "rxDropped",
  "txFrames",
  "txBytes",
  "txDropped",
] as const;

/** One interface's series on its way to the writing thread. */
export interface SeriesToCopy {
  readonly head: {
    readonly host: string;
    readonly device: string;
    readonly ifindex: number;
    readonly accuracy: SamplerAccuracy;
    readonly clock: ClockOffset;
  };
  /** As `seriesColumns`. */
  readonly columns: readonly Float64Array<ArrayBuffer>[];
}

/** Stamps of every frame at the sink on their way to the writing thread. */
export interface ArrivalsToCopy {
  readonly host: string;
  readonly arrivalUs: Float64Array<ArrayBuffer>;
  readonly sequence: Float64Array<ArrayBuffer>;
}

/** What one job writes: one of the two. */
export type ToCopy =
  | { readonly kind: "counters"; readonly rows: readonly SeriesToCopy[] }
  | { readonly kind: "arrivals"; readonly arrivals: ArrivalsToCopy };

export interface SeriesJob {
  readonly job: number;
  readonly ref: AttemptRef;
  readonly content: ToCopy;
}

export interface SeriesReply {
  readonly job: number;
  readonly error: { readonly message: string; readonly outOfReach: boolean } | null;
}

const headColumns = [
  ...["trial", "attempt", "testbed", "host", "device", "ifindex"],
  ...["interval_ms", "achieved_p50_ms", "achieved_p99_ms", "achieved_max_ms", "missed_ticks"],
  ...["read_p99_us", "clock_offset_us", "clock_uncertainty_us"],
];

export const copySeriesSql = `COPY counter_series (${[...headColumns, ...seriesColumns.map(snake)].join(", ")}) FROM STDIN`;

/** One line of COPY's text format, with its line end (PostgreSQL manual, COPY, File Formats). */
export function copyLine(
  { trialId, attempt, testbed }: AttemptRef,
  { head, columns }: SeriesToCopy,
): string {
  const { host, device, ifindex, accuracy, clock } = head;
  const fields = [
    ...[copyText(trialId), attempt, copyText(testbed), copyText(host), copyText(device), ifindex],
    ...[accuracy.intervalMs, accuracy.p50Ms, accuracy.p99Ms, accuracy.maxMs, accuracy.missedTicks],
    ...[accuracy.readP99Us, clock.offsetUs, clock.uncertaintyUs],
    ...columns.map((column) => `{${column.join(",")}}`),
  ];
  return `${fields.join("\t")}\n`;
}

/** A row holds so many frames: a line of text stays within some megabytes. */
const framesPerRow = 100_000;

export const copyArrivalsSql =
  "COPY raw_arrivals (trial, attempt, testbed, host, first_frame, arrival_us, sequence) FROM STDIN";

export function* arrivalLines(
  { trialId, attempt, testbed }: AttemptRef,
  { host, arrivalUs, sequence }: ArrivalsToCopy,
): Generator<string> {
  for (let first = 0; first < arrivalUs.length; first += framesPerRow) {
    const part = (column: Float64Array) =>
      `{${column.subarray(first, first + framesPerRow).join(",")}}`;
    const head = [copyText(trialId), attempt, copyText(testbed), copyText(host), first];
    yield `${[...head, part(arrivalUs), part(sequence)].join("\t")}\n`;
  }
}

const escapes: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
};

const copyText = (text: string): string =>
  text.replaceAll(/[\\\t\n\r]/g, (character) => escapes[character] ?? character);
