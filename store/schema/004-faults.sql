-- The fault that disturbs a trial on purpose, as its id names it; null: none does.
ALTER TABLE trial ADD COLUMN fault text;
