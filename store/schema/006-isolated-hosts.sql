-- Whether a host that Longhaul gave up is proven to carry no router: what does not need the host can
-- be measured only then.
ALTER TABLE quarantine ADD COLUMN isolated boolean NOT NULL DEFAULT false;
