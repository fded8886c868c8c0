/**
 * After an unknown end of `measure`: the store first, then the hosts' units.
 *
 * A measurement is taken home when the store knows how its load began (path and counters before it),
 * no host was booted since, the load unit ended by itself with its statistics, and, for a migration,
 * its unit wrote a report. A load or migration that still runs is waited for: it needs nobody. The
 * counters after it are read now. That is as good as right after phase d, because nothing but this
 * campaign may use the testbed and `restore` comes after `collect`; what ARP and the like added is in
 * the ledger's own row. Everything else is `nothing`: a load that was killed or never ended, a sink or
 * a sampler that was lost, a host that was booted or has no power, a planned fault of which nobody knows
 * whether it was made.
 */
import type { AttemptRef } from "../model/trial.ts";
import type { Fence } from "../remote/agent.ts";
import type { OfferedLoad } from "../model/measurement.ts";
import { NoExitStatus } from "../remote/shell.ts";
import type { TrialDeps } from "./deps.ts";
import { readBegun } from "./begun.ts";
import { afterLoad } from "./measure-forwarding.ts";
import { afterMigration } from "./measure-migration.ts";
import { part } from "./parts.ts";
import { phaseLog } from "./phase-log.ts";
import { probesLost } from "./probes.ts";
import { faultIsOnRecord } from "./planned-fault.ts";
import { phase, progress } from "./progress.ts";
import type { Setup } from "./setup.ts";
import { fenceOf, migrationOf, setupOf } from "./setup.ts";
import { hostsOf } from "./taking-part.ts";
import { isOff } from "./without-power.ts";

export async function collect(
  deps: TrialDeps,
  ref: AttemptRef,
): Promise<{ status: "measured" } | { status: "nothing"; why?: string }> {
  if ((await deps.store.measurement(ref.trialId, ref.attempt)) !== null)
    return { status: "measured" };
  const setup = await setupOf(deps, ref);
  const begun = await readBegun(deps.store, setup);
  if (begun === null) return { status: "nothing" };
  if (!(await faultIsOnRecord(deps, setup)))
    return { status: "nothing", why: "the trial's fault was not made" };
  const fence = await fenceOf(deps, ref);
  const ended = await part("same boots", () => endedBoots(setup, fence));
  if (ended.length > 0) return { status: "nothing", why: ended.join("; ") };
  if (await part("probes", () => probesLost(setup, fence))) return { status: "nothing" };
  const phases = phaseLog(begun.phases);
  const known = { begun, phases };
  if (setup.trial.kind === "forwarding") {
    const offered = await part("load", () => endedLoad(setup));
    if (offered === null) return { status: "nothing" };
    await afterLoad(deps, setup, fence, { ...known, offered });
    return { status: "measured" };
  }
  const migrating = migrationOf(setup);
  const { bench, campaign, stream } = setup;
  const migration = await part("migration", async () => {
    const agent = await bench.hosts.agent(migrating.order.source);
    if ((await agent.unit(migrating.order.unit)) === null) return null;
    await agent.waitUnit(migrating.order.unit, { timeoutMs: campaign.migrationDeadlineMs + 5000 });
    return migrating.driver.report(migrating.order);
  });
  if (migration === null) return { status: "nothing" };
  // As long after the end as `measure` would have watched; most of it has passed by now.
  phases.enter("after");
  await phase(campaign.migrationMarginMs);
  await bench.generator.stop(fence, setup.unit("load"), stream);
  const offered = await endedLoad(setup);
  if (offered === null) return { status: "nothing" };
  await afterMigration(deps, migrating, fence, {
    ...known,
    offered,
    migration,
    watch: null,
  });
  return { status: "measured" };
}

/** Waits for a load that still runs. null: it left no statistics, or a forwarding load was stopped before its end. */
async function endedLoad({ bench, stream, unit, trial }: Setup): Promise<OfferedLoad | null> {
  const load = unit("load");
  const agent = await bench.hosts.agent(stream.source);
  if ((await agent.unit(load)) === null) return null;
  const { state } = await agent.waitUnit(load, { timeoutMs: stream.durationMs + 10_000 });
  if (trial.kind === "forwarding" && state.status !== "ended") return null;
  progress({ collecting: "load" });
  return bench.generator.offered(load, stream);
}

/** Of a host that is proven to have no power, too. @throws {NoExitStatus} one that may have it does not answer */
async function endedBoots({ bench }: Setup, fence: Fence): Promise<readonly string[]> {
  const ended = await Promise.all(
    hostsOf(fence).map(async (name) => {
      try {
        const { bootId } = await (await bench.hosts.agent(name)).identity();
        return fence.bootIds[name] === bootId ? [] : [`${name} was booted meanwhile`];
      } catch (error) {
        if (error instanceof NoExitStatus && (await isOff(bench, name)))
          return [`${name} has lost its power`];
        throw error;
      }
    }),
  );
  return ended.flat();
}
