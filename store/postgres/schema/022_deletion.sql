-- Accounts that were deleted, as hashes of their ids. Nothing is stored for one of
-- them again, and no other account gets its id.
CREATE TABLE twofold_deleted_users (
	user_key TEXT COLLATE "C" PRIMARY KEY,
	ends_at  BIGINT NOT NULL -- the row is swept then; only a store without accounts sets it
);
CREATE INDEX twofold_deleted_users_end ON twofold_deleted_users (ends_at);

-- Accounts whose owner asked for deletion.
CREATE TABLE twofold_deletions (
	user_id    TEXT COLLATE "C" PRIMARY KEY REFERENCES twofold_users (id) ON DELETE CASCADE,
	id         TEXT COLLATE "C" NOT NULL,
	uniquifier TEXT COLLATE "C" NOT NULL,
	created_at BIGINT NOT NULL,
	due_at     BIGINT NOT NULL
);
CREATE INDEX twofold_deletions_due ON twofold_deletions (due_at);

-- A row of a deleted account keeps the keyed hash it was written with, and has a
-- second one over what is left of it.
ALTER TABLE twofold_events ADD COLUMN erased BYTEA NOT NULL DEFAULT '';

-- Whom a message is for, so that it goes with the account. Empty: no account.
ALTER TABLE twofold_messages ADD COLUMN user_id TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX twofold_messages_user ON twofold_messages (user_id);
CREATE INDEX twofold_drafts_user ON twofold_drafts (user_id);
CREATE INDEX twofold_challenges_user ON twofold_challenges (user_id);
