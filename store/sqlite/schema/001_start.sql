-- Times are microseconds since 1970 (0: never), truth is 0 or 1, lists are JSON.
-- STRICT keeps each column to its type; a table found by its text key needs no
-- second tree (WITHOUT ROWID).

CREATE TABLE twofold_users (
	id            TEXT    PRIMARY KEY,
	email         TEXT    NOT NULL,
	email_key     TEXT    NOT NULL,
	username      TEXT    NOT NULL,
	username_key  TEXT    NOT NULL,
	password_hash TEXT    NOT NULL,
	active        INTEGER NOT NULL CHECK (active IN (0, 1)),
	uniquifier    TEXT    NOT NULL,
	roles         TEXT    NOT NULL,
	reset_at      INTEGER NOT NULL,
	created_at    INTEGER NOT NULL,
	updated_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One namespace for e-mail addresses and usernames: nobody can name himself
-- like another account's address.
CREATE TABLE twofold_identities (
	identity TEXT PRIMARY KEY CHECK (identity <> ''),
	user_id  TEXT NOT NULL REFERENCES twofold_users (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX twofold_identities_user ON twofold_identities (user_id);

CREATE TABLE twofold_factors (
	id           TEXT    PRIMARY KEY,
	user_id      TEXT    NOT NULL REFERENCES twofold_users (id) ON DELETE CASCADE,
	method       TEXT    NOT NULL,
	name         TEXT    NOT NULL,
	destination  TEXT    NOT NULL,
	secret       BLOB    NOT NULL,
	last_step    INTEGER NOT NULL,
	is_primary   INTEGER NOT NULL CHECK (is_primary IN (0, 1)),
	created_at   INTEGER NOT NULL,
	last_used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX twofold_factors_user ON twofold_factors (user_id);
CREATE UNIQUE INDEX twofold_factors_primary ON twofold_factors (user_id) WHERE is_primary = 1;

CREATE TABLE twofold_devices (
	id           TEXT    PRIMARY KEY,
	user_id      TEXT    NOT NULL REFERENCES twofold_users (id) ON DELETE CASCADE,
	uniquifier   TEXT    NOT NULL,
	secret       TEXT    NOT NULL,
	name         TEXT    NOT NULL,
	address      TEXT    NOT NULL,
	created_at   INTEGER NOT NULL,
	last_seen_at INTEGER NOT NULL,
	expires_at   INTEGER NOT NULL,
	last_secret  TEXT    NOT NULL, -- the one retired last
	rotated_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX twofold_devices_user ON twofold_devices (user_id);
CREATE INDEX twofold_devices_end ON twofold_devices (expires_at);

-- Every secret that a device ever had: one that comes back was copied.
CREATE TABLE twofold_device_secrets (
	device_id TEXT NOT NULL REFERENCES twofold_devices (id) ON DELETE CASCADE,
	secret    TEXT NOT NULL,
	PRIMARY KEY (device_id, secret)
) STRICT, WITHOUT ROWID;

-- What follows may live in another store than the accounts: no foreign keys.

CREATE TABLE twofold_sessions (
	hash       TEXT    PRIMARY KEY,
	id         TEXT    NOT NULL,
	user_id    TEXT    NOT NULL,
	uniquifier TEXT    NOT NULL,
	is_token   INTEGER NOT NULL CHECK (is_token IN (0, 1)),
	level      INTEGER NOT NULL,
	trusted    INTEGER NOT NULL CHECK (trusted IN (0, 1)),
	proofs     TEXT    NOT NULL,
	fresh_at   INTEGER NOT NULL,
	address    TEXT    NOT NULL,
	agent      TEXT    NOT NULL,
	created_at INTEGER NOT NULL,
	seen_at    INTEGER NOT NULL,
	idle_at    INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	ends_at    INTEGER NOT NULL -- the earlier of idle_at and expires_at
) STRICT, WITHOUT ROWID;
CREATE INDEX twofold_sessions_user ON twofold_sessions (user_id);
CREATE INDEX twofold_sessions_end ON twofold_sessions (ends_at);

CREATE TABLE twofold_pendings (
	hash         TEXT    PRIMARY KEY,
	user_id      TEXT    NOT NULL,
	uniquifier   TEXT    NOT NULL,
	state        TEXT    NOT NULL,
	factor       TEXT    NOT NULL,
	rescue       INTEGER NOT NULL CHECK (rescue IN (0, 1)),
	first_method TEXT    NOT NULL,
	first_at     INTEGER NOT NULL,
	remember     INTEGER NOT NULL CHECK (remember IN (0, 1)),
	session_id   TEXT    NOT NULL,
	address      TEXT    NOT NULL,
	created_at   INTEGER NOT NULL,
	expires_at   INTEGER NOT NULL,
	version      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX twofold_pendings_user ON twofold_pendings (user_id, created_at);
CREATE INDEX twofold_pendings_end ON twofold_pendings (expires_at);

CREATE TABLE twofold_drafts (
	owner       TEXT    PRIMARY KEY,
	id          TEXT    NOT NULL,
	user_id     TEXT    NOT NULL,
	uniquifier  TEXT    NOT NULL,
	factor_id   TEXT    NOT NULL,
	method      TEXT    NOT NULL,
	name        TEXT    NOT NULL,
	adds        INTEGER NOT NULL CHECK (adds IN (0, 1)),
	destination TEXT    NOT NULL,
	secret      BLOB    NOT NULL,
	created_at  INTEGER NOT NULL,
	expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX twofold_drafts_end ON twofold_drafts (expires_at);

CREATE TABLE twofold_challenges (
	name        TEXT    PRIMARY KEY,
	user_id     TEXT    NOT NULL,
	channel     TEXT    NOT NULL,
	destination TEXT    NOT NULL,
	mac         BLOB    NOT NULL,
	tries       INTEGER NOT NULL,
	taken       INTEGER NOT NULL CHECK (taken IN (0, 1)),
	created_at  INTEGER NOT NULL,
	expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX twofold_challenges_end ON twofold_challenges (expires_at);

CREATE TABLE twofold_counters (
	name     TEXT    PRIMARY KEY,
	n        INTEGER NOT NULL CHECK (n >= 0),
	ceiling  INTEGER NOT NULL, -- the limit of the last claim
	opens_at INTEGER NOT NULL, -- closed before
	ends_at  INTEGER NOT NULL  -- forgotten from here on
) STRICT, WITHOUT ROWID;
CREATE INDEX twofold_counters_end ON twofold_counters (ends_at);

CREATE TABLE twofold_messages (
	id         TEXT    PRIMARY KEY,
	channel    TEXT    NOT NULL,
	body       BLOB    NOT NULL,
	attempts   INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	due_at     INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX twofold_messages_due ON twofold_messages (due_at);
CREATE INDEX twofold_messages_end ON twofold_messages (expires_at);
