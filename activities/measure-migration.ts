/** One migration under a constant load, watched from a margin before its order to a margin after its end. */
import type {
  ClockOffset,
  LedgerPath,
  MigrationMeasurement,
  MigrationReport,
  OfferedLoad,
} from "../model/measurement.ts";
import type { MigrationWatch } from "../model/watch.ts";
import type { Fence } from "../remote/agent.ts";
import type { TrialDeps } from "./deps.ts";
import { beforeLoad } from "./before-load.ts";
import type { Begun } from "./begun.ts";
import { storeBegun } from "./begun.ts";
import { nicOn } from "./flow.ts";
import { givenUp } from "./given-up.ts";
import { wholePath } from "./ledger-path.ts";
import { linkVolumes } from "./link-volume.ts";
import { commonOf } from "./measure-forwarding.ts";
import { part } from "./parts.ts";
import type { PhaseLog } from "./phase-log.ts";
import { phaseLog } from "./phase-log.ts";
import { plannedFault } from "./planned-fault.ts";
import { collectProbes } from "./probes.ts";
import { orCancelled, phase } from "./progress.ts";
import { refusalStored } from "./refused.ts";
import { routerFindings } from "./router-findings.ts";
import type { MigrationSetup } from "./setup.ts";
import { snapshot } from "./snapshot.ts";
import { storeMeasured } from "./store-measured.ts";
import { watchedMigration } from "./watch-migration.ts";

/** Stores measurement and series itself, also of a migration that failed or was cancelled at its deadline. Orders it once. */
export async function measureMigration(
  deps: TrialDeps,
  setup: MigrationSetup,
  fence: Fence,
): Promise<void> {
  const { bench, stream, campaign } = setup;
  const load = setup.unit("load");
  const fault = plannedFault(deps, setup);
  const phases = phaseLog([], (name) => fault.entered(name));
  try {
    const begun = await orCancelled(
      refusalStored(deps, setup, beforeLoad(setup, fence, migrationPath(setup), phases)),
    );
    phases.enter("load");
    await part("start load", () =>
      Promise.all([
        bench.generator.start(fence, load, stream),
        storeBegun(deps.store, setup, begun),
      ]),
    );
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
    phases.enter("rest");
    await phase(campaign.phases.restMs);
  } catch (error) {
    await givenUp(setup, fence, error);
    throw error;
  } finally {
    await fault.end();
  }
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

/** Phase d, the counters, and everything home into the store; also `collect`'s second half. */
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
  const { begun, offered, migration, watch, phases } = known;
  phases.enter("drain");
  await phase(setup.campaign.phases.drainMs);
  phases.enter("collect");
  const [after, probed] = await Promise.all([
    snapshot(setup, begun.path),
    part("collect probes", () => collectProbes(setup, fence, begun.clocks)),
  ]);
  // A toolstack that hangs was found out already; its guest would only be asked in vain.
  const router =
    watch?.verdict === "api-hung"
      ? null
      : await part("router", () =>
          routerFindings(deps, setup, fence, { begun, offered, probed, migration }),
        );
  const { testbed } = setup.bench;
  const { source, destination } = setup.order;
  const device = (host: "R1" | "R2") => nicOn(testbed, host, "migration").device;
  const ends = {
    source: { host: source, device: device(setup.host) },
    destination: { host: destination, device: device(setup.host === "R1" ? "R2" : "R1") },
  };
  const series = probed.series.flatMap((bundle) => bundle.series);
  const measurement: MigrationMeasurement = {
    kind: "migration",
    migration,
    watch,
    migrationLink: linkVolumes(
      ends,
      migration,
      setup.campaign.migrationMarginMs,
      series,
      begun.clocks,
    ),
    ...commonOf(setup, fence, { begun, offered, phases, probed }),
    after,
    router,
  };
  await storeMeasured(deps.store, setup, measurement, probed);
}

/** The ends and both routers' hosts; the guest has no ledger while it moves. */
function migrationPath({ bench, driver, guest, host }: MigrationSetup): LedgerPath {
  const { points, drops } = wholePath(bench.testbed, driver.path(host, guest));
  const onHosts = (point: { host: string }) => point.host !== "guest";
  const other = host === "R1" ? "R2" : "R1";
  return {
    points: [
      ...points.filter(onHosts),
      {
        place: `${other} NIC out`,
        host: other,
        device: nicOn(bench.testbed, other, "b").device,
        counter: "txFrames",
      },
    ],
    drops: drops.filter(onHosts),
  };
}
