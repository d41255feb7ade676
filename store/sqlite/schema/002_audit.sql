-- The audit trail: rows are only ever added. AUTOINCREMENT never gives a number
-- twice, so a row that is missing leaves a gap.
CREATE TABLE twofold_events (
	row_no     INTEGER PRIMARY KEY AUTOINCREMENT,
	id         TEXT    NOT NULL UNIQUE,
	user_id    TEXT    NOT NULL,
	at         INTEGER NOT NULL,
	name       TEXT    NOT NULL,
	method     TEXT    NOT NULL,
	result     TEXT    NOT NULL,
	reason     TEXT    NOT NULL,
	session_id TEXT    NOT NULL,
	address    TEXT    NOT NULL,
	agent      TEXT    NOT NULL,
	request    TEXT    NOT NULL,
	mac        BLOB    NOT NULL
) STRICT;
CREATE INDEX twofold_events_user ON twofold_events (user_id, row_no);

CREATE TABLE twofold_event_seals (
	after_row   INTEGER PRIMARY KEY,
	through_row INTEGER NOT NULL,
	count       INTEGER NOT NULL,
	at          INTEGER NOT NULL,
	mac         BLOB    NOT NULL
) STRICT;
