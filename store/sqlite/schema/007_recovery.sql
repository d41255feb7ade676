-- Recovery codes as keyed hashes. A code that is used is deleted.
CREATE TABLE twofold_recovery_codes (
	user_id    TEXT    NOT NULL REFERENCES twofold_users (id) ON DELETE CASCADE,
	mac        BLOB    NOT NULL,
	created_at INTEGER NOT NULL,
	PRIMARY KEY (user_id, mac)
) STRICT, WITHOUT ROWID;
