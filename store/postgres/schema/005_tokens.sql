-- Personal access tokens, and families of refresh tokens.
CREATE TABLE twofold_tokens (
	id         TEXT COLLATE "C" PRIMARY KEY,
	user_id    TEXT COLLATE "C" NOT NULL REFERENCES twofold_users (id) ON DELETE CASCADE,
	uniquifier TEXT COLLATE "C" NOT NULL,
	personal   BIGINT NOT NULL CHECK (personal IN (0, 1)),
	hash       TEXT COLLATE "C" NOT NULL,
	generation BIGINT NOT NULL,
	session_id TEXT COLLATE "C" NOT NULL,
	name       TEXT COLLATE "C" NOT NULL,
	scopes     TEXT COLLATE "C" NOT NULL,
	level      BIGINT NOT NULL,
	trusted    BIGINT NOT NULL CHECK (trusted IN (0, 1)),
	proofs     TEXT COLLATE "C" NOT NULL,
	created_at BIGINT NOT NULL,
	used_at    BIGINT NOT NULL,
	idle_at    BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX twofold_tokens_hash ON twofold_tokens (hash);
CREATE INDEX twofold_tokens_user ON twofold_tokens (user_id);
CREATE INDEX twofold_tokens_end ON twofold_tokens (expires_at);
