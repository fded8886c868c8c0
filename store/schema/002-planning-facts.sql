-- Calibrations of the generator that a campaign was planned with (null: planned before this column).
-- Whoever attaches to it plans with these again: a later calibration is no other plan.
ALTER TABLE campaign ADD COLUMN calibrations jsonb;

-- The newest verdicts, for whoever follows a campaign.
CREATE INDEX trial_by_end ON trial (campaign, ended_at) WHERE ended_at IS NOT NULL;
