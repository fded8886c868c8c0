-- Runs of the ladder of recovery, and hosts that Longhaul gave up. What each rung did is an event.

CREATE TABLE recovery (
  -- The workflow's id: <trial>/recovery-<attempt>.
  id          text PRIMARY KEY,
  testbed     text NOT NULL REFERENCES testbed (name),
  campaign    text NOT NULL REFERENCES campaign (id) ON DELETE CASCADE,
  trial       text NOT NULL,
  attempt     integer NOT NULL,
  -- What called for it.
  why         text NOT NULL,
  -- The step now tried; null once the run has ended.
  step        text,
  step_hosts  text[] NOT NULL DEFAULT '{}',
  step_since  timestamptz,
  -- recovered, exhausted, superseded, cancelled; null while it runs.
  outcome     text,
  -- The highest rung that had to be climbed.
  rung        text,
  started_at  timestamptz NOT NULL,
  ended_at    timestamptz
);
CREATE INDEX recovery_by_campaign ON recovery (campaign, started_at);
CREATE INDEX recovery_by_testbed ON recovery (testbed, ended_at);

CREATE TABLE quarantine (
  testbed     text NOT NULL REFERENCES testbed (name) ON DELETE CASCADE,
  host        text NOT NULL,
  reason      text NOT NULL,
  recovery    text NOT NULL,
  since       timestamptz NOT NULL,
  PRIMARY KEY (testbed, host)
);
