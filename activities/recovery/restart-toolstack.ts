import { restartsToolstack } from "../../hypervisors/hypervisor.ts";
import type { Climbed, RungSetup } from "./rung.ts";
import { names, reach } from "./rung.ts";

/** Restarts the platform's toolstack where guests survive that. Verified by the driver: it answers again. */
export async function restartToolstack(setup: RungSetup): Promise<Climbed> {
  const { driver, order } = setup;
  if (!restartsToolstack(driver))
    return { status: "failed", words: `${driver.name} has no toolstack to restart` };
  const { fence, unreachable } = await reach(setup);
  const silent = order.hosts.filter((host) => unreachable.includes(host));
  if (silent.length > 0)
    return { status: "failed", words: `no answer from ${names(silent)}`, unreachable: silent };
  for (const host of order.hosts) await driver.restartToolstack(fence, host);
  return { status: "verified", words: `the toolstack on ${names(order.hosts)} answers again` };
}
