/** What was done when: steps of trials, and events of a testbed. */
import type { Database } from "./database.ts";
import { json, storableOrNull } from "./rows.ts";
import type { EventRow, StepRow, Store } from "./store.ts";

type StepVerbs = Pick<Store, "putStep" | "steps" | "putEvent" | "eventsSince" | "events">;

export const stepVerbs = (database: Database): StepVerbs => ({
  async putStep({ trialId, testbed }, step) {
    // A step that has ended does not run again under the same retry, however late that is reported.
    await database.execute(
      `INSERT INTO step (trial, attempt, name, retry, testbed, outcome, detail, parts, started_at, ended_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       ON CONFLICT (trial, attempt, name, retry) DO UPDATE
         SET outcome = $6, detail = $7, parts = $8, started_at = $9, ended_at = $10
         WHERE step.outcome = 'running' OR $6 <> 'running'`,
      [
        ...[trialId, step.attempt, step.name, step.retry, testbed, step.outcome],
        ...[storableOrNull(step.detail), json(step.parts), step.startedAt, step.endedAt],
      ],
    );
  },

  steps: (trial) =>
    database.rows<StepRow>(
      `SELECT attempt, name, retry, outcome, detail, parts, started_at, ended_at
       FROM step WHERE trial = $1 ORDER BY started_at, attempt, retry, name`,
      [trial],
    ),

  async putEvent(event) {
    await database.execute(
      `INSERT INTO event (key, testbed, campaign, trial, attempt, host, kind, content, at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (key) DO NOTHING`,
      [
        ...[event.key, event.testbed, event.campaign, event.trial, event.attempt, event.host],
        ...[event.kind, json(event.content), event.at],
      ],
    );
  },

  eventsSince: (kind, since) =>
    database.rows<EventRow>(
      `SELECT key, testbed, campaign, trial, attempt, host, kind, content, at FROM event
       WHERE kind = $1 AND at >= $2 ORDER BY at, key`,
      [kind, since],
    ),

  events: ({ campaign, trial }) =>
    database.rows<EventRow>(
      `SELECT key, testbed, campaign, trial, attempt, host, kind, content, at FROM event
       WHERE ($1::text IS NULL OR campaign = $1) AND ($2::text IS NULL OR trial = $2)
       ORDER BY at, key`,
      [campaign ?? null, trial ?? null],
    ),
});
