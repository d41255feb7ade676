-- Recovery codes as keyed hashes. A code that is used is deleted.
CREATE TABLE twofold_recovery_codes (
	user_id    TEXT COLLATE "C" NOT NULL REFERENCES twofold_users (id) ON DELETE CASCADE,
	mac        BYTEA            NOT NULL,
	created_at BIGINT           NOT NULL,
	PRIMARY KEY (user_id, mac)
);
