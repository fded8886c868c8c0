import { commandsGuest } from "../hypervisors/hypervisor.ts";
import type { CounterSnapshot, LedgerPath } from "../model/measurement.ts";
import { UsageError } from "../model/usage-error.ts";
import { bootIdOf, readGuest } from "./guest-counters.ts";
import { part } from "./parts.ts";
import type { RouterHost, Setup } from "./setup.ts";

export interface Snapshot {
  readonly counters: readonly CounterSnapshot[];
  /** The guest kernel's own; null: it has none, or it was not asked or did not answer. */
  readonly guestBootId: string | null;
}

/**
 * Counters of every host that `path` names, read side by side, and the boot id of the router. Called
 * before the load and after phase d only: counters read while traffic runs give phantom loss or
 * negative loss (RFC 2544 §23 d).
 */
export async function snapshot(
  setup: Setup,
  path: Pick<LedgerPath, "points" | "drops">,
  router: {
    /** null: it is not asked. */
    readonly routerOn: RouterHost | null;
    /** Of a guest that counts: whether it is a failure, or left out here for others to find what became of it. */
    readonly silence: "is a failure" | "is found later";
  },
): Promise<Snapshot> {
  const { bench, driver, guest } = setup;
  const names = new Set([...path.points, ...path.drops].map((point) => point.host));
  const counts = names.delete("guest");
  const inGuest = async () => {
    const { routerOn } = router;
    const unknown = { counters: null, bootId: null };
    if (routerOn === null) return unknown;
    if (!counts) return { ...unknown, bootId: await bootIdOf(setup, routerOn) };
    if (!commandsGuest(driver))
      throw new UsageError(
        `${driver.name}: its path counts in the guest, where it runs no command`,
      );
    try {
      return await readGuest(driver, routerOn, guest);
    } catch (error) {
      // Silent, without its shell or garbled: the ledger names what was not read.
      if (router.silence === "is found later") return unknown;
      throw error;
    }
  };
  return part("read counters", async () => {
    const [inside, ...outside] = await Promise.all([
      inGuest(),
      ...[...names].map(async (name) => (await bench.hosts.agent(name)).counters()),
    ]);
    const { counters, bootId } = inside;
    return {
      counters: [...outside, ...(counters === null ? [] : [counters])],
      guestBootId: bootId,
    };
  });
}
