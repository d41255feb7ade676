-- The profile fields of an account, a JSON object. Empty: there are none.
ALTER TABLE twofold_users ADD COLUMN profile TEXT COLLATE "C" NOT NULL DEFAULT '';
