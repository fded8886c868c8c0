/** What a host really runs with, read back for the provenance of a trial. */
import type { Agent } from "../remote/agent.ts";
import { read } from "./acts.ts";

interface Link {
  readonly ifname: string;
  readonly mtu: number;
  readonly address: string;
  readonly master?: string;
  readonly txqlen?: number;
  readonly qdisc?: string;
  readonly linkinfo?: { readonly info_kind?: string };
}

/** Kernel and, of each device: MTU, MAC, bridge, queue. */
export const describeHost = async (
  agent: Agent,
  devices: readonly string[],
): Promise<Readonly<Record<string, unknown>>> => {
  const [links, files] = await Promise.all([
    read(agent, ["ip", "-j", "-d", "link", "show"]),
    agent.readFiles(["/proc/sys/kernel/osrelease"]),
  ]);
  const shown = (JSON.parse(links) as readonly Link[]).filter(({ ifname }) =>
    devices.includes(ifname),
  );
  return {
    hostKernel: files["/proc/sys/kernel/osrelease"]?.trim() ?? null,
    devices: Object.fromEntries(
      shown.map((link) => [
        link.ifname,
        {
          kind: link.linkinfo?.info_kind ?? "nic",
          mtuBytes: link.mtu,
          mac: link.address,
          bridge: link.master ?? null,
          queueFrames: link.txqlen ?? null,
          qdisc: link.qdisc ?? null,
        },
      ]),
    ),
  };
};
