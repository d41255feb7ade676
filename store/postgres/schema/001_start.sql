-- Times are microseconds since 1970 (0: never), truth is 0 or 1, lists are JSON.
-- Keys are compared byte by byte (COLLATE "C"), as in every other engine.

CREATE TABLE twofold_users (
	id            TEXT COLLATE "C" PRIMARY KEY,
	email         TEXT COLLATE "C" NOT NULL,
	email_key     TEXT COLLATE "C" NOT NULL,
	username      TEXT COLLATE "C" NOT NULL,
	username_key  TEXT COLLATE "C" NOT NULL,
	password_hash TEXT COLLATE "C" NOT NULL,
	active        BIGINT NOT NULL CHECK (active IN (0, 1)),
	uniquifier    TEXT COLLATE "C" NOT NULL,
	roles         TEXT COLLATE "C" NOT NULL,
	reset_at      BIGINT NOT NULL,
	created_at    BIGINT NOT NULL,
	updated_at    BIGINT NOT NULL
);

-- One namespace for e-mail addresses and usernames: nobody can name himself
-- like another account's address.
CREATE TABLE twofold_identities (
	identity TEXT COLLATE "C" PRIMARY KEY CHECK (identity <> ''),
	user_id  TEXT COLLATE "C" NOT NULL REFERENCES twofold_users (id) ON DELETE CASCADE
);
CREATE INDEX twofold_identities_user ON twofold_identities (user_id);

CREATE TABLE twofold_factors (
	id           TEXT COLLATE "C" PRIMARY KEY,
	user_id      TEXT COLLATE "C" NOT NULL REFERENCES twofold_users (id) ON DELETE CASCADE,
	method       TEXT COLLATE "C" NOT NULL,
	name         TEXT COLLATE "C" NOT NULL,
	destination  TEXT COLLATE "C" NOT NULL,
	secret       BYTEA NOT NULL,
	last_step    BIGINT NOT NULL,
	is_primary   BIGINT NOT NULL CHECK (is_primary IN (0, 1)),
	created_at   BIGINT NOT NULL,
	last_used_at BIGINT NOT NULL
);
CREATE INDEX twofold_factors_user ON twofold_factors (user_id);
CREATE UNIQUE INDEX twofold_factors_primary ON twofold_factors (user_id) WHERE is_primary = 1;

CREATE TABLE twofold_devices (
	id           TEXT COLLATE "C" PRIMARY KEY,
	user_id      TEXT COLLATE "C" NOT NULL REFERENCES twofold_users (id) ON DELETE CASCADE,
	uniquifier   TEXT COLLATE "C" NOT NULL,
	secret       TEXT COLLATE "C" NOT NULL,
	name         TEXT COLLATE "C" NOT NULL,
	address      TEXT COLLATE "C" NOT NULL,
	created_at   BIGINT NOT NULL,
	last_seen_at BIGINT NOT NULL,
	expires_at   BIGINT NOT NULL,
	last_secret  TEXT COLLATE "C" NOT NULL, -- the one retired last
	rotated_at   BIGINT NOT NULL
);
CREATE INDEX twofold_devices_user ON twofold_devices (user_id);
CREATE INDEX twofold_devices_end ON twofold_devices (expires_at);

-- Every secret that a device ever had: one that comes back was copied.
CREATE TABLE twofold_device_secrets (
	device_id TEXT COLLATE "C" NOT NULL REFERENCES twofold_devices (id) ON DELETE CASCADE,
	secret    TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (device_id, secret)
);

-- What follows may live in another store than the accounts: no foreign keys.

