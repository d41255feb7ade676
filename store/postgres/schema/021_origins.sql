-- Where accounts came from, by their ids there, and what they were right after that.
CREATE TABLE twofold_origins (
	source      TEXT COLLATE "C" NOT NULL CHECK (source <> ''),
	old_id      TEXT COLLATE "C" NOT NULL CHECK (old_id <> ''),
	user_id     TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES twofold_users (id) ON DELETE CASCADE,
	uniquifier  TEXT COLLATE "C" NOT NULL,
	updated_at  BIGINT           NOT NULL,
	codes       BIGINT           NOT NULL, -- how many recovery codes came along
	digest      BYTEA            NOT NULL, -- keyed hash of all that came
	password    BYTEA            NOT NULL, -- keyed hash of the password that came
	imported_at BIGINT           NOT NULL,
	PRIMARY KEY (source, old_id)
);

-- How the hash of a recovery code was made that came from elsewhere; empty: here.
ALTER TABLE twofold_recovery_codes ADD COLUMN form BYTEA NOT NULL DEFAULT '';
