/** What one attempt brought home apart from its series: the raw measurement, settings read back. */
import type { Measurement, Provenance } from "../model/measurement.ts";
import type { Database } from "./database.ts";
import { json } from "./rows.ts";
import type { Store } from "./store.ts";

type MeasurementVerbs = Pick<
  Store,
  "putMeasurement" | "measurement" | "putProvenance" | "provenance"
>;

export const measurementVerbs = (database: Database): MeasurementVerbs => ({
  async putMeasurement({ trialId, attempt, testbed }, measurement) {
    // Measured once: what `collect` finds later is the same measurement.
    await database.execute(
      `INSERT INTO measurement (trial, attempt, testbed, content) VALUES ($1, $2, $3, $4)
       ON CONFLICT DO NOTHING`,
      [trialId, attempt, testbed, json(measurement)],
    );
  },

  async measurement(trial, attempt) {
    const [row] = await database.rows<{ content: Measurement }>(
      "SELECT content FROM measurement WHERE trial = $1 AND attempt = $2",
      [trial, attempt],
    );
    return row?.content ?? null;
  },

  async putProvenance({ trialId, attempt, testbed }, provenance) {
    await database.execute(
      `INSERT INTO provenance (trial, attempt, testbed, content) VALUES ($1, $2, $3, $4)
       ON CONFLICT (trial, attempt) DO UPDATE SET content = $4`,
      [trialId, attempt, testbed, json(provenance)],
    );
  },

  async provenance(trial, attempt) {
    const [row] = await database.rows<{ content: Provenance }>(
      "SELECT content FROM provenance WHERE trial = $1 AND attempt = $2",
      [trial, attempt],
    );
    return row?.content ?? null;
  },
});
