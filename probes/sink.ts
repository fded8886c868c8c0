/** The packet sink: arrival and sequence number of every frame of one flow, reduced on the host. */
import { z } from "zod";
import type { RawArrivals, SinkSummary } from "../model/measurement.ts";
import type { Agent, Fence, Hosts } from "../remote/agent.ts";
import { int64s, uint32s } from "./columns.ts";
import { collectProbe, startProbe } from "./unit.ts";

export interface SinkOptions {
  readonly device: string;
  readonly udpPort: number;
  /** Tag of this attempt's frames; others on the port are counted as foreign. */
  readonly tag: number;
  readonly fps: number;
  /** Sequence numbers start again after this many frames; null: they never do. */
  readonly sequenceModulus: number | null;
  readonly deadlineMs: number;
  /** Pauses longer than this are kept, and always the 20 longest. Default: ten intervals, at least 1 ms. */
  readonly gapThresholdUs?: number;
  readonly tickMs?: number;
  readonly keepRaw?: boolean;
  readonly ringMib?: number;
}

/** Returns when frames are taken in. @throws {CommandFailed} no such device, or the port is in use. */
export const startSink = (
  agent: Agent,
  fence: Fence,
  unit: string,
  options: SinkOptions,
): Promise<void> =>
  startProbe(agent, fence, unit, {
    module: "sink",
    deadlineMs: options.deadlineMs,
    args: {
      device: options.device,
      port: options.udpPort,
      tag: options.tag,
      fps: options.fps,
      sequenceModulus: options.sequenceModulus,
      gapThresholdUs: options.gapThresholdUs ?? Math.max(1_000, Math.round(1e7 / options.fps)),
      tickMs: options.tickMs ?? 10,
      keepRaw: options.keepRaw ?? false,
      ringBytes: (options.ringMib ?? 64) << 20,
    },
  });

const summary = z.object({
  frames: z.number(),
  duplicates: z.number(),
  late: z.number(),
  foreign: z.number(),
  socketDrops: z.number(),
  firstUs: z.number().nullable(),
  lastUs: z.number().nullable(),
  firstSequence: z.number().nullable(),
  lastSequence: z.number().nullable(),
  ticks: z.object({ startUs: z.number(), tickMs: z.number(), frames: z.array(z.number()) }),
  gapThresholdUs: z.number(),
  gaps: z.array(
    z.object({ startUs: z.number(), endUs: z.number(), lost: z.number(), stale: z.number() }),
  ),
  lostRanges: z.array(z.tuple([z.number(), z.number()])),
  clockStepUs: z.number(),
  clockOffsetUs: z.object({ start: z.number(), end: z.number() }),
  raw: z.object({ arrivalUs: z.string(), sequence: z.string() }).nullable(),
});

export const collectSink = async (agent: Agent, fence: Fence, unit: string): Promise<SinkSummary> =>
  (await collectSinkWithRaw(agent, fence, unit)).summary;

/** `raw` is null unless the sink was started with `keepRaw`. */
export const collectSinkWithRaw = async (
  agent: Agent,
  fence: Fence,
  unit: string,
): Promise<{ summary: SinkSummary; raw: RawArrivals | null }> => {
  const { raw, ...rest } = await collectProbe(agent, fence, unit, summary);
  return {
    summary: { host: agent.host, ...rest },
    raw: raw && {
      arrivalUs: await int64s(raw.arrivalUs),
      sequence: await uint32s(raw.sequence),
    },
  };
};

/** The sink as a receiver of the load, on whichever host the frames arrive. */
export const packetSink = (hosts: Hosts) => ({
  name: "sink",
  async start(
    fence: Fence,
    unit: string,
    { host, device }: { readonly host: string; readonly device: string },
    expected: Omit<SinkOptions, "device">,
  ): Promise<void> {
    await startSink(await hosts.agent(host), fence, unit, { device, ...expected });
  },
  async collect(fence: Fence, unit: string, { host }: { readonly host: string }) {
    return collectSinkWithRaw(await hosts.agent(host), fence, unit);
  },
});
