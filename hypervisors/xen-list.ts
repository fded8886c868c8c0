/** `xl list` and `xl vcpu-list`, read (tools/xl/xl_info.c and xl_vcpu.c of Xen 4.17). */
import type { GuestState } from "../model/guest.ts";

export interface Domain {
  readonly name: string;
  readonly domid: number;
  readonly memoryMib: number;
  readonly vcpus: number;
  /** Six flags: running, blocked, paused, shut down, the reason of that, dying. */
  readonly flags: string;
  /** CPU time of all its vCPUs since it began, to a tenth of a second. */
  readonly cpuTimeS: number;
}

const row = /^(.+?)\s+(\d+)\s+(\d+)\s+(\d+)\s+([r-][b-][p-][s-][rscwS?-][d-])\s+([\d.]+)$/;

/** Rows in xl's order; a line that is no row (the header) is left out. */
export const parseXlList = (stdout: string): readonly Domain[] =>
  stdout.split("\n").flatMap((line) => {
    const [, name, domid, memoryMib, vcpus, flags, cpuTimeS] = row.exec(line.trimEnd()) ?? [];
    if (name === undefined || flags === undefined) return [];
    return [
      {
        name,
        domid: Number(domid),
        memoryMib: Number(memoryMib),
        vcpus: Number(vcpus),
        flags,
        cpuTimeS: Number(cpuTimeS),
      },
    ];
  });

/** What xl appends to the name of a guest that arrives, and of one that has left (xl_migrate.c). */
export const suffixes = { incoming: "--incoming", away: "--migratedaway" } as const;

/**
 * Flags in the words of all platforms. No flag at all is a guest between two turns on a CPU: healthy.
 * Shut down with the reason `suspend` is the last pass of a migration: it stands still, and xl resumes
 * it if that fails; one that did crash or power off can only be removed.
 */
const stateOfFlags = (flags: string): GuestState => {
  const [, , paused, shutdown, reason, dying] = flags;
  if (dying === "d") return "stopped";
  if (shutdown === "s") return reason === "s" ? "paused" : "stopped";
  return paused === "p" ? "paused" : "running";
};

/** `receiving`: something waits on that host for the guest to arrive. */
export const guestStateOf = (
  domains: readonly Domain[],
  guest: string,
  receiving: boolean,
): GuestState => {
  const find = (suffix: string) => domains.find(({ name }) => name === `${guest}${suffix}`);
  const own = find("");
  if (own) return stateOfFlags(own.flags);
  if (find(suffixes.incoming)) return "incoming";
  if (find(suffixes.away)) return "stopped";
  return receiving ? "incoming" : "absent";
};

/** CPU time (s) of the guest's vCPUs; null: no such guest. Of an offline vCPU, which ran, too. */
export const parseVcpuTimes = (stdout: string, guest: string): readonly number[] | null => {
  const times = stdout.split("\n").flatMap((line) => {
    const [, name, time] =
      /^(.+?)\s+\d+\s+\d+\s+(?:\d+|-)\s+[-rbp]{3}\s+([\d.]+)\s/.exec(line) ?? [];
    return name === guest ? [Number(time)] : [];
  });
  return times.length === 0 ? null : times;
};
