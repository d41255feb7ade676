-- Nodes keep sessions in memory as long as they are told of changes, also of those that an operator makes.
CREATE FUNCTION twofold_session_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify(('twofold ' || TG_TABLE_SCHEMA)::name::text, 'session ' || OLD.hash);
	RETURN NULL;
END $$;
CREATE FUNCTION twofold_user_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify(('twofold ' || TG_TABLE_SCHEMA)::name::text, 'user ' || OLD.id);
	RETURN NULL;
END $$;
CREATE FUNCTION twofold_device_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify(('twofold ' || TG_TABLE_SCHEMA)::name::text, 'user ' || OLD.user_id);
	RETURN NULL;
END $$;
CREATE FUNCTION twofold_much_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify(('twofold ' || TG_TABLE_SCHEMA)::name::text, 'all');
	RETURN NULL;
END $$;

-- Activity (seen_at, idle_at, ends_at) is not told of: a session whose idle time is over in memory is read again.
CREATE TRIGGER twofold_session_changed AFTER DELETE OR UPDATE OF hash, id, user_id, uniquifier, is_token, level, trusted,
	trusted_by, proofs, fresh_at, expires_at ON twofold_sessions
	FOR EACH ROW EXECUTE FUNCTION twofold_session_changed();
CREATE TRIGGER twofold_user_changed AFTER UPDATE ON twofold_users
	FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION twofold_user_changed();
CREATE TRIGGER twofold_user_deleted AFTER DELETE ON twofold_users
	FOR EACH ROW EXECUTE FUNCTION twofold_user_changed();
CREATE TRIGGER twofold_device_removed AFTER DELETE ON twofold_devices
	FOR EACH ROW EXECUTE FUNCTION twofold_device_removed();
CREATE TRIGGER twofold_sessions_emptied AFTER TRUNCATE ON twofold_sessions EXECUTE FUNCTION twofold_much_changed();
CREATE TRIGGER twofold_users_emptied AFTER TRUNCATE ON twofold_users EXECUTE FUNCTION twofold_much_changed();
CREATE TRIGGER twofold_devices_emptied AFTER TRUNCATE ON twofold_devices EXECUTE FUNCTION twofold_much_changed();

-- Replication and session_replication_role = replica fire them, too. A node that finds one disabled trusts none of them.
ALTER TABLE twofold_sessions ENABLE ALWAYS TRIGGER twofold_session_changed;
ALTER TABLE twofold_users ENABLE ALWAYS TRIGGER twofold_user_changed;
ALTER TABLE twofold_users ENABLE ALWAYS TRIGGER twofold_user_deleted;
ALTER TABLE twofold_devices ENABLE ALWAYS TRIGGER twofold_device_removed;
ALTER TABLE twofold_sessions ENABLE ALWAYS TRIGGER twofold_sessions_emptied;
ALTER TABLE twofold_users ENABLE ALWAYS TRIGGER twofold_users_emptied;
ALTER TABLE twofold_devices ENABLE ALWAYS TRIGGER twofold_devices_emptied;
