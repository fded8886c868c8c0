/** Testbeds with their highest token, and what was measured on them without a trial. */
import type { Calibration, Capacity } from "../model/testbed.ts";
import { UsageError } from "../model/usage-error.ts";
import type { Database } from "./database.ts";
import { json } from "./rows.ts";
import type { Store } from "./store.ts";

type TestbedVerbs = Pick<
  Store,
  | "putTestbed"
  | "testbed"
  | "testbeds"
  | "raiseToken"
  | "putCalibration"
  | "calibrations"
  | "putCapacity"
  | "capacities"
>;

export const testbedVerbs = (database: Database): TestbedVerbs => ({
  async putTestbed({ name, kind, content }) {
    await database.execute(
      `INSERT INTO testbed (name, kind, content) VALUES ($1, $2, $3)
       ON CONFLICT (name) DO UPDATE SET kind = $2, content = $3, updated_at = now()`,
      [name, kind, json(content)],
    );
  },

  async testbed(name) {
    const rows = await database.rows<{ content: unknown; token: number }>(
      "SELECT content, token FROM testbed WHERE name = $1",
      [name],
    );
    return rows[0] ?? null;
  },

  testbeds: () => database.rows("SELECT name, kind, token FROM testbed ORDER BY name"),

  async raiseToken(testbed, token) {
    const raised = await database.execute(
      "UPDATE testbed SET token = $2 WHERE name = $1 AND token <= $2",
      [testbed, token],
    );
    if (raised === 1) return true;
    const rows = await database.rows("SELECT 1 FROM testbed WHERE name = $1", [testbed]);
    if (rows.length === 0) throw new UsageError(`testbed "${testbed}" is not in the store`);
    return false;
  },

  async putCalibration(calibration) {
    await database.execute(
      `INSERT INTO calibration (testbed, host, device, generator, frame_size_bytes, max_fps,
         rate_error_ratio, gap_p50_us, gap_p999_us, gap_max_us, measured_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
       ON CONFLICT (testbed, host, device, frame_size_bytes) DO UPDATE SET
         generator = $4, max_fps = $6, rate_error_ratio = $7, gap_p50_us = $8, gap_p999_us = $9,
         gap_max_us = $10, measured_at = $11`,
      [
        ...[calibration.testbed, calibration.host, calibration.device, calibration.generator],
        ...[calibration.frameSizeBytes, calibration.maxFps, calibration.rateErrorRatio],
        ...[calibration.gapP50Us, calibration.gapP999Us, calibration.gapMaxUs],
        calibration.measuredAt,
      ],
    );
  },

  calibrations: (testbed) =>
    database.rows<Calibration>(
      "SELECT * FROM calibration WHERE testbed = $1 ORDER BY host, device, frame_size_bytes",
      [testbed],
    ),

  async putCapacity({ testbed, platform, bootProfile, frameSizeBytes, fps, ...how }) {
    await database.execute(
      `INSERT INTO capacity (testbed, platform, boot_profile, frame_size_bytes, fps, measured_at,
         conditions)
       VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (testbed, platform, boot_profile, frame_size_bytes)
       DO UPDATE SET fps = $5, measured_at = $6, conditions = $7`,
      [testbed, platform, bootProfile, frameSizeBytes, fps, how.measuredAt, how.conditions],
    );
  },

  capacities: (testbed) =>
    database.rows<Capacity>(
      "SELECT * FROM capacity WHERE testbed = $1 ORDER BY platform, boot_profile, frame_size_bytes",
      [testbed],
    ),
});
