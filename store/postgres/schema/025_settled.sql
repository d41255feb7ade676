-- Numbers of the audit trail come from a sequence. Until now every insert changed one
-- row of twofold_event_rows and kept it locked until its commit, so the whole cluster
-- wrote one audit row at a time. That table is not used any more.
--
-- A row may now become readable after one with a higher number, so a range is sealed
-- only when no transaction can add a row to it. An older program does not know that:
-- its seals are refused, and it logs so, until it is replaced.
LOCK TABLE twofold_events IN SHARE ROW EXCLUSIVE MODE;

CREATE SEQUENCE twofold_event_row OWNED BY twofold_events.row_no;
SELECT setval('twofold_event_row', GREATEST(last_row, 1), last_row > 0) FROM twofold_event_rows;

CREATE OR REPLACE FUNCTION twofold_number_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.row_no := nextval(format('%I.twofold_event_row', TG_TABLE_SCHEMA));
	RETURN NEW;
END $$;

ALTER TABLE twofold_event_seals ADD COLUMN settled BOOLEAN;
ALTER TABLE twofold_event_seals ADD CONSTRAINT twofold_event_seals_settled CHECK (settled IS TRUE) NOT VALID;
