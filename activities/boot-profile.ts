/** A platform that needs another boot profile of the routers' hosts gets it: a reboot, once per change. */
import type { HostName } from "../model/testbed.ts";
import type { Bench } from "./deps.ts";

/** Idempotent. Boots those of the hosts that take part and run with another profile. What ran there is gone. */
export async function bootedFor(
  { boots, drivers }: Pick<Bench, "boots" | "drivers">,
  platform: string,
  hosts: readonly HostName[],
): Promise<void> {
  const wanted = drivers[platform]?.bootProfile;
  if (boots === undefined || wanted === undefined) return;
  // One after another: a lab switches one host at a time.
  for (const host of hosts) {
    const now = boots.profile(host);
    if (now !== null && now !== wanted) await boots.boot(host, wanted);
  }
}
