import { migrates } from "../../hypervisors/hypervisor.ts";
import { unitName } from "../../model/unit-name.ts";
import { NoExitStatus } from "../../remote/shell.ts";
import { routerLocation } from "../location.ts";
import { notReached, reach } from "./reach.ts";
import type { Climbed, RungSetup } from "./rung.ts";
import { on } from "./host-failure.ts";

/** Stops a migration under way and removes what it left at the other host. Verified: exactly one router runs, asked of both hosts. */
export async function cancelMigration(setup: RungSetup): Promise<Climbed> {
  const { driver, guest, host, order } = setup;
  if (!migrates(driver)) return { status: "failed", words: `${driver.name} cannot migrate` };
  const other = host === "R1" ? "R2" : "R1";
  const migration = {
    ...{ unit: unitName(order.ref, "migration"), guest, source: host, destination: other },
    deadlineMs: 0,
  };
  const reached = await reach(setup);
  const { fence, unreachable } = reached;
  const silent = notReached(reached, (one) => one === host || one === other);
  if (silent !== null) return { ...silent, unreachable };
  // Also where its unit is gone: the hypervisor may still be at it.
  await on(host, () => driver.abort(fence, migration));
  const states = await Promise.all([ask(host), ask(other)]);
  const location = routerLocation(...states);
  if (location !== "source" && location !== "destination")
    return { status: "failed", words: `after the cancel the router is ${location}` };
  const [home, left] = location === "source" ? [host, other] : [other, host];
  await on(left, () => driver.destroy(fence, left, guest));
  return { status: "verified", words: `the router runs on ${home} alone`, unreachable };

  async function ask(one: string) {
    try {
      return await driver.inspect(one, guest);
    } catch (error) {
      if (error instanceof NoExitStatus) return null;
      throw error;
    }
  }
}
