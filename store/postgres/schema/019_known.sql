-- Whether a sign-in was begun in a browser that signed in to the account before:
-- those that others begin never push it out.
ALTER TABLE twofold_pendings ADD COLUMN known BIGINT NOT NULL DEFAULT 0 CHECK (known IN (0, 1));
