-- A request of this version or a newer one waits on whatever changes. One of an older
-- version has 0: a change of credentials ended it, and it must not happen now.
ALTER TABLE twofold_deletions ADD COLUMN stays INTEGER NOT NULL DEFAULT 0;
