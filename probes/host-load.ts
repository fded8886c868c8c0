/** How busy a host was: a covariate of every result measured on it. */
import { z } from "zod";
import type { HostLoad } from "../model/measurement.ts";
import type { Agent, Fence } from "../remote/agent.ts";
import { indicesOf, int64s, uint32s } from "./columns.ts";
import type { Span } from "./columns.ts";
import { collectProbe, startProbe } from "./unit.ts";

export const startHostLoad = (
  agent: Agent,
  fence: Fence,
  unit: string,
  { deadlineMs }: { deadlineMs: number },
): Promise<void> => startProbe(agent, fence, unit, { module: "host_load", deadlineMs, args: null });

const load = z.object({
  cpus: z.array(z.number()),
  atUs: z.string(),
  /** Of each look, of each CPU, its first eight kinds of time. */
  ticks: z.string(),
  runnable: z.string(),
  frequencyMhz: z.number().nullable(),
});
const kinds = 8;

/** In that span of the unit's life, to the nearest looks outside of it (100 ms apart); null: all of it. */
export const collectHostLoad = async (
  agent: Agent,
  fence: Fence,
  unit: string,
  span: Span | null = null,
): Promise<HostLoad> => {
  const given = await collectProbe(agent, fence, unit, load);
  const [atUs, ticks, tasks] = await Promise.all([
    int64s(given.atUs),
    int64s(given.ticks),
    uint32s(given.runnable),
  ]);
  const [first, last] = indicesOf(atUs, span);
  const lineOf = (look: number, place: number) => {
    const start = (look * given.cpus.length + place) * kinds;
    return ticks.slice(start, start + kinds);
  };
  const runnable = tasks.slice(first, last + 1);
  return {
    host: agent.host,
    cpus: given.cpus.map((cpu, place) => ({
      cpu,
      ...cpuRatios(lineOf(first, place), lineOf(last, place)),
    })),
    runnableMean:
      runnable.length === 0 ? null : runnable.reduce((sum, one) => sum + one, 0) / runnable.length,
    frequencyMhz: given.frequencyMhz,
  };
};

/**
 * Shares of the time between two lines of one CPU in /proc/stat: user, nice, system, idle, iowait, irq,
 * softirq, steal (man 5 proc; guest time is in user already). `user` has nice in it, `system` irq,
 * `idle` iowait. Without time in between all but idle are zero.
 */
export const cpuRatios = (
  begun: readonly number[],
  ended: readonly number[],
): Omit<HostLoad["cpus"][number], "cpu"> => {
  const spent = Array.from({ length: 8 }, (_, kind) =>
    Math.max(0, (ended[kind] ?? 0) - (begun[kind] ?? 0)),
  );
  const total = spent.reduce((sum, one) => sum + one, 0);
  const ratio = (...kinds: number[]) =>
    total === 0 ? 0 : kinds.reduce((sum, kind) => sum + (spent[kind] ?? 0), 0) / total;
  return {
    userRatio: ratio(0, 1),
    systemRatio: ratio(2, 5),
    softirqRatio: ratio(6),
    stealRatio: ratio(7),
    idleRatio: total === 0 ? 1 : ratio(3, 4),
  };
};
