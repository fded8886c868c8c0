import { commandsGuest } from "../hypervisors/hypervisor.ts";
import type { CounterSnapshot, LedgerPath } from "../model/measurement.ts";
import { guestCounters } from "./guest-counters.ts";
import { part } from "./parts.ts";
import type { Setup } from "./setup.ts";

/**
 * Counters of every host that `path` names, read side by side. Called before the load and after phase
 * d only: counters read while traffic runs give phantom loss or negative loss (RFC 2544 §23 d).

 */
export async function snapshot(
  setup: Setup,
  path: Pick<LedgerPath, "points" | "drops">,
): Promise<readonly CounterSnapshot[]> {
  const { bench, driver, guest, host } = setup;
  const hosts = [...new Set([...path.points, ...path.drops].map((point) => point.host))];
  return part("read counters", () =>
    Promise.all(
      hosts.map(async (name) => {
        if (name !== "guest") return (await bench.hosts.agent(name)).counters();
        if (!commandsGuest(driver))
          throw new Error(`${driver.name}: its path counts in the guest, where it runs no command`);
        return guestCounters(driver, host, guest);
      }),
    ),
  );
}
