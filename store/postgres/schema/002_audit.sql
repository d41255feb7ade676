-- The audit trail: rows are only ever added. A row's number is taken in the
-- transaction that adds it, and nobody else takes one until that has ended: so
-- numbers grow in the order in which rows become visible, and none is missing.
CREATE TABLE twofold_events (
	row_no     BIGINT PRIMARY KEY,
	id         TEXT COLLATE "C" NOT NULL UNIQUE,
	user_id    TEXT COLLATE "C" NOT NULL,
	at         BIGINT NOT NULL,
	name       TEXT COLLATE "C" NOT NULL,
	method     TEXT COLLATE "C" NOT NULL,
	result     TEXT COLLATE "C" NOT NULL,
	reason     TEXT COLLATE "C" NOT NULL,
	session_id TEXT COLLATE "C" NOT NULL,
	address    TEXT COLLATE "C" NOT NULL,
	agent      TEXT COLLATE "C" NOT NULL,
	request    TEXT COLLATE "C" NOT NULL,
	mac        BYTEA NOT NULL
);
CREATE INDEX twofold_events_user ON twofold_events (user_id, row_no);

CREATE TABLE twofold_event_rows (
	only_one BOOLEAN PRIMARY KEY CHECK (only_one),
	last_row BIGINT NOT NULL
);
INSERT INTO twofold_event_rows VALUES (TRUE, 0);

CREATE FUNCTION twofold_number_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('UPDATE %I.twofold_event_rows SET last_row = last_row + 1 RETURNING last_row', TG_TABLE_SCHEMA) INTO NEW.row_no;
	RETURN NEW;
END $$;
CREATE TRIGGER twofold_number_event BEFORE INSERT ON twofold_events
	FOR EACH ROW EXECUTE FUNCTION twofold_number_event();

CREATE TABLE twofold_event_seals (
	after_row   BIGINT PRIMARY KEY,
	through_row BIGINT NOT NULL,
	count       BIGINT NOT NULL,
	at          BIGINT NOT NULL,
	mac         BYTEA NOT NULL
);
