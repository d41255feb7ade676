-- Where the audit trail begins, once its oldest rows were removed because of their
-- age: one row, sealed like those that it stands for.
CREATE TABLE twofold_event_checkpoint (
	only_one    INTEGER PRIMARY KEY CHECK (only_one = 1),
	through_row INTEGER NOT NULL,
	removed     INTEGER NOT NULL,
	seal        BLOB    NOT NULL,
	before      INTEGER NOT NULL,
	at          INTEGER NOT NULL,
	mac         BLOB    NOT NULL
) STRICT;
