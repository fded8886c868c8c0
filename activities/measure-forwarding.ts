/** One forwarding trial: phases a–e of RFC 2544 §23 around one constant load. */
import type { ForwardingMeasurement, OfferedLoad } from "../model/measurement.ts";
import { hostNames } from "../model/testbed.ts";
import type { Fence } from "../remote/agent.ts";
import type { TrialDeps } from "./deps.ts";
import { baselineAfter } from "./baseline-after.ts";
import { beforeLoad } from "./before-load.ts";
import type { Begun } from "./begun.ts";
import { storeBegun } from "./begun.ts";
import { givenUp } from "./given-up.ts";
import { wholePath } from "./ledger-path.ts";
import { part } from "./parts.ts";
import type { PhaseLog } from "./phase-log.ts";
import { phaseLog } from "./phase-log.ts";
import type { Probed } from "./probes.ts";
import { plannedFault } from "./planned-fault.ts";
import { collectProbes } from "./probes.ts";
import { orCancelled, phase, progress } from "./progress.ts";
import { refusalStored } from "./refused.ts";
import type { Setup } from "./setup.ts";
import { routerFindings } from "./router-findings.ts";
import { snapshot } from "./snapshot.ts";
import { storeMeasured } from "./store-measured.ts";
import { hostsOf } from "./taking-part.ts";

/** Stores measurement and series itself. Not idempotent: a second run in one attempt would be a second load. */
export async function measureForwarding(
  deps: TrialDeps,
  setup: Setup,
  fence: Fence,
): Promise<void> {
  const { bench, driver, guest, host, stream, campaign } = setup;
  const load = setup.unit("load");
  const fault = plannedFault(deps, setup);
  const phases = phaseLog([], (name) => fault.entered(name));
  try {
    const path = wholePath(bench.testbed, driver.path(host, guest));
    const begun = await orCancelled(
      refusalStored(deps, setup, beforeLoad(setup, fence, path, phases)),
    );
    phases.enter("load");
    await part("start load", () =>
      Promise.all([
        bench.generator.start(fence, load, stream),
        storeBegun(deps.store, setup, begun),
      ]),
    );
    const offered = await part("load", () =>
      orCancelled(bench.generator.finish(load, stream, (frames) => progress({ frames }))),
    );
    await fault.made();
    await afterLoad(deps, setup, fence, { begun, offered, phases });
    phases.enter("rest");
    await phase(campaign.phases.restMs);
  } catch (error) {
    await givenUp(setup, fence, error);
    throw error;
  } finally {
    await fault.end();
  }
}

/** Phase d, the counters after it, and everything home into the store; also `collect`'s second half. */
export async function afterLoad(
  deps: TrialDeps,
  setup: Setup,
  fence: Fence,
  known: { begun: Begun; offered: OfferedLoad; phases: PhaseLog },
): Promise<void> {
  const { begun, offered, phases } = known;
  phases.enter("drain");
  await phase(setup.campaign.phases.drainMs);
  phases.enter("collect");
  const [after, probed] = await Promise.all([
    snapshot(setup, begun.path, "may be silent"),
    part("collect probes", () => collectProbes(setup, fence, begun.clocks)),
  ]);
  const router = await part("router", () =>
    routerFindings(deps, setup, fence, { begun, offered, probed, migration: null }),
  );
  const baseline = await part("baseline", () =>
    baselineAfter(deps, setup, fence, { begun, endUs: offered.endUs, probed, router }),
  );
  const measurement: ForwardingMeasurement = {
    kind: "forwarding",
    baseline,
    path: begun.path,
    ...commonOf(setup, fence, { begun, offered, phases, probed }),
    after,
    router,
  };
  await storeMeasured(deps.store, setup, measurement, probed);
}

/** The parts of a measurement that both kinds share. */
export const commonOf = (
  setup: Setup,
  fence: Fence,
  {
    begun,
    offered,
    phases,
    probed,
  }: { begun: Begun; offered: OfferedLoad; phases: PhaseLog; probed: Probed },
) => ({
  frameSizeBytes: setup.stream.frameSizeBytes,
  offered,
  sink: probed.sink,
  rtt: probed.rtt,
  hostLoad: probed.hostLoad,
  clocks: begun.clocks,
  before: begun.before,
  accuracy: probed.accuracy,
  absentHosts: hostNames.filter((name) => !hostsOf(fence).includes(name)),
  phases: [...phases.entries],
});
