-- People who were invited and have no account yet. One invitation an address: a
-- later one takes the place of the former, whose link ends.
CREATE TABLE twofold_invitations (
	email_key  TEXT COLLATE "C" PRIMARY KEY CHECK (email_key <> ''),
	id         TEXT COLLATE "C" NOT NULL UNIQUE,
	token_hash TEXT COLLATE "C" NOT NULL UNIQUE,
	email      TEXT COLLATE "C" NOT NULL,
	username   TEXT COLLATE "C" NOT NULL,
	roles      TEXT COLLATE "C" NOT NULL,
	language   TEXT COLLATE "C" NOT NULL,
	profile    TEXT COLLATE "C" NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX twofold_invitations_end ON twofold_invitations (expires_at);
