/** Trials as they stand in the plan and after their verdict. */
import type { TrialKind } from "../model/trial.ts";
import type { Database } from "./database.ts";
import { storable } from "./rows.ts";
import type { Store, TrialRow } from "./store.ts";

interface FlatTrial extends Omit<TrialRow, "scenario"> {
  readonly platform: string;
  readonly frameSizeBytes: number;
  readonly load: string;
  readonly intendedFps: number | null;
  readonly ofCapacity: number | null;
  readonly direction: "R1toR2" | "R2toR1" | null;
  readonly fault: string | null;
}

const trialSql = (where: string, order = "position"): string => `
  SELECT t.id, campaign, kind, element, platform, frame_size_bytes, load, intended_fps, of_capacity,
    direction, fault, repetition, position, state, reason, outcome, judged_attempt, results, doubts,
    started_at, ended_at,
    (SELECT count(*) FROM attempt WHERE attempt.trial = t.id) AS attempts
  FROM trial t ${where} ORDER BY ${order}`;

type TrialVerbs = Pick<
  Store,
  "trials" | "endedTrials" | "trial" | "pendingElements" | "resolveLoads"
>;

export const trialVerbs = (database: Database): TrialVerbs => ({
  async trials(campaign) {
    const rows = await database.rows<FlatTrial>(trialSql("WHERE campaign = $1"), [campaign]);
    return rows.map(trialOf);
  },

  async endedTrials(campaign, { since = null, newest }) {
    const rows = await database.rows<FlatTrial>(
      trialSql(
        "WHERE campaign = $1 AND ended_at IS NOT NULL AND ($2::timestamptz IS NULL OR ended_at >= $2)",
        "ended_at DESC, position DESC LIMIT $3",
      ),
      [campaign, since, newest],
    );
    return rows.map(trialOf).toReversed();
  },

  async trial(id) {
    const rows = await database.rows<FlatTrial>(trialSql("WHERE t.id = $1"), [id]);
    return rows.map(trialOf)[0] ?? null;
  },

  async pendingElements(campaign, limit) {
    const rows = await database.rows<FlatTrial>(
      trialSql(
        `WHERE campaign = $1 AND state IN ('pending', 'running') AND element IN (
           SELECT element FROM trial WHERE campaign = $1 AND state IN ('pending', 'running')
           GROUP BY element ORDER BY min(position) LIMIT $2)`,
      ),
      [campaign, limit],
    );
    const elements = new Map<string, { element: string; kind: TrialKind; trials: TrialRow[] }>();
    for (const trial of rows.map(trialOf)) {
      const { element, kind } = trial;
      const found = elements.get(element) ?? { element, kind, trials: [] };
      found.trials.push(trial);
      elements.set(element, found);
    }
    return [...elements.values()];
  },

  resolveLoads: (campaign, platform, frameSizeBytes, { fps, beyond }) =>
    database.transaction(async (session) => {
      const place = [campaign, platform, frameSizeBytes];
      // A load once resolved stays: all repetitions of a scenario have the same one.
      for (const { ofCapacity, verdict, reason } of beyond)
        await session.execute(
          `UPDATE trial SET state = $5, reason = $6, ended_at = now(), beyond_testbed = true
           WHERE campaign = $1 AND platform = $2 AND frame_size_bytes = $3
             AND of_capacity = $4 AND intended_fps IS NULL AND state = 'pending'`,
          [...place, ofCapacity, verdict, storable(reason)],
        );
      await session.execute(
        `UPDATE trial SET intended_fps = of_capacity * $4
         WHERE campaign = $1 AND platform = $2 AND frame_size_bytes = $3
           AND of_capacity IS NOT NULL AND intended_fps IS NULL`,
        [...place, fps],
      );
    }),
});

/** A trial's columns with the levels gathered into its scenario. */
function trialOf(row: FlatTrial): TrialRow {
  const { platform, frameSizeBytes, load, intendedFps, ofCapacity, direction, fault, ...trial } =
    row;
  const levels = { platform, frameSizeBytes, load, intendedFps, ofCapacity, direction };
  return {
    ...trial,
    scenario: fault === null ? levels : { ...levels, fault },
  };
}
