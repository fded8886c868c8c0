/** One forwarding trial: phases a–e of RFC 2544 §23 around one constant load. */
import type { OfferedLoad } from "../model/measurement.ts";
import type { Fence } from "../remote/agent.ts";
import type { TrialDeps } from "./deps.ts";
import { baselineAfter } from "./baseline-after.ts";
import type { Begun } from "./begun.ts";
import { bringHome } from "./bring-home.ts";
import { wholePath } from "./ledger-path.ts";
import { part } from "./parts.ts";
import type { PhaseLog } from "./phase-log.ts";
import { orCancelled, progress } from "./progress.ts";
import type { Setup } from "./setup.ts";
import { storeMeasurement } from "./store-measured.ts";
import { underLoad } from "./under-load.ts";

/** Stores measurement and series itself. */
export async function measureForwarding(
  deps: TrialDeps,
  setup: Setup,
  fence: Fence,
): Promise<void> {
  const { bench, driver, guest, host, stream } = setup;
  const path = wholePath(bench.testbed, driver.path(host, guest));
  await underLoad(deps, setup, fence, path, async ({ begun, phases, fault }) => {
    const offered = await part("load", () =>
      orCancelled(
        bench.generator.finish(setup.unit("load"), stream, (frames) => progress({ frames })),
      ),
    );
    await fault.made();
    await afterLoad(deps, setup, fence, { begun, offered, phases });
  });
}

/** Everything home into the store; also `collect`'s second half. */
export async function afterLoad(
  deps: TrialDeps,
  setup: Setup,
  fence: Fence,
  known: { begun: Begun; offered: OfferedLoad; phases: PhaseLog },
): Promise<void> {
  const { common, probed } = await bringHome(deps, setup, fence, {
    ...known,
    migration: null,
    router: "asked",
  });
  const { begun, offered } = known;
  const { router = null } = common;
  const baseline = await part("baseline", () =>
    baselineAfter(deps, setup, fence, { begun, endUs: offered.endUs, probed, router }),
  );
  const { path } = begun;
  await storeMeasurement(deps.store, setup, { kind: "forwarding", baseline, path, ...common });
}
