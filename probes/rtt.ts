/** The side flow C→D: ICMP echo through the same router. Not RFC 2544 latency. */
import { z } from "zod";
import type { RttSeries } from "../model/measurement.ts";
import type { Agent, Fence } from "../remote/agent.ts";
import { collectProbe, startProbe } from "./unit.ts";

export interface RttOptions {
  readonly destination: string;
  /** Own address to send from; null: the routing table says. */
  readonly source?: string | null;
  readonly intervalMs: number;
  readonly deadlineMs: number;
  /** Replies to the last probes are waited for this long after the stop. */
  readonly lastReplyMs?: number;
}

/** Returns when the first probe is about to leave; runs until it is collected. */
export const startRtt = (
  agent: Agent,
  fence: Fence,
  unit: string,
  { destination, source = null, intervalMs, deadlineMs, lastReplyMs = 300 }: RttOptions,
): Promise<void> =>
  startProbe(agent, fence, unit, {
    module: "rtt",
    deadlineMs,
    args: { destination, source, intervalMs, lastReplyMs },
  });

const series = z.object({
  intervalMs: z.number(),
  sentUs: z.array(z.number()),
  rttMs: z.array(z.number().nullable()),
  refused: z.number(),
});

export const collectRtt = async (agent: Agent, fence: Fence, unit: string): Promise<RttSeries> => {
  return { host: agent.host, ...(await collectProbe(agent, fence, unit, series)) };
};
