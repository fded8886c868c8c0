-- Hashes of the plans that this campaign had before repetitions were added: a file of one of them is no other plan.
ALTER TABLE campaign ADD COLUMN earlier_plan_hashes text[] NOT NULL DEFAULT '{}';
-- Since when it waits in the testbed's queue; null: it does not. Places in the queue are counted by it.
ALTER TABLE campaign ADD COLUMN queued_at timestamptz;
