/** A migration followed beside its driver, and ended when a judge says that it hangs. */
import type { HangRule } from "../model/hang.ts";
import { hangRule } from "../model/hang.ts";
import type { MigrationReport } from "../model/measurement.ts";
import type { MigrationWatch } from "../model/watch.ts";
import type { Fence } from "../remote/agent.ts";
import { CommandFailed, NoExitStatus } from "../remote/shell.ts";
import type { TrialDeps } from "./deps.ts";
import { migrationLooks } from "./migration-looks.ts";
import type { Hung } from "./migration-looks.ts";
import { part } from "./parts.ts";
import type { PhaseLog } from "./phase-log.ts";
import { orCancelled } from "./progress.ts";
import type { MigrationSetup, RouterHost } from "./setup.ts";
import { hostBoots, storeEvidence, within } from "./watch-evidence.ts";

interface Watched {
  readonly migration: MigrationReport;
  readonly watch: MigrationWatch;
}

/** The unit writes its report at once when the platform has cancelled. */
const reportMs = 5000;
/** A toolstack that hangs was given its time already: evidence is not worth as much again. */
const evidenceMs = 1000;
const samplesStored = 120;

/** Orders the migration once. Heartbeats only for progress of the migration itself. */
export async function watchedMigration(
  deps: TrialDeps,
  setup: MigrationSetup,
  fence: Fence,
  phases: PhaseLog,
): Promise<Watched> {
  const { driver, order, campaign } = setup;
  const rule = hangRule(campaign);
  const looks = migrationLooks(setup, rule);
  const ending = new AbortController();
  const report = driver.migrate(fence, order, looks.saw);
  report.catch(() => undefined); // told by the race, or by the unit's own account
  try {
    const end = await orCancelled(
      Promise.race([
        report.then((migration) => ({ migration })),
        looks.untilHung(ending.signal).then((hung) => ({ hung })),
      ]),
    );
    const watch = { windowMs: rule.windowMs, samples: looks.samples().slice(-samplesStored) };
    return "migration" in end
      ? await ended(deps, setup, fence, { ...watch, rule, migration: end.migration })
      : await endHung(deps, setup, fence, { ...watch, hung: end.hung, report, phases });
  } finally {
    ending.abort();
  }
}

/** The platform ended it by itself. After anything but a clean end both hosts are asked what they have. */
async function ended(
  deps: TrialDeps,
  setup: MigrationSetup,
  fence: Fence,
  known: Pick<MigrationWatch, "windowMs" | "samples"> & {
    readonly rule: HangRule;
    readonly migration: MigrationReport;
  },
): Promise<Watched> {
  const { migration, rule, ...watch } = known;
  const unclean = migration.status !== "completed";
  const [evidence, hosts] = unclean
    ? await part("evidence", () =>
        Promise.all([
          storeEvidence(deps, setup, routerHosts(setup), "after the migration", {
            status: migration.status,
            reason: migration.reason,
          }),
          hostBoots(setup, fence, routerHosts(setup)),
        ]),
      )
    : [[], []];
  return {
    migration,
    watch: {
      ...watch,
      verdict: "progressing",
      reason: null,
      boundMs: rule.boundMs,
      detectionTimeMs: null,
      endedAfterMs: null,
      abort: null,
      hosts,
      evidence,
    },
  };
}

/** What the hosts show of the hang, then its end, then what they show after it. */
async function endHung(
  deps: TrialDeps,
  setup: MigrationSetup,
  fence: Fence,
  known: Pick<MigrationWatch, "windowMs" | "samples"> & {
    readonly hung: Hung;
    readonly report: Promise<MigrationReport>;
    readonly phases: PhaseLog;
  },
): Promise<Watched> {
  const { hung, report, phases, ...watch } = known;
  const began = performance.now();
  phases.enter(hung.verdict);
  const both = routerHosts(setup);
  const atVerdict = await part("evidence", () =>
    storeEvidence(
      deps,
      setup,
      both,
      "at the verdict",
      { verdict: hung.verdict, reason: hung.reason, samples: watch.samples.slice(-20) },
      evidenceMs,
    ),
  );
  // Silent to a question, the toolstack would be silent to an order: its time was given already. What
  // can be told of the migration's end is for its unit, which holds a connection of its own.
  const abort =
    hung.verdict === "api-hung"
      ? "not ordered: the toolstack does not answer"
      : await part("abort", () => aborted(setup, fence));
  phases.enter("aborted");
  const migration = await part("report", () => lastWord(setup, fence, report, abort));
  const endedAfterMs = performance.now() - began;
  const [afterwards, hosts] = await part("evidence", () =>
    Promise.all([
      storeEvidence(deps, setup, both, "after the abort", { abort }, evidenceMs),
      hostBoots(setup, fence, both),
    ]),
  );
  return {
    migration,
    watch: {
      ...watch,
      verdict: hung.verdict,
      reason: hung.reason,
      boundMs: hung.boundMs,
      detectionTimeMs: hung.detectionTimeMs,
      endedAfterMs,
      abort,
      hosts,
      evidence: [...atVerdict, ...afterwards],
    },
  };
}

/** `done`, or why not. A toolstack that hangs cannot be told to stop: that is a finding, no failure of the trial. */
async function aborted({ driver, order }: MigrationSetup, fence: Fence): Promise<string> {
  try {
    await driver.abort(fence, order);
    return "done";
  } catch (error) {
    if (error instanceof NoExitStatus || error instanceof CommandFailed) return error.message;
    throw error;
  }
}

/** The unit's report; where it does not come, the unit is ended and its log read. @throws {NoExitStatus} neither */
async function lastWord(
  { bench, driver, order }: MigrationSetup,
  fence: Fence,
  report: Promise<MigrationReport>,
  abort: string,
): Promise<MigrationReport> {
  try {
    return await within(report, abort === "done" ? reportMs : 500, order.source);
  } catch (error) {
    if (!(error instanceof NoExitStatus)) throw error;
    await (await bench.hosts.agent(order.source)).stopUnit(fence, order.unit, { graceMs: 2000 });
    const account = await driver.report(order);
    if (account === null) throw error;
    return account;
  }
}

/** Where the router was when the trial began, and the other one. */
export const routerHosts = ({ host }: { readonly host: RouterHost }): [RouterHost, RouterHost] =>
  host === "R1" ? ["R1", "R2"] : ["R2", "R1"];
