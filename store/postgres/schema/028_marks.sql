-- What the owner of an account has seen, and how many recovery codes the account's set had, were
-- read from the reasons of the audit trail. The rows so far fill the tables. A reason that is not
-- a number is skipped, and so is the size of a set that is newer than the trail knows.
CREATE TABLE twofold_seen (
	user_id     TEXT COLLATE "C" PRIMARY KEY REFERENCES twofold_users (id) ON DELETE CASCADE,
	through_row BIGINT NOT NULL CHECK (through_row >= 0)
);
-- CASE keeps the conversion from reasons that the condition excludes.
INSERT INTO twofold_seen (user_id, through_row)
	SELECT e.user_id, MAX(CASE WHEN e.reason ~ '^[0-9]{1,19}$'
		THEN CAST(LEAST(CAST(e.reason AS NUMERIC), e.row_no) AS BIGINT) END)
	FROM twofold_events AS e JOIN twofold_users AS u ON u.id = e.user_id
	WHERE e.name = 'news-seen' AND e.reason ~ '^[0-9]{1,19}$'
	GROUP BY e.user_id;

CREATE TABLE twofold_code_sets (
	user_id TEXT COLLATE "C" PRIMARY KEY REFERENCES twofold_users (id) ON DELETE CASCADE,
	made    BIGINT NOT NULL CHECK (made > 0),
	made_at BIGINT NOT NULL
);
INSERT INTO twofold_code_sets (user_id, made, made_at)
	SELECT e.user_id, CASE WHEN e.reason ~ '^[0-9]{1,9}$' THEN CAST(e.reason AS BIGINT) END, c.made_at
	FROM twofold_events AS e
	JOIN (SELECT user_id, MAX(created_at) AS made_at FROM twofold_recovery_codes GROUP BY user_id) AS c
		ON c.user_id = e.user_id AND c.made_at <= e.at
	WHERE e.row_no IN (SELECT MAX(row_no) FROM twofold_events WHERE name = 'recovery-codes-made' GROUP BY user_id)
		AND e.reason ~ '^[0-9]{1,9}$' AND e.reason ~ '[1-9]';
