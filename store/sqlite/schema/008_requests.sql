-- The way back after the loss of a second factor: one request of an account
-- that waits, or the mark that its rescue is shut.
CREATE TABLE twofold_recoveries (
	user_id    TEXT    PRIMARY KEY REFERENCES twofold_users (id) ON DELETE CASCADE,
	id         TEXT    NOT NULL,
	uniquifier TEXT    NOT NULL,
	factor_id  TEXT    NOT NULL,
	shut       INTEGER NOT NULL CHECK (shut IN (0, 1)),
	address    TEXT    NOT NULL,
	agent      TEXT    NOT NULL,
	created_at INTEGER NOT NULL,
	opens_at   INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX twofold_recoveries_end ON twofold_recoveries (expires_at);
