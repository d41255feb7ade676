-- What an account's sign-ins come to, where that is counted.
CREATE TABLE twofold_sign_ins (
	user_id         TEXT COLLATE "C" PRIMARY KEY REFERENCES twofold_users (id) ON DELETE CASCADE,
	current_at      BIGINT NOT NULL,
	last_at         BIGINT NOT NULL,
	current_address TEXT COLLATE "C" NOT NULL,
	last_address    TEXT COLLATE "C" NOT NULL,
	count           BIGINT NOT NULL CHECK (count > 0)
);
