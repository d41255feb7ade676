-- Personal access tokens, and families of refresh tokens.
CREATE TABLE twofold_tokens (
	id         TEXT    PRIMARY KEY,
	user_id    TEXT    NOT NULL REFERENCES twofold_users (id) ON DELETE CASCADE,
	uniquifier TEXT    NOT NULL,
	personal   INTEGER NOT NULL CHECK (personal IN (0, 1)),
	hash       TEXT    NOT NULL,
	generation INTEGER NOT NULL,
	session_id TEXT    NOT NULL,
	name       TEXT    NOT NULL,
	scopes     TEXT    NOT NULL,
	level      INTEGER NOT NULL,
	trusted    INTEGER NOT NULL CHECK (trusted IN (0, 1)),
	proofs     TEXT    NOT NULL,
	created_at INTEGER NOT NULL,
	used_at    INTEGER NOT NULL,
	idle_at    INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX twofold_tokens_hash ON twofold_tokens (hash);
CREATE INDEX twofold_tokens_user ON twofold_tokens (user_id);
CREATE INDEX twofold_tokens_end ON twofold_tokens (expires_at);
