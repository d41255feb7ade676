-- What an account's owner is told of is looked up by its kind: rows of other
-- kinds, which strangers add as they like, are not read.
CREATE INDEX twofold_events_kind ON twofold_events (user_id, name, row_no);