CREATE TABLE twofold_sessions (
	hash       TEXT COLLATE "C" PRIMARY KEY,
	id         TEXT COLLATE "C" NOT NULL,
	user_id    TEXT COLLATE "C" NOT NULL,
	uniquifier TEXT COLLATE "C" NOT NULL,
	is_token   BIGINT NOT NULL CHECK (is_token IN (0, 1)),
	level      BIGINT NOT NULL,
	trusted    BIGINT NOT NULL CHECK (trusted IN (0, 1)),
	proofs     TEXT COLLATE "C" NOT NULL,
	fresh_at   BIGINT NOT NULL,
	address    TEXT COLLATE "C" NOT NULL,
	agent      TEXT COLLATE "C" NOT NULL,
	created_at BIGINT NOT NULL,
	seen_at    BIGINT NOT NULL,
	idle_at    BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	ends_at    BIGINT NOT NULL -- the earlier of idle_at and expires_at
);
CREATE INDEX twofold_sessions_user ON twofold_sessions (user_id);
CREATE INDEX twofold_sessions_end ON twofold_sessions (ends_at);

CREATE TABLE twofold_pendings (
	hash         TEXT COLLATE "C" PRIMARY KEY,
	user_id      TEXT COLLATE "C" NOT NULL,
	uniquifier   TEXT COLLATE "C" NOT NULL,
	state        TEXT COLLATE "C" NOT NULL,
	factor       TEXT COLLATE "C" NOT NULL,
	rescue       BIGINT NOT NULL CHECK (rescue IN (0, 1)),
	first_method TEXT COLLATE "C" NOT NULL,
	first_at     BIGINT NOT NULL,
	remember     BIGINT NOT NULL CHECK (remember IN (0, 1)),
	session_id   TEXT COLLATE "C" NOT NULL,
	address      TEXT COLLATE "C" NOT NULL,
	created_at   BIGINT NOT NULL,
	expires_at   BIGINT NOT NULL,
	version      BIGINT NOT NULL
);
CREATE INDEX twofold_pendings_user ON twofold_pendings (user_id, created_at);
CREATE INDEX twofold_pendings_end ON twofold_pendings (expires_at);

CREATE TABLE twofold_drafts (
	owner       TEXT COLLATE "C" PRIMARY KEY,
	id          TEXT COLLATE "C" NOT NULL,
	user_id     TEXT COLLATE "C" NOT NULL,
	uniquifier  TEXT COLLATE "C" NOT NULL,
	factor_id   TEXT COLLATE "C" NOT NULL,
	method      TEXT COLLATE "C" NOT NULL,
	name        TEXT COLLATE "C" NOT NULL,
	adds        BIGINT NOT NULL CHECK (adds IN (0, 1)),
	destination TEXT COLLATE "C" NOT NULL,
	secret      BYTEA NOT NULL,
	created_at  BIGINT NOT NULL,
	expires_at  BIGINT NOT NULL
);
CREATE INDEX twofold_drafts_end ON twofold_drafts (expires_at);

CREATE TABLE twofold_challenges (
	name        TEXT COLLATE "C" PRIMARY KEY,
	user_id     TEXT COLLATE "C" NOT NULL,
	channel     TEXT COLLATE "C" NOT NULL,
	destination TEXT COLLATE "C" NOT NULL,
	mac         BYTEA NOT NULL,
	tries       BIGINT NOT NULL,
	taken       BIGINT NOT NULL CHECK (taken IN (0, 1)),
	created_at  BIGINT NOT NULL,
	expires_at  BIGINT NOT NULL
);
CREATE INDEX twofold_challenges_end ON twofold_challenges (expires_at);

CREATE TABLE twofold_counters (
	name     TEXT COLLATE "C" PRIMARY KEY,
	n        BIGINT NOT NULL CHECK (n >= 0),
	ceiling  BIGINT NOT NULL, -- the limit of the last claim
	opens_at BIGINT NOT NULL, -- closed before
	ends_at  BIGINT NOT NULL  -- forgotten from here on
);
CREATE INDEX twofold_counters_end ON twofold_counters (ends_at);

CREATE TABLE twofold_messages (
	id         TEXT COLLATE "C" PRIMARY KEY,
	channel    TEXT COLLATE "C" NOT NULL,
	body       BYTEA NOT NULL,
	attempts   BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	due_at     BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX twofold_messages_due ON twofold_messages (due_at);
CREATE INDEX twofold_messages_end ON twofold_messages (expires_at);
