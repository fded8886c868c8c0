/** One migration under a constant load, watched from a margin before its order to a margin after its end. */
import type {
  ClockOffset,
  LedgerPath,
  MigrationReport,
  OfferedLoad,
} from "../model/measurement.ts";
import type { MigrationWatch } from "../model/watch.ts";
import type { Fence } from "../remote/agent.ts";
import type { TrialDeps } from "./deps.ts";
import type { Begun } from "./begun.ts";
import { bringHome } from "./bring-home.ts";
import { nicOn } from "./flow.ts";
import { wholePath } from "./ledger-path.ts";
import type { LinkEnds } from "./link-volume.ts";
import { linkVolumes } from "./link-volume.ts";
import { part } from "./parts.ts";
import type { PhaseLog } from "./phase-log.ts";
import { orCancelled, phase } from "./progress.ts";
import { refusalStored } from "./refused.ts";
import type { MigrationSetup, RouterHost } from "./setup.ts";
import { storeMeasurement } from "./store-measured.ts";
import { underLoad } from "./under-load.ts";
import { watchedMigration } from "./watch-migration.ts";

/** Stores measurement and series itself, also of a migration that failed or was cancelled at its deadline. Orders it once. */
export async function measureMigration(
  deps: TrialDeps,
  setup: MigrationSetup,
  fence: Fence,
): Promise<void> {
  const { bench, stream, campaign } = setup;
  const load = setup.unit("load");
  const path = migrationPath(setup);
  await underLoad(deps, setup, fence, path, async ({ begun, phases, fault }) => {
    phases.enter("control");
    await phase(campaign.migrationMarginMs);
    phases.enter("migration");
    const { migration, watch } = await part("migration", () =>
      orCancelled(refusalStored(deps, setup, watchedMigration(deps, setup, fence, phases))),
    );
    phases.enter("after");
    await phase(marginLeftMs(campaign.migrationMarginMs, migration, begun.clocks));
    const offered = await part("stop load", async () => {
      await bench.generator.stop(fence, load, stream);
      return bench.generator.finish(load, stream, () => undefined);
    });
    await fault.made();
    await afterMigration(deps, setup, fence, { begun, offered, migration, watch, phases });
  });
}

/** The margin begins with the migration's end on its source, not when its report has arrived here. */
function marginLeftMs(
  marginMs: number,
  { source, endUs }: MigrationReport,
  clocks: readonly ClockOffset[],
): number {
  const clock = clocks.find(({ host }) => host === source);
  if (clock === undefined || endUs === null) return marginMs;
  const sinceMs = Date.now() - (endUs + clock.offsetUs) / 1000;
  // A wall clock that was set meanwhile tells nothing.
  return sinceMs > 0 ? Math.max(0, marginMs - sinceMs) : marginMs;
}

/** Everything home into the store; also `collect`'s second half. */
export async function afterMigration(
  deps: TrialDeps,
  setup: MigrationSetup,
  fence: Fence,
  known: {
    begun: Begun;
    offered: OfferedLoad;
    migration: MigrationReport;
    /** null: nobody watched it. */
    watch: MigrationWatch | null;
    phases: PhaseLog;
  },
): Promise<void> {
  const { begun, migration, watch } = known;
  const { common, probed } = await bringHome(deps, setup, fence, {
    ...known,
    router: watch?.verdict === "api-hung" ? "left alone" : "asked",
  });
  const migrationLink = linkVolumes(
    linkEnds(setup),
    migration,
    setup.campaign.migrationMarginMs,
    probed.series.flatMap((bundle) => bundle.series),
    begun.clocks,
  );
  await storeMeasurement(deps.store, setup, {
    kind: "migration",
    ...{ migration, watch, migrationLink, path: begun.path },
    ...common,
  });
}

function linkEnds({ bench, order, host }: MigrationSetup): LinkEnds {
  const device = (on: RouterHost) => nicOn(bench.testbed, on, "migration").device;
  const { source, destination } = order;
  return {
    source: { host: source, device: device(host) },
    destination: { host: destination, device: device(host === "R1" ? "R2" : "R1") },
  };
}

/** Both routers' hosts, and the guest between them: its counters are in its memory and move with it. Places of a host carry its name. */
function migrationPath({ bench, driver, guest, order }: MigrationSetup): LedgerPath {
  const [from, to] = [order.source, order.destination].map((host) => driver.path(host, guest));
  const outside = <Place extends LedgerPlace>(places: readonly Place[] = []) =>
    places
      .filter(({ host }) => host !== "guest")
      .map((one) => ({ ...one, place: `${one.host}: ${one.place}` }));
  const inside = <Place extends LedgerPlace>(places: readonly Place[] = []) =>
    places.filter(({ host }) => host === "guest");
  return wholePath(bench.testbed, {
    points: [...outside(from?.points), ...inside(from?.points), ...outside(to?.points)],
    drops: [...outside(from?.drops), ...inside(from?.drops), ...outside(to?.drops)],
  });
}

type LedgerPlace = { readonly place: string; readonly host: string };
