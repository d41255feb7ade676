-- 0: not confirmed. Accounts made before there was such a thing were let in
-- without it, so they count as confirmed when they were made.
ALTER TABLE twofold_users ADD COLUMN confirmed_at BIGINT NOT NULL DEFAULT 0;
UPDATE twofold_users SET confirmed_at = created_at;

CREATE TABLE twofold_roles (
	name        TEXT COLLATE "C" PRIMARY KEY CHECK (name <> ''),
	description TEXT COLLATE "C" NOT NULL,
	created_at  BIGINT NOT NULL
);

-- A row for each permission: adding and removing one is one statement.
CREATE TABLE twofold_permissions (
	role       TEXT COLLATE "C" NOT NULL REFERENCES twofold_roles (name) ON DELETE CASCADE,
	permission TEXT COLLATE "C" NOT NULL CHECK (permission <> ''),
	PRIMARY KEY (role, permission)
);
