-- People who were invited and have no account yet. One invitation an address: a
-- later one takes the place of the former, whose link ends.
CREATE TABLE twofold_invitations (
	email_key  TEXT    PRIMARY KEY CHECK (email_key <> ''),
	id         TEXT    NOT NULL UNIQUE,
	token_hash TEXT    NOT NULL UNIQUE,
	email      TEXT    NOT NULL,
	username   TEXT    NOT NULL,
	roles      TEXT    NOT NULL,
	language   TEXT    NOT NULL,
	profile    TEXT    NOT NULL,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX twofold_invitations_end ON twofold_invitations (expires_at);
