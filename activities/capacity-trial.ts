/** One short load through the router: whether it was really offered, and forwarded whole. */
import { passStream } from "../generators/pass.ts";
import { grouped } from "../model/load.ts";
import { fnv1a } from "../model/tag.ts";
import type { Fence } from "../remote/agent.ts";
import { offeredFps } from "../stats/harness.ts";
import type { Bench } from "./deps.ts";
import { receivingEnd, routedStream } from "./flow.ts";
import { phase } from "./progress.ts";

const trialMs = 1000;
/** Frames still under way when the load ends. */
const drainMs = 300;

export interface CapacityLoad {
  readonly fps: number;
  readonly frameSizeBytes: number;
  /** The offered load may miss the intended one by so much. */
  readonly offeredLoadRatio: number;
  /** Prefix of the units' names; unique on the hosts' boot. */
  readonly unit: string;
}

/** `missed`: the generator did not offer it, so that nothing is known of the router. `invalid`: the receiver lost frames itself. */
export interface CapacityStep {
  readonly status: "lossless" | "lossy" | "missed" | "invalid";
  readonly words: string;
}

export async function tryLoad(
  bench: Bench,
  fence: Fence,
  { fps, frameSizeBytes, offeredLoadRatio, unit }: CapacityLoad,
): Promise<CapacityStep> {
  const { testbed } = bench;
  const { offered, received } = await passStream(bench, fence, {
    stream: routedStream(testbed, { tag: fnv1a(unit), frameSizeBytes, fps, durationMs: trialMs }),
    end: receivingEnd(testbed),
    unit: (what) => `${unit}.${what}`,
    deadlineMs: 60_000,
    drained: () => phase(drainMs),
  });
  const { summary } = received;
  const at = `at ${grouped(Math.round(fps))} frames/s`;
  const really = offeredFps({ offered });
  // Written so that a rate that cannot be computed is a miss, too.
  if (!(Math.abs(really - fps) <= offeredLoadRatio * fps))
    return {
      status: "missed",
      words: `${at} the generator offered ${grouped(Math.round(really))} frames/s`,
    };
  if (summary.socketDrops > 0)
    return {
      status: "invalid",
      words: `${at} ${summary.host} itself dropped ${summary.socketDrops} frames at its socket`,
    };
  const lost = offered.frames - summary.frames;
  return lost > 0
    ? { status: "lossy", words: `${at} ${lost} of ${offered.frames} frames were lost` }
    : { status: "lossless", words: `${at} no frame was lost` };
}
