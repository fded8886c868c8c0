import type { AttemptRef } from "../model/trial.ts";
import type { Fence } from "../remote/agent.ts";
import type { TrialDeps } from "./deps.ts";
import { bothStates } from "./locate.ts";
import { routerLocation } from "./location.ts";
import { part } from "./parts.ts";
import { clearFaults } from "./planned-fault.ts";
import type { MigrationSetup, Setup } from "./setup.ts";
import { fenceOf, migrationOf, setupOf } from "./setup.ts";
import { allEnded } from "./router.ts";
import { stopUnits } from "./stop-units.ts";
import { needsOf, takingPart } from "./taking-part.ts";
import { unlessWithoutPower } from "./without-power.ts";

/**
 * Ends the attempt's units and load. The router stays where it runs, for the next trial; of a migration
 * only the one that runs is left, and none where that is not clear: `prepare` makes a new one. Idempotent.
 */
export async function restore(deps: TrialDeps, ref: AttemptRef): Promise<void> {
  const setup = await setupOf(deps, ref);
  await unlessWithoutPower(setup.bench, () => restored(deps, setup));
}

async function restored(deps: TrialDeps, setup: Setup): Promise<void> {
  await part("clear faults", () => clearFaults(deps, setup, "restore"));
  const fence = await currentFence(deps, setup);
  if (setup.trial.kind === "migration") {
    const migrating = migrationOf(setup);
    await part("end migration", () => endMigration(migrating, fence));
    await allEnded([
      part("stop units", () => stopUnits(setup, fence)),
      part("one router", () => leaveOneRouter(migrating, fence)),
    ]);
  } else {
    await part("stop units", () => stopUnits(setup, fence));
  }
}

async function endMigration({ bench, driver, order }: MigrationSetup, fence: Fence): Promise<void> {
  const unit = await (await bench.hosts.agent(order.source)).unit(order.unit);
  if (unit?.status === "running") await driver.abort(fence, order);
}

async function leaveOneRouter(setup: MigrationSetup, fence: Fence): Promise<void> {
  const { driver, guest, order } = setup;
  const { source, destination } = await bothStates(setup);
  const location = routerLocation(source, destination);
  if (location === "destination") return driver.release(fence, order);
  if (location !== "source") await driver.destroy(fence, order.source, guest);
  if (destination !== "absent") await driver.destroy(fence, order.destination, guest);
}

/** As prepared; the boot ids of now where `prepare` ended before it knew them. */
async function currentFence(deps: TrialDeps, setup: Setup): Promise<Fence> {
  const fence = await fenceOf(deps, setup.ref);
  if (Object.keys(fence.bootIds).length > 0) return fence;
  const needs = needsOf(setup.trial, setup.campaign);
  const hosts = await takingPart(deps.store, setup.ref.testbed, needs);
  const identities = await Promise.all(
    hosts.map(async (name) => (await setup.bench.hosts.agent(name)).identity()),
  );
  return {
    token: fence.token,
    bootIds: Object.fromEntries(identities.map(({ host, bootId }) => [host, bootId])),
  };
}
