/** The two forms in which a kernel gives the counters of all interfaces at once. */
import { int64 } from "./columns.ts";

export interface InterfaceSample {
  readonly device: string;
  readonly ifindex: number;
  readonly rxFrames: number;
  readonly rxBytes: number;
  /** With the frames that the NIC missed: /proc/net/dev shows only their sum (net/core/net-procfs.c). */
  readonly rxDropped: number;
  readonly txFrames: number;
  readonly txBytes: number;
  readonly txDropped: number;
}

const headerBytes = 16;
const done = 3;
/** nlmsghdr, if_stats_msg, and the header of the one attribute asked for, aligned on 8 by a pad where needed. */
const statsMessageBytes = headerBytes + 12;
const statsLink64 = 1;

/** A dump of RTM_GETSTATS with IFLA_STATS_LINK_64 (include/uapi/linux/if_link.h). Interfaces without a known name are called `if<index>`. */
export const parseStatsDump = (
  bytes: Buffer,
  names: ReadonlyMap<number, string>,
): InterfaceSample[] => {
  const samples: InterfaceSample[] = [];
  for (let offset = 0; offset + headerBytes <= bytes.length;) {
    const length = bytes.readUInt32LE(offset);
    if (bytes.readUInt16LE(offset + 4) !== done) {
      const counters = attribute(bytes, offset + statsMessageBytes, offset + length);
      const ifindex = bytes.readUInt32LE(offset + 20);
      if (counters !== null) {
        const at = (index: number) => int64(bytes, counters + index * 8);
        samples.push({
          device: names.get(ifindex) ?? `if${ifindex}`,
          ifindex,
          rxFrames: at(0),
          txFrames: at(1),
          rxBytes: at(2),
          txBytes: at(3),
          rxDropped: at(6) + at(15),
          txDropped: at(7),
        });
      }
    }
    offset += Math.max(headerBytes, (length + 3) & ~3);
  }
  return samples;
};

const attribute = (bytes: Buffer, from: number, to: number): number | null => {
  for (let offset = from; offset + 4 <= to;) {
    const length = bytes.readUInt16LE(offset);
    if (length < 4) return null;
    if (bytes.readUInt16LE(offset + 2) === statsLink64) return offset + 4;
    offset += (length + 3) & ~3;
  }
  return null;
};

/**
 * /proc/net/dev. The name ends at the *first* colon, behind which old kernels put no space. It has no
 * ifindex: that of the name is looked up, and -1 where nobody knows it.
 */
export const parseProcNetDev = (
  bytes: Buffer,
  names: ReadonlyMap<number, string>,
): InterfaceSample[] => {
  const indexes = new Map([...names].map(([index, name]) => [name, index]));
  return bytes
    .toString("utf8")
    .split("\n")
    .slice(2)
    .filter((line) => line.includes(":"))
    .map((line) => {
      const colon = line.indexOf(":");
      const device = line.slice(0, colon).trim();
      const fields = line
        .slice(colon + 1)
        .trim()
        .split(/\s+/)
        .map(Number);
      const field = (index: number) => fields[index] ?? 0;
      return {
        device,
        ifindex: indexes.get(device) ?? -1,
        rxBytes: field(0),
        rxFrames: field(1),
        rxDropped: field(3),
        txBytes: field(8),
        txFrames: field(9),
        txDropped: field(11),
      };
    });
};
