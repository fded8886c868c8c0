import type { ClockOffset } from "../model/measurement.ts";
import type { HostName } from "../model/testbed.ts";
import type { Bench } from "./deps.ts";

/**
 * The offsets of these hosts' clocks to this machine's. Hosts without a clock of their own share one,
 * which one of them tells: between those the difference is none, and not what two measurements err by.
 */
export async function clockOffsets(
  { testbed, hosts }: Pick<Bench, "testbed" | "hosts">,
  names: readonly HostName[],
): Promise<readonly ClockOffset[]> {
  const ask = async (name: string) => (await hosts.agent(name)).clock();
  const sharing = names.filter((name) => !testbed.hosts[name].ownClock);
  const [first] = sharing;
  const shared = first === undefined ? null : ask(first);
  return Promise.all(
    names.map(async (host) =>
      shared !== null && sharing.includes(host) ? { ...(await shared), host } : ask(host),
    ),
  );
}
