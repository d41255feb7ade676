-- Behind a text key a million rows are a tree six pages deep, and SQLite reads
-- these pages anew whenever another program or another connection wrote. Behind a
-- number they are three deep, of which all but the last stay in memory: so what
-- every request reads, its session and that one's user, lies at a place. A
-- session's is made of its hash, a user's is the next free one. Keys are what
-- they were, and whoever does not know places goes on by them.
CREATE TABLE twofold_users_placed (
	place         INTEGER PRIMARY KEY,
	id            TEXT    NOT NULL UNIQUE,
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
	updated_at    INTEGER NOT NULL,
	confirmed_at  INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO twofold_users_placed (id, email, email_key, username, username_key, password_hash, active, uniquifier, roles,
		reset_at, created_at, updated_at, confirmed_at)
	SELECT id, email, email_key, username, username_key, password_hash, active, uniquifier, roles,
		reset_at, created_at, updated_at, confirmed_at FROM twofold_users;
DROP TABLE twofold_users; -- with foreign keys switched off: nothing goes with it
ALTER TABLE twofold_users_placed RENAME TO twofold_users;

CREATE TABLE twofold_sessions_placed (
	place      INTEGER PRIMARY KEY,
	user_place INTEGER, -- the user's, if that was known
	hash       TEXT    NOT NULL UNIQUE,
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
) STRICT;
INSERT INTO twofold_sessions_placed (hash, id, user_id, uniquifier, is_token, level, trusted, proofs, fresh_at, address, agent,
		created_at, seen_at, idle_at, expires_at, ends_at)
	SELECT hash, id, user_id, uniquifier, is_token, level, trusted, proofs, fresh_at, address, agent,
		created_at, seen_at, idle_at, expires_at, ends_at FROM twofold_sessions;
DROP TABLE twofold_sessions;
ALTER TABLE twofold_sessions_placed RENAME TO twofold_sessions;
CREATE INDEX twofold_sessions_user ON twofold_sessions (user_id);
CREATE INDEX twofold_sessions_end ON twofold_sessions (ends_at);

-- No row may have lost what it belongs to. Tables of the application are not our concern.
CREATE TEMPORARY TABLE twofold_lost (n INTEGER CHECK (n = 0));
INSERT INTO twofold_lost SELECT COUNT(*) FROM sqlite_schema AS t, pragma_foreign_key_check(t.name)
	WHERE t.type = 'table' AND t.name LIKE 'twofold\_%' ESCAPE '\';
DROP TABLE twofold_lost;
