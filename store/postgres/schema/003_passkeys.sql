-- A passkey is a factor with the hash of its credential id, which is unique
-- over all accounts, and a use: 'first' or 'secondary'.
ALTER TABLE twofold_factors ADD COLUMN credential TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE twofold_factors ADD COLUMN passkey_use TEXT COLLATE "C" NOT NULL DEFAULT '' CHECK (passkey_use IN ('', 'first', 'secondary'));
CREATE UNIQUE INDEX twofold_factors_credential ON twofold_factors (credential) WHERE credential <> '';
