-- What an account's sign-ins come to, where that is counted.
CREATE TABLE twofold_sign_ins (
	user_id         TEXT    PRIMARY KEY REFERENCES twofold_users (id) ON DELETE CASCADE,
	current_at      INTEGER NOT NULL,
	last_at         INTEGER NOT NULL,
	current_address TEXT    NOT NULL,
	last_address    TEXT    NOT NULL,
	count           INTEGER NOT NULL CHECK (count > 0)
) STRICT, WITHOUT ROWID;
