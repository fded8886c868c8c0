/** What a campaign may not leave on an embedded lab: processes, faults, TAPs, packet filters, shapers. */
import { activeFaults } from "../lab/faults/faults.ts";
import { inside } from "../lab/namespace-host.ts";
import { commandLine, processesIn } from "../lab/processes.ts";
import { type HostRecord, type LabState, readLab, wires } from "../lab/records.ts";

/** Sentences. One router, with its TAPs, may stay: the next trial finds it where it is. */
export async function leftOnHosts(state: LabState): Promise<readonly string[]> {
  const lab = readLab(state);
  if (lab === null) return ["the lab has no record"];
  let routers = 0;
  const left: string[] = [];
  for (const [name, host] of Object.entries(lab.hosts)) {
    if (!host) {
      left.push(`${name} has no power`);
      continue;
    }
    let here = 0;
    for (const { pid } of processesIn(new Set([host.namespaces.pid]))) {
      const words = commandLine(pid).join(" ");
      if (words.includes("qemu-system")) here += 1;
      else if (words !== "" && !expected.some((known) => known.test(words)))
        left.push(`${name}: process ${words}`);
    }
    routers += here;
    left.push(...(await leftInNetwork(name, host, here > 0)));
  }
  const faults = activeFaults(state).map(({ fault, detail }) => `fault ${fault}: ${detail}`);
  return [...left, ...faults, ...(routers > 1 ? [`${routers} routers`] : [])];
}

const expected = [/^sleep infinity$/, /sshd/, /^python3? -/, /^\S*python3?( -I)?( -S)? -$/];

async function leftInNetwork(name: string, host: HostRecord, router: boolean): Promise<string[]> {
  const lines = async (...argv: string[]) =>
    (await inside(host, ["net"], argv)).split("\n").filter((line) => line.trim() !== "");
  const [taps, tables, qdiscs] = await Promise.all([
    lines("ip", "-o", "link", "show", "type", "tun"),
    lines("nft", "list", "tables"),
    lines("tc", "qdisc", "show"),
  ]);
  return [
    ...(router ? [] : taps.map((tap) => `${name}: TAP ${tap}`)),
    ...tables.map((table) => `${name}: nft ${table}`),
    ...foreignQdiscs(name, qdiscs).map((words) => `${name}: ${words}`),
  ];
}

/** A host's own NICs are held to their line rate by tbf; everything else has the kernel's defaults. */
export const foreignQdiscs = (name: string, qdiscs: readonly string[]): readonly string[] =>
  qdiscs.filter((line) => {
    const [, kind = "", device = ""] = /^qdisc (\S+) \S+ dev (\S+)/.exec(line) ?? [];
    if (kind === "tbf") return name === wires || !device.startsWith("eth");
    return !kernelDefaults.includes(kind);
  });
const kernelDefaults = ["noqueue", "pfifo_fast", "fq_codel", "mq", "pfifo", "bfifo"];
