-- Nodes keep sessions in memory while they read here what changes, also what an operator changes. Only the
-- newest rows are kept: if the last row that a node has read is not there, the node has missed changes.
CREATE TABLE twofold_changes (
	no   INTEGER PRIMARY KEY,
	mark INTEGER NOT NULL DEFAULT (RANDOM()), -- a number that is given again has another mark
	word TEXT    NOT NULL
) STRICT;
CREATE INDEX twofold_changes_word ON twofold_changes (word);
INSERT INTO twofold_changes (word) VALUES ('all');
CREATE TRIGGER twofold_changes_end AFTER INSERT ON twofold_changes BEGIN
	DELETE FROM twofold_changes WHERE no <= NEW.no - 1000;
END;

-- Activity, which raises seen_at, idle_at and ends_at, is not recorded: a session whose idle time is over in
-- memory is read again.
CREATE TRIGGER twofold_session_changed AFTER UPDATE OF hash, id, user_id, uniquifier, is_token, level, trusted,
	trusted_by, proofs, fresh_at, expires_at ON twofold_sessions BEGIN
	INSERT INTO twofold_changes (word) VALUES ('session ' || OLD.hash);
END;
CREATE TRIGGER twofold_session_shortened AFTER UPDATE OF created_at, idle_at, ends_at ON twofold_sessions
	WHEN NEW.created_at <> OLD.created_at OR NEW.idle_at < OLD.idle_at OR NEW.ends_at < OLD.ends_at BEGIN
	INSERT INTO twofold_changes (word) VALUES ('session ' || OLD.hash);
END;
CREATE TRIGGER twofold_session_deleted AFTER DELETE ON twofold_sessions BEGIN
	INSERT INTO twofold_changes (word) VALUES ('session ' || OLD.hash);
END;
CREATE TRIGGER twofold_user_changed AFTER UPDATE ON twofold_users WHEN NEW.id = OLD.id BEGIN
	INSERT INTO twofold_changes (word) VALUES ('user ' || OLD.id);
END;
-- Nothing names a deleted user.
CREATE TRIGGER twofold_user_deleted AFTER DELETE ON twofold_users BEGIN
	DELETE FROM twofold_changes WHERE word = 'user ' || OLD.id;
	INSERT INTO twofold_changes (word) VALUES ('all');
END;
CREATE TRIGGER twofold_device_removed AFTER DELETE ON twofold_devices
	WHEN EXISTS (SELECT 1 FROM twofold_users WHERE id = OLD.user_id) BEGIN
	INSERT INTO twofold_changes (word) VALUES ('user ' || OLD.user_id);
END;

-- REPLACE deletes a row with the same key without the triggers above.
CREATE TRIGGER twofold_session_replaced BEFORE INSERT ON twofold_sessions
	WHEN EXISTS (SELECT 1 FROM twofold_sessions WHERE hash = NEW.hash OR place = NEW.place) BEGIN
	INSERT INTO twofold_changes (word) VALUES ('all');
END;
CREATE TRIGGER twofold_session_renamed BEFORE UPDATE OF place, hash ON twofold_sessions BEGIN
	INSERT INTO twofold_changes (word) VALUES ('all');
END;
CREATE TRIGGER twofold_user_replaced BEFORE INSERT ON twofold_users
	WHEN EXISTS (SELECT 1 FROM twofold_users WHERE id = NEW.id OR place = NEW.place) BEGIN
	DELETE FROM twofold_changes WHERE word IN
		(SELECT 'user ' || id FROM twofold_users WHERE id = NEW.id OR place = NEW.place);
	INSERT INTO twofold_changes (word) VALUES ('all');
END;
CREATE TRIGGER twofold_user_renamed BEFORE UPDATE OF place, id ON twofold_users BEGIN
	DELETE FROM twofold_changes WHERE word = 'user ' || OLD.id
		OR word IN (SELECT 'user ' || id FROM twofold_users WHERE id = NEW.id OR place = NEW.place);
	INSERT INTO twofold_changes (word) VALUES ('all');
END;
