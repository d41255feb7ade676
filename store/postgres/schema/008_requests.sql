-- The way back after the loss of a second factor: one request of an account
-- that waits, or the mark that its rescue is shut.
CREATE TABLE twofold_recoveries (
	user_id    TEXT COLLATE "C" PRIMARY KEY REFERENCES twofold_users (id) ON DELETE CASCADE,
	id         TEXT COLLATE "C" NOT NULL,
	uniquifier TEXT COLLATE "C" NOT NULL,
	factor_id  TEXT COLLATE "C" NOT NULL,
	shut       BIGINT  NOT NULL CHECK (shut IN (0, 1)),
	address    TEXT COLLATE "C" NOT NULL,
	agent      TEXT COLLATE "C" NOT NULL,
	created_at BIGINT  NOT NULL,
	opens_at   BIGINT  NOT NULL,
	expires_at BIGINT  NOT NULL
);
CREATE INDEX twofold_recoveries_end ON twofold_recoveries (expires_at);
