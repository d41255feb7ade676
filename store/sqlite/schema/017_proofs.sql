-- What was proven when a browser was trusted or began to stay signed in, as a list:
-- what it is worth is asked anew at each use.
ALTER TABLE twofold_devices ADD COLUMN proofs TEXT NOT NULL DEFAULT '[]';
