-- Accounts at other sites that open accounts here.
CREATE TABLE twofold_connections (
	id         TEXT COLLATE "C" PRIMARY KEY,
	user_id    TEXT COLLATE "C" NOT NULL REFERENCES twofold_users (id) ON DELETE CASCADE,
	provider   TEXT COLLATE "C" NOT NULL,
	issuer     TEXT COLLATE "C" NOT NULL CHECK (issuer <> ''),
	subject    TEXT COLLATE "C" NOT NULL CHECK (subject <> ''),
	label      TEXT COLLATE "C" NOT NULL,
	created_at BIGINT NOT NULL,
	UNIQUE (issuer, subject)
);
CREATE INDEX twofold_connections_user ON twofold_connections (user_id);
