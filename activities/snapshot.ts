import { commandsGuest } from "../hypervisors/hypervisor.ts";
import type { CounterSnapshot, LedgerPath } from "../model/measurement.ts";
import { UsageError } from "../model/usage-error.ts";
import { NoExitStatus } from "../remote/shell.ts";
import { guestCounters } from "./guest-counters.ts";
import { part } from "./parts.ts";
import type { Setup } from "./setup.ts";

/**
 * Counters of every host that `path` names, read side by side. Called before the load and after phase
 * d only: counters read while traffic runs give phantom loss or negative loss (RFC 2544 §23 d). A
 * guest that may be silent is left out when it is: what became of it is for others to find.
 */
export async function snapshot(
  setup: Setup,
  path: Pick<LedgerPath, "points" | "drops">,
  router: "must answer" | "may be silent" = "must answer",
): Promise<readonly CounterSnapshot[]> {
  const { bench, driver, guest, host } = setup;
  const hosts = [...new Set([...path.points, ...path.drops].map((point) => point.host))];
  const read = async (name: string): Promise<readonly CounterSnapshot[]> => {
    if (name !== "guest") return [await (await bench.hosts.agent(name)).counters()];
    if (!commandsGuest(driver))
      throw new UsageError(
        `${driver.name}: its path counts in the guest, where it runs no command`,
      );
    try {
      return [await guestCounters(driver, host, guest)];
    } catch (error) {
      if (router === "may be silent" && error instanceof NoExitStatus) return [];
      throw error;
    }
  };
  return part("read counters", async () => (await Promise.all(hosts.map(read))).flat());
}
