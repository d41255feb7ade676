-- Accounts at other sites that open accounts here.
CREATE TABLE twofold_connections (
	id         TEXT    PRIMARY KEY,
	user_id    TEXT    NOT NULL REFERENCES twofold_users (id) ON DELETE CASCADE,
	provider   TEXT    NOT NULL,
	issuer     TEXT    NOT NULL CHECK (issuer <> ''),
	subject    TEXT    NOT NULL CHECK (subject <> ''),
	label      TEXT    NOT NULL,
	created_at INTEGER NOT NULL,
	UNIQUE (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX twofold_connections_user ON twofold_connections (user_id);
