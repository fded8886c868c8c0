/** How busy a host was: a covariate of every result measured on it. */
import { z } from "zod";
import type { HostLoad } from "../model/measurement.ts";
import type { Agent, Fence } from "../remote/agent.ts";
import { collectProbe, startProbe } from "./unit.ts";

export const startHostLoad = (
  agent: Agent,
  fence: Fence,
  unit: string,
  { deadlineMs }: { deadlineMs: number },
): Promise<void> => startProbe(agent, fence, unit, { module: "host_load", deadlineMs, args: null });

const ticks = z.record(z.string(), z.array(z.number()));
const load = z.object({
  begun: ticks,
  ended: ticks,
  runnable: z.array(z.number()),
  frequencyMhz: z.number().nullable(),
});

export const collectHostLoad = async (
  agent: Agent,
  fence: Fence,
  unit: string,
): Promise<HostLoad> => {
  const { begun, ended, runnable, frequencyMhz } = await collectProbe(agent, fence, unit, load);
  return {
    host: agent.host,
    cpus: Object.keys(ended)
      .filter((cpu) => cpu in begun)
      .sort((one, other) => Number(one) - Number(other))
      .map((cpu) => ({ cpu: Number(cpu), ...cpuRatios(begun[cpu] ?? [], ended[cpu] ?? []) })),
    runnableMean:
      runnable.length === 0 ? null : runnable.reduce((sum, one) => sum + one, 0) / runnable.length,
    frequencyMhz,
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
