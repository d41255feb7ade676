-- Mailed links that were used. Older versions keep them among the budgets.
CREATE TABLE twofold_used_links (
	id         TEXT    PRIMARY KEY,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX twofold_used_links_end ON twofold_used_links (expires_at);

-- When a password last replaced another was read from the reasons of the audit trail.
ALTER TABLE twofold_users ADD COLUMN password_at INTEGER NOT NULL DEFAULT 0;
UPDATE twofold_users SET password_at = COALESCE((SELECT MAX(e.at) FROM twofold_events AS e
	WHERE e.user_id = twofold_users.id AND (e.name IN ('password-changed', 'password-reset')
		OR e.name = 'account-changed' AND e.reason = 'password_changed')), 0);

-- The creation of an account is not news to its owner. That, too, was read from a reason.
INSERT INTO twofold_seen (user_id, through_row)
	SELECT e.user_id, MIN(e.row_no) FROM twofold_events AS e JOIN twofold_users AS u ON u.id = e.user_id
	WHERE e.name = 'account-changed' AND e.reason = 'created' GROUP BY e.user_id
	ON CONFLICT (user_id) DO UPDATE SET through_row = MAX(twofold_seen.through_row, excluded.through_row);
