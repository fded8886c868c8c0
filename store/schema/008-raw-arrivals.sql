-- The stamp of every frame at the sink, of a campaign that keeps them, in parts of at most 100,000 frames.
CREATE TABLE raw_arrivals (
  trial       text NOT NULL,
  attempt     integer NOT NULL,
  testbed     text NOT NULL,
  host        text NOT NULL,
  -- Place of the part's first frame in the order of arrival, from 0.
  first_frame bigint NOT NULL,
  arrival_us  double precision[] NOT NULL,
  sequence    bigint[] NOT NULL,
  PRIMARY KEY (trial, attempt, first_frame),
  FOREIGN KEY (trial, attempt) REFERENCES attempt (trial, attempt) ON DELETE CASCADE
);
