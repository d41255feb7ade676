-- Which address was proven to be the owner's. Accounts that were confirmed, and
-- those to whose address a code went that came back, have proven it. The others
-- registered by themselves where nothing was confirmed, or lie in a table of the
-- application's: '-' says that their present address is not proven, but that
-- second factors set up so far are to be kept when it is.
ALTER TABLE twofold_users ADD COLUMN proven_key TEXT NOT NULL DEFAULT '';
UPDATE twofold_users SET proven_key = CASE
	WHEN email_key = '' THEN '-'
	WHEN confirmed_at <> 0 OR EXISTS (
		SELECT 1 FROM twofold_factors f WHERE f.user_id = twofold_users.id AND f.method = 'email' AND f.destination = twofold_users.email
			AND (f.passkey_use <> 'first' OR f.last_used_at <> 0 OR twofold_users.password_hash <> '')) THEN email_key
	ELSE '-' END;

-- Factors by mail go to the account's address, wherever it was changed.
UPDATE twofold_factors SET destination = (SELECT u.email FROM twofold_users u WHERE u.id = twofold_factors.user_id)
	WHERE method = 'email' AND EXISTS (SELECT 1 FROM twofold_users u
		WHERE u.id = twofold_factors.user_id AND u.email <> '' AND u.email <> twofold_factors.destination);
