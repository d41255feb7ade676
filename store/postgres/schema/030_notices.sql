-- Nodes are also notified of a session that ends earlier. In SQLite this step records all changes.
CREATE TRIGGER twofold_session_shortened AFTER UPDATE OF created_at, idle_at, ends_at ON twofold_sessions
	FOR EACH ROW WHEN (NEW.created_at <> OLD.created_at OR NEW.idle_at < OLD.idle_at OR NEW.ends_at < OLD.ends_at)
	EXECUTE FUNCTION twofold_session_changed();
ALTER TABLE twofold_sessions ENABLE ALWAYS TRIGGER twofold_session_shortened;
