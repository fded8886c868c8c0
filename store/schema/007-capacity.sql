-- With what a capacity was measured: the guest, its accelerator, the line rate (null: not kept then).
-- It holds for nothing else.
ALTER TABLE capacity ADD COLUMN conditions text;
-- The trial's load, resolved after planning, is one that the testbed cannot offer: it got its verdict
-- without an attempt, and trials of the same load that are added later get the same one.
ALTER TABLE trial ADD COLUMN beyond_testbed boolean NOT NULL DEFAULT false;
