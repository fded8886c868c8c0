/** The end of a measurement of either kind: phase d, and everything home from the hosts. */
import type { MeasurementBase, MigrationReport, OfferedLoad } from "../model/measurement.ts";
import { hostNames } from "../model/testbed.ts";
import type { Fence } from "../remote/agent.ts";
import type { Begun } from "./begun.ts";
import type { TrialDeps } from "./deps.ts";
import { part } from "./parts.ts";
import type { PhaseLog } from "./phase-log.ts";
import type { Probed } from "./probes.ts";
import { collectProbes } from "./probes.ts";
import { phase, progress } from "./progress.ts";
import { allEnded } from "./router.ts";
import { routerFindings } from "./router-findings.ts";
import type { Setup } from "./setup.ts";
import { snapshot } from "./snapshot.ts";
import { hostsOf } from "./taking-part.ts";
import { storeSeries } from "./store-measured.ts";
import { routerHosts } from "./watch-migration.ts";

export interface Measured {
  readonly begun: Begun;
  readonly offered: OfferedLoad;
  readonly phases: PhaseLog;
  /** null: the router had no reason to move. */
  readonly migration: MigrationReport | null;
  /** `left alone`: its toolstack hangs, and it would only be asked in vain. */
  readonly router: "asked" | "left alone";
}

/** Waits out phase d, then reads the counters, collects the probes and stores their series. May be repeated. */
export async function bringHome(
  deps: TrialDeps,
  setup: Setup,
  fence: Fence,
  measured: Measured,
): Promise<{ readonly common: MeasurementBase; readonly probed: Probed }> {
  const { begun, offered, phases, migration, router } = measured;
  const [source, destination] = routerHosts(setup);
  const expected = migration?.status === "completed" ? destination : source;
  phases.enter("drain");
  await phase(setup.campaign.phases.drainMs);
  phases.enter("collect");
  const [after, probed] = await Promise.all([
    snapshot(setup, begun.path, {
      routerOn: router === "asked" ? expected : null,
      silence: "is found later",
    }),
    part("collect probes", () => collectProbes(setup, fence, begun.clocks, offered)),
  ]);
  progress({ collected: "probes" });
  const [findings] = await allEnded([
    router === "left alone"
      ? Promise.resolve(null)
      : part("router", () =>
          routerFindings(deps, setup, fence, {
            ...{ begun, offered, probed, migration },
            bootIdAfter: after.guestBootId,
          }),
        ),
    part("store series", () => storeSeries(deps.store, setup, probed)),
  ]);
  return {
    probed,
    common: {
      frameSizeBytes: setup.stream.frameSizeBytes,
      offered,
      sink: probed.sink,
      rtt: probed.rtt,
      hostLoad: probed.hostLoad,
      clocks: begun.clocks,
      before: begun.before,
      after: after.counters,
      accuracy: probed.accuracy,
      absentHosts: hostNames.filter((name) => !hostsOf(fence).includes(name)),
      phases: [...phases.entries],
      router: findings,
    },
  };
}
