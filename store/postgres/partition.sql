-- Makes the audit trail a partitioned table whose first partition is the table so far. No row is
-- copied or read: a valid constraint already says that all numbers are below $ends.
DO $$
DECLARE
	place NAME; owner NAME; definitions TEXT[]; definition TEXT; index NAME; given RECORD;
BEGIN
	LOCK TABLE twofold_events IN ACCESS EXCLUSIVE MODE;
	SELECT n.nspname, pg_get_userbyid(c.relowner) INTO place, owner
		FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = 'twofold_events'::regclass;
	SELECT array_agg(pg_get_indexdef(indexrelid)) INTO definitions
		FROM pg_index WHERE indrelid = 'twofold_events'::regclass AND NOT indisunique;
	FOR index IN SELECT c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
			WHERE i.indrelid = 'twofold_events'::regclass LOOP
		EXECUTE format('ALTER INDEX %I.%I RENAME TO %I', place, index,
			replace(index, 'twofold_events', 'twofold_events_first'));
	END LOOP;

	-- A trigger cannot number rows of a partitioned table: the number decides which partition a row is in.
	DROP TRIGGER twofold_number_event ON twofold_events;
	ALTER TABLE twofold_events RENAME TO twofold_events_first;
	EXECUTE format('CREATE TABLE %I.twofold_events (LIKE %1$I.twofold_events_first INCLUDING DEFAULTS,
		PRIMARY KEY (row_no)) PARTITION BY RANGE (row_no)', place);
	EXECUTE format('ALTER TABLE %I.twofold_events ALTER row_no SET DEFAULT nextval(%L)', place,
		format('%I.twofold_event_row', place));
	FOREACH definition IN ARRAY definitions LOOP
		EXECUTE definition;
	END LOOP;

	IF owner <> current_user THEN
		EXECUTE format('ALTER TABLE %I.twofold_events OWNER TO %I', place, owner);
	END IF;
	$sameRights
	ALTER SEQUENCE twofold_event_row OWNED BY twofold_events.row_no;
	ALTER TABLE twofold_events ATTACH PARTITION twofold_events_first FOR VALUES FROM (MINVALUE) TO ($ends);
	ALTER TABLE twofold_events_first DROP CONSTRAINT twofold_events_first;
END $$
