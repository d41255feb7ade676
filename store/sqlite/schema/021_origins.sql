-- Where accounts came from, by their ids there, and what they were right after that.
CREATE TABLE twofold_origins (
	source      TEXT    NOT NULL CHECK (source <> ''),
	old_id      TEXT    NOT NULL CHECK (old_id <> ''),
	user_id     TEXT    NOT NULL UNIQUE REFERENCES twofold_users (id) ON DELETE CASCADE,
	uniquifier  TEXT    NOT NULL,
	updated_at  INTEGER NOT NULL,
	codes       INTEGER NOT NULL, -- how many recovery codes came along
	digest      BLOB    NOT NULL, -- keyed hash of all that came
	password    BLOB    NOT NULL, -- keyed hash of the password that came
	imported_at INTEGER NOT NULL,
	PRIMARY KEY (source, old_id)
) STRICT, WITHOUT ROWID;

-- How the hash of a recovery code was made that came from elsewhere; empty: here.
ALTER TABLE twofold_recovery_codes ADD COLUMN form BLOB NOT NULL DEFAULT x'';
