-- The language of what is sent to an account's owner. Empty: not known yet.
ALTER TABLE twofold_users ADD COLUMN language TEXT COLLATE "C" NOT NULL DEFAULT '';
