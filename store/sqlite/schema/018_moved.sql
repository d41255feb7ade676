-- When the address became another one at the word of an operator or an
-- application: notices that were mailed to the former address before are over.
ALTER TABLE twofold_users ADD COLUMN moved_at INTEGER NOT NULL DEFAULT 0;
