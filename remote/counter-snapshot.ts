/** The agent's `counters` answer and the kernel's own text formats in it. */
import { z } from "zod";
import type { CounterSnapshot } from "../model/measurement.ts";

const counters = z.object({
  ifindex: z.number(),
  rxFrames: z.number(),
  rxBytes: z.number(),
  rxErrors: z.number(),
  rxDropped: z.number(),
  rxMissed: z.number(),
  txFrames: z.number(),
  txBytes: z.number(),
  txErrors: z.number(),
  txDropped: z.number(),
});
const answer = z.object({
  atUs: z.number(),
  interfaces: z.record(z.string(), counters),
  qdiscDrops: z.record(z.string(), z.number()),
  softnetStat: z.string(),
  snmp: z.string(),
});

export const parseSnapshot = (host: string, value: unknown): CounterSnapshot => {
  const { atUs, interfaces, qdiscDrops, softnetStat, snmp } = answer.parse(value);
  return {
    host,
    atUs,
    interfaces,
    qdiscDrops,
    softnet: parseSoftnetStat(softnetStat),
    ip: parseSnmpIp(snmp),
  };
};

/**
 * /proc/net/softnet_stat: one line per *online* CPU, hexadecimal (net/core/net-procfs.c). The CPU's
 * number is column 13 from Linux 5.10 on; before, there are 9 to 11 columns and the line's number stands in.
 */
export const parseSoftnetStat = (text: string): CounterSnapshot["softnet"] =>
  text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line, index) => {
      const columns = line.trim().split(/\s+/);
      const hex = (column: number) => Number.parseInt(columns[column] ?? "0", 16);
      return {
        cpu: columns.length >= 13 ? hex(12) : index,
        dropped: hex(1),
        timeSqueeze: hex(2),
      };
    });

/** The `Ip:` pair of lines of /proc/net/snmp, names in the first and values in the second. */
export const parseSnmpIp = (text: string): Readonly<Record<string, number>> => {
  const [names = [], values = []] = text
    .split("\n")
    .filter((line) => line.startsWith("Ip:"))
    .map((line) => line.trim().split(/\s+/).slice(1));
  return Object.fromEntries(names.map((name, index) => [name, Number(values[index] ?? "0")]));
};
