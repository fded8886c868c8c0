/** Counters of every interface of a host at a fixed interval, each sample between two looks at the clock. */
import { z } from "zod";
import type { CounterSeries, SamplerAccuracy } from "../model/measurement.ts";
import type { Agent, Fence } from "../remote/agent.ts";
import { breathe, indicesOf, int64s, uint32s, unpack } from "./columns.ts";
import type { Span } from "./columns.ts";
import { parseProcNetDev, parseStatsDump } from "./interface-counters.ts";
import type { InterfaceSample } from "./interface-counters.ts";
import { collectProbe, startProbe } from "./unit.ts";

export interface CounterSeriesOptions {
  readonly intervalMs: number;
  readonly deadlineMs: number;
}

export interface SampledCounters {
  /** Each with the accuracy of the whole series. */
  readonly series: readonly CounterSeries[];
  /** In the span that was asked for. */
  readonly accuracy: SamplerAccuracy;
}

export const startCounterSeries = (
  agent: Agent,
  fence: Fence,
  unit: string,
  { intervalMs, deadlineMs }: CounterSeriesOptions,
): Promise<void> =>
  startProbe(agent, fence, unit, {
    module: "counter_series",
    deadlineMs,
    args: { intervalMs },
  });

const answer = z.object({
  format: z.enum(["getstats", "procnetdev"]),
  intervalMs: z.number(),
  names: z.record(z.string(), z.string()),
  beforeUs: z.string(),
  afterUs: z.string(),
  lengths: z.string(),
  samples: z.string(),
});

/** Samples between two turns of the event loop while a long series is parsed. */
const samplesPerSlice = 500;

/** One series per interface and ifindex, in order of first sight: an interface made anew begins a new one. */
export const collectCounterSeries = async (
  agent: Agent,
  fence: Fence,
  unit: string,
  span: Span | null = null,
): Promise<SampledCounters> => {
  const given = await collectProbe(agent, fence, unit, answer);
  const beforeUs = await int64s(given.beforeUs);
  const afterUs = await int64s(given.afterUs);
  const lengths = await uint32s(given.lengths);
  const bytes = await unpack(given.samples);
  const parse = given.format === "getstats" ? parseStatsDump : parseProcNetDev;
  const names = new Map(Object.entries(given.names).map(([index, name]) => [Number(index), name]));

  const columns = new Map<string, Columns>();
  let offset = 0;
  for (const [index, length] of lengths.entries()) {
    if (index % samplesPerSlice === samplesPerSlice - 1) await breathe();
    const raw = bytes.subarray(offset, offset + length);
    offset += length;
    for (const sample of parse(raw, names)) {
      const key = `${sample.ifindex} ${sample.device}`;
      const series = columns.get(key) ?? emptyColumns(sample);
      columns.set(key, series);
      append(series, beforeUs[index] ?? 0, afterUs[index] ?? 0, sample);
    }
  }
  const accuracy = samplerAccuracy(given.intervalMs, beforeUs, afterUs);
  const [first, last] = indicesOf(beforeUs, span);
  const inSpan = [beforeUs, afterUs].map((stamps) => stamps.slice(first, last + 1));
  const [before = [], after = []] = inSpan;
  return {
    accuracy: samplerAccuracy(given.intervalMs, before, after),
    series: [...columns.values()].map((one) => ({ host: agent.host, accuracy, ...one })),
  };
};

interface Columns {
  readonly device: string;
  readonly ifindex: number;
  readonly beforeUs: number[];
  readonly afterUs: number[];
  readonly rxFrames: number[];
  readonly rxBytes: number[];
  readonly rxDropped: number[];
  readonly txFrames: number[];
  readonly txBytes: number[];
  readonly txDropped: number[];
}

const emptyColumns = ({ device, ifindex }: InterfaceSample): Columns => ({
  device,
  ifindex,
  beforeUs: [],
  afterUs: [],
  rxFrames: [],
  rxBytes: [],
  rxDropped: [],
  txFrames: [],
  txBytes: [],
  txDropped: [],
});

const append = (
  series: Columns,
  beforeUs: number,
  afterUs: number,
  sample: InterfaceSample,
): void => {
  series.beforeUs.push(beforeUs);
  series.afterUs.push(afterUs);
  series.rxFrames.push(sample.rxFrames);
  series.rxBytes.push(sample.rxBytes);
  series.rxDropped.push(sample.rxDropped);
  series.txFrames.push(sample.txFrames);
  series.txBytes.push(sample.txBytes);
  series.txDropped.push(sample.txDropped);
};

/**
 * Intervals between the starts of consecutive reads, and the width of the clock bracket around each.
 * Zero where there are fewer than two samples (intervals) or none (width). Ticks
 * between two reads that are whole intervals too far apart were missed.
 */
export const samplerAccuracy = (
  intervalMs: number,
  beforeUs: readonly number[],
  afterUs: readonly number[],
): SamplerAccuracy => {
  const intervals = beforeUs
    .slice(1)
    .map((at, index) => (at - (beforeUs[index] ?? at)) / 1000)
    .sort((one, other) => one - other);
  const widths = afterUs
    .map((at, index) => at - (beforeUs[index] ?? at))
    .sort((one, other) => one - other);
  return {
    intervalMs,
    p50Ms: quantile(intervals, 0.5),
    p99Ms: quantile(intervals, 0.99),
    maxMs: intervals.at(-1) ?? 0,
    missedTicks: intervals.reduce(
      (sum, one) => sum + Math.max(0, Math.round(one / intervalMs) - 1),
      0,
    ),
    readP99Us: quantile(widths, 0.99),
  };
};

/** Nearest rank, of an ascending list; 0 of an empty one. */
const quantile = (ascending: readonly number[], share: number): number =>
  ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)] ?? 0;
