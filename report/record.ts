/** Everything a report is made of, read from the store once. No figure and no table asks for more. */
import type { Campaign } from "../model/campaign.ts";
import type { MigrationMeasurement, Provenance } from "../model/measurement.ts";
import type { Calibration, Capacity } from "../model/testbed.ts";
import type { LedgerRow, Omission } from "../model/trial.ts";
import type { CampaignStatus, SeriesRow, Store, TrialRow } from "../store/store.ts";
import { UsageError } from "../model/usage-error.ts";
import type { RecoveryRow } from "../store/recoveries.ts";
import { rungRows } from "./recoveries.ts";
import type { RungRow } from "./recoveries.ts";

/** What of the store a report reads. */
export type ReportStore = Pick<
  Store,
  | "allStatus"
  | "campaign"
  | "trials"
  | "ledgers"
  | "attempts"
  | "provenance"
  | "measurement"
  | "series"
  | "calibrations"
  | "capacities"
  | "recoveries"
  | "events"
>;

export interface CampaignRecord {
  readonly status: CampaignStatus;
  readonly campaign: Campaign;
  readonly omissions: readonly Omission[];
  readonly seed: number;
  readonly planHash: string;
  readonly longhaulVersion: string;
  readonly trials: readonly TrialRow[];
  /** Ledger of the judged attempt, by trial id; trials without one are absent. */
  readonly ledgers: ReadonlyMap<string, readonly LedgerRow[]>;
  /** One provenance for each platform: that of its first judged trial. */
  readonly provenance: ReadonlyMap<string, Provenance>;
  readonly calibrations: readonly Calibration[];
  readonly capacities: readonly Capacity[];
  readonly recoveries: readonly RecoveryRow[];
  /** Every step of every recovery, in order. */
  readonly rungs: readonly RungRow[];
  /** The completed migration, undisturbed by a planned fault, with the median total time; null while there is none. */
  readonly exampleMigration: ExampleMigration | null;
}

export interface ExampleMigration {
  readonly trial: TrialRow;
  readonly measurement: MigrationMeasurement;
  readonly series: readonly SeriesRow[];
}

/** @throws {UsageError} there is no campaign of that id; the message lists the known ones. */
export async function readRecord(store: ReportStore, id: string): Promise<CampaignRecord> {
  const found = await store.campaign(id);
  if (!found) throw await unknownCampaign(store, id);
  const { content, omissions, seed, planHash, longhaulVersion, calibrations, ...status } = found;
  const trials = await store.trials(id);
  return {
    status,
    campaign: content,
    omissions,
    seed,
    planHash,
    longhaulVersion,
    trials,
    ledgers: await store.ledgers(id),
    provenance: await readProvenance(store, trials),
    calibrations: calibrations ?? (await store.calibrations(status.testbed)),
    capacities: await store.capacities(status.testbed),
    recoveries: await store.recoveries(id),
    rungs: rungRows(await store.events({ campaign: id })),
    exampleMigration: await readExample(store, trials),
  };
}

/** The sentence for an id that the store does not hold. */
export async function unknownCampaign(
  store: Pick<Store, "allStatus">,
  id: string,
): Promise<UsageError> {
  const known = (await store.allStatus()).map((status) => status.campaign);
  const list = known.length > 0 ? `known ones: ${known.join(", ")}` : "the store holds none yet";
  return new UsageError(`campaign ${JSON.stringify(id)} is unknown; ${list}`);
}

async function readProvenance(store: ReportStore, trials: readonly TrialRow[]) {
  const byPlatform = new Map<string, Provenance>();
  for (const { id, judgedAttempt, scenario } of trials) {
    if (judgedAttempt === null || byPlatform.has(scenario.platform)) continue;
    const content = await store.provenance(id, judgedAttempt);
    if (content) byPlatform.set(scenario.platform, content);
  }
  return byPlatform;
}

async function readExample(
  store: ReportStore,
  trials: readonly TrialRow[],
): Promise<ExampleMigration | null> {
  const completed = trials
    .filter(
      ({ kind, state, outcome, scenario }) =>
        kind === "migration" &&
        state === "valid" &&
        outcome === "completed" &&
        scenario.fault === undefined,
    )
    .toSorted((a, b) => Number(a.results.totalTimeMs) - Number(b.results.totalTimeMs));
  const trial = completed[Math.floor((completed.length - 1) / 2)];
  if (trial?.judgedAttempt == null) return null;
  const measurement = await store.measurement(trial.id, trial.judgedAttempt);
  if (measurement?.kind !== "migration") return null;
  return { trial, measurement, series: await store.series(trial.id, trial.judgedAttempt) };
}
