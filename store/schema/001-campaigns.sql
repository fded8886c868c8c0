-- Plan, trials, attempts and what was measured. Numbers carry their unit in the column's name.
-- Every write has a unique key and may be repeated.

CREATE TABLE testbed (
  name        text PRIMARY KEY,
  kind        text NOT NULL,
  -- The testbed file as validated.
  content     jsonb NOT NULL,
  -- Highest fencing token that any act of a campaign has carried.
  token       bigint NOT NULL DEFAULT 0,
  updated_at  timestamptz NOT NULL DEFAULT now()
);

-- Every id that was ever handed out or used. None is used again, even after `delete`: Temporal may
-- still hold the history of the workflow that bore it.
CREATE TABLE campaign_id (
  id          text PRIMARY KEY,
  taken_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE campaign (
  id            text PRIMARY KEY,
  testbed       text NOT NULL REFERENCES testbed (name),
  name          text NOT NULL,
  state         text NOT NULL DEFAULT 'planned'
                CHECK (state IN ('planned', 'queued', 'running', 'paused', 'waiting', 'completed', 'cancelled')),
  -- Why it waits, or why it ended early.
  reason        text,
  seed          bigint NOT NULL,
  -- The campaign as validated, defaults filled in.
  content       jsonb NOT NULL,
  -- Hash of expanded trials, parameters, seed and testbed name: the same id with another plan is refused.
  plan_hash     text NOT NULL,
  omissions     jsonb NOT NULL DEFAULT '[]',
  workflow_id   text NOT NULL,
  temporal_ui   text,
  longhaul_version text NOT NULL,
  planned_at    timestamptz NOT NULL DEFAULT now(),
  started_at    timestamptz,
  ended_at      timestamptz
);

CREATE TABLE trial (
  id              text PRIMARY KEY,
  campaign        text NOT NULL REFERENCES campaign (id) ON DELETE CASCADE,
  testbed         text NOT NULL,
  kind            text NOT NULL CHECK (kind IN ('forwarding', 'migration')),
  -- Id of the workflow that runs it.
  element         text NOT NULL,
  platform        text NOT NULL,
  frame_size_bytes integer NOT NULL,
  load            text NOT NULL,
  intended_fps    double precision,
  of_capacity     double precision,
  direction       text,
  repetition      integer NOT NULL,
  position        integer NOT NULL,
  state           text NOT NULL DEFAULT 'pending'
                  CHECK (state IN ('pending', 'running', 'valid', 'invalid', 'skipped')),
  reason          text,
  outcome         text,
  -- The attempt that gave the verdict.
  judged_attempt  integer,
  results         jsonb NOT NULL DEFAULT '{}',
  doubts          jsonb NOT NULL DEFAULT '[]',
  started_at      timestamptz,
  ended_at        timestamptz,
  UNIQUE (campaign, position)
);
CREATE INDEX trial_by_element ON trial (campaign, element);
-- What `status` counts and what is left to do, without reading the rows' results.
CREATE INDEX trial_by_state ON trial (campaign, state) INCLUDE (outcome);
CREATE INDEX trial_undecided ON trial (campaign, position) WHERE state IN ('pending', 'running');

CREATE TABLE attempt (
  trial       text NOT NULL REFERENCES trial (id) ON DELETE CASCADE,
  attempt     integer NOT NULL CHECK (attempt > 0),
  testbed     text NOT NULL,
  token       bigint NOT NULL,
  -- Boot ids of the hosts that this attempt was prepared on.
  boot_ids    jsonb NOT NULL DEFAULT '{}',
  verdict     text CHECK (verdict IN ('valid', 'invalid')),
  outcome     text,
  reason      text,
  cut         boolean NOT NULL DEFAULT false,
  location    text,
  started_at  timestamptz NOT NULL DEFAULT now(),
  ended_at    timestamptz,
  PRIMARY KEY (trial, attempt)
);

-- What the measuring activity (or collect) brought home, once for each attempt.
CREATE TABLE measurement (
  trial       text NOT NULL,
  attempt     integer NOT NULL,
  testbed     text NOT NULL,
  content     jsonb NOT NULL,
  stored_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (trial, attempt),
  FOREIGN KEY (trial, attempt) REFERENCES attempt (trial, attempt) ON DELETE CASCADE
);

CREATE TABLE ledger (
  trial       text NOT NULL,
  attempt     integer NOT NULL,
  testbed     text NOT NULL,
  ordinal     integer NOT NULL,
  place       text NOT NULL,
  frames      bigint NOT NULL,
  PRIMARY KEY (trial, attempt, ordinal),
  FOREIGN KEY (trial, attempt) REFERENCES attempt (trial, attempt) ON DELETE CASCADE
);

CREATE TABLE step (
  trial       text NOT NULL REFERENCES trial (id) ON DELETE CASCADE,
  attempt     integer NOT NULL,
  name        text NOT NULL,
  -- Temporal's re-run of the activity, from 1.
  retry       integer NOT NULL,
  testbed     text NOT NULL,
  outcome     text NOT NULL CHECK (outcome IN ('running', 'completed', 'failed', 'cancelled', 'unknown')),
  detail      text,
  -- Named parts of the step and how long each took, in ms.
  parts       jsonb NOT NULL DEFAULT '{}',
  started_at  timestamptz NOT NULL,
  ended_at    timestamptz,
  PRIMARY KEY (trial, attempt, name, retry)
);

CREATE TABLE event (
  -- Given by the writer, so that a repeated write is one event.
  key         text PRIMARY KEY,
  testbed     text NOT NULL,
  campaign    text REFERENCES campaign (id) ON DELETE CASCADE,
  trial       text,
  attempt     integer,
  host        text,
  kind        text NOT NULL,
  content     jsonb NOT NULL DEFAULT '{}',
  at          timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX event_by_trial ON event (trial, attempt);
CREATE INDEX event_by_campaign ON event (campaign, kind);

-- Counter samples, columnar: one row holds one interface of one host during one attempt.
CREATE TABLE counter_series (
  trial       text NOT NULL,
  attempt     integer NOT NULL,
  testbed     text NOT NULL,
  host        text NOT NULL,
  device      text NOT NULL,
  ifindex     integer NOT NULL,
  interval_ms double precision NOT NULL,
  achieved_p50_ms double precision NOT NULL,
  achieved_p99_ms double precision NOT NULL,
  achieved_max_ms double precision NOT NULL,
  missed_ticks integer NOT NULL,
  read_p99_us double precision NOT NULL,
  clock_offset_us double precision NOT NULL,
  clock_uncertainty_us double precision NOT NULL,
  before_us   double precision[] NOT NULL,
  after_us    double precision[] NOT NULL,
  rx_frames   bigint[] NOT NULL,
  rx_bytes    bigint[] NOT NULL,
  rx_dropped  bigint[] NOT NULL,
  tx_frames   bigint[] NOT NULL,
  tx_bytes    bigint[] NOT NULL,
  tx_dropped  bigint[] NOT NULL,
  PRIMARY KEY (trial, attempt, host, device, ifindex),
  FOREIGN KEY (trial, attempt) REFERENCES attempt (trial, attempt) ON DELETE CASCADE
);

CREATE TABLE provenance (
  trial       text NOT NULL,
  attempt     integer NOT NULL,
  testbed     text NOT NULL,
  content     jsonb NOT NULL,
  PRIMARY KEY (trial, attempt),
  FOREIGN KEY (trial, attempt) REFERENCES attempt (trial, attempt) ON DELETE CASCADE
);

CREATE TABLE calibration (
  testbed     text NOT NULL,
  host        text NOT NULL,
  device      text NOT NULL,
  generator   text NOT NULL,
  frame_size_bytes integer NOT NULL,
  max_fps     double precision NOT NULL,
  rate_error_ratio double precision NOT NULL,
  gap_p50_us  double precision NOT NULL,
  gap_p999_us double precision NOT NULL,
  gap_max_us  double precision NOT NULL,
  measured_at timestamptz NOT NULL,
  PRIMARY KEY (testbed, host, device, frame_size_bytes)
);

CREATE TABLE capacity (
  testbed     text NOT NULL,
  platform    text NOT NULL,
  boot_profile text NOT NULL,
  frame_size_bytes integer NOT NULL,
  fps         double precision NOT NULL,
  measured_at timestamptz NOT NULL,
  PRIMARY KEY (testbed, platform, boot_profile, frame_size_bytes)
);
