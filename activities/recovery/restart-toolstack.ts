import { restartsToolstack } from "../../hypervisors/hypervisor.ts";
import { notReached, reach } from "./reach.ts";
import type { Climbed, RungSetup } from "./rung.ts";
import { repaired, repairedAll } from "./host-failure.ts";
import { names } from "./rung.ts";

/** Restarts the platform's toolstack where guests survive that. Verified by the driver: it answers again. */
export async function restartToolstack(setup: RungSetup): Promise<Climbed> {
  const { driver, order } = setup;
  if (!restartsToolstack(driver))
    return { status: "failed", words: `${driver.name} has no toolstack to restart` };
  const reached = await reach(setup);
  const silent = notReached(reached, (host) => order.hosts.includes(host));
  if (silent !== null) return silent;
  const repairs = [];
  for (const host of order.hosts)
    repairs.push(
      await repaired(host, async () => {
        await driver.restartToolstack(reached.fence, host);
        return null;
      }),
    );
  return repairedAll(repairs, `the toolstack on ${names(order.hosts)} answers again`);
}
