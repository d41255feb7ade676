-- What the first factor of a pending sign-in rests on, as a list.
ALTER TABLE twofold_pendings ADD COLUMN first_rests TEXT NOT NULL DEFAULT '[]';
