-- Where the audit trail begins, once its oldest rows were removed because of their
-- age: one row, sealed like those that it stands for.
CREATE TABLE twofold_event_checkpoint (
	only_one    BIGINT PRIMARY KEY CHECK (only_one = 1),
	through_row BIGINT NOT NULL,
	removed     BIGINT NOT NULL,
	seal        BYTEA  NOT NULL,
	before      BIGINT NOT NULL,
	at          BIGINT NOT NULL,
	mac         BYTEA  NOT NULL
);
