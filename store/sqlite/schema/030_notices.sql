-- Nodes keep sessions in memory as long as they read here what changes, also through an operator. Only
-- the newest rows are kept: a node that finds the last row that it read gone has missed some.
CREATE TABLE twofold_changes (
	no   INTEGER PRIMARY KEY AUTOINCREMENT,
	word TEXT NOT NULL
) STRICT;
INSERT INTO twofold_changes (word) VALUES ('all');
CREATE TRIGGER twofold_changes_end AFTER INSERT ON twofold_changes BEGIN
	DELETE FROM twofold_changes WHERE no <= NEW.no - 1000;
END;

-- Activity (seen_at, idle_at, ends_at) is not recorded: a session whose idle time is over in memory is read again.
CREATE TRIGGER twofold_session_changed AFTER UPDATE OF hash, id, user_id, uniquifier, is_token, level, trusted,
	trusted_by, proofs, fresh_at, expires_at ON twofold_sessions BEGIN
	INSERT INTO twofold_changes (word) VALUES ('session ' || OLD.hash);
END;
CREATE TRIGGER twofold_session_deleted AFTER DELETE ON twofold_sessions BEGIN
	INSERT INTO twofold_changes (word) VALUES ('session ' || OLD.hash);
END;
CREATE TRIGGER twofold_user_changed AFTER UPDATE ON twofold_users BEGIN
	INSERT INTO twofold_changes (word) VALUES ('user ' || OLD.id);
END;
-- Nothing names a deleted user.
CREATE TRIGGER twofold_user_deleted AFTER DELETE ON twofold_users BEGIN
	DELETE FROM twofold_changes WHERE word = 'user ' || OLD.id;
	INSERT INTO twofold_changes (word) VALUES ('all');
END;
CREATE TRIGGER twofold_device_removed AFTER DELETE ON twofold_devices BEGIN
	INSERT INTO twofold_changes (word) VALUES ('user ' || OLD.user_id);
END;

-- REPLACE deletes rows without these triggers.
CREATE TRIGGER twofold_session_replaced BEFORE INSERT ON twofold_sessions
	WHEN EXISTS (SELECT 1 FROM twofold_sessions WHERE hash = NEW.hash) BEGIN
	INSERT INTO twofold_changes (word) VALUES ('session ' || NEW.hash);
END;
CREATE TRIGGER twofold_user_replaced BEFORE INSERT ON twofold_users
	WHEN EXISTS (SELECT 1 FROM twofold_users WHERE id = NEW.id) BEGIN
	INSERT INTO twofold_changes (word) VALUES ('user ' || NEW.id);
END;
