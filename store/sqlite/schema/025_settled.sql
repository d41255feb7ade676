-- See the step of PostgreSQL with this number. Here rows get their numbers one
-- transaction after the other.
ALTER TABLE twofold_event_seals ADD COLUMN settled INTEGER;
