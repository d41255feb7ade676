-- What a trusted browser stood in for names that browser, so that it ends with
-- the trust. Empty: another factor was proven, or an earlier version wrote it.
ALTER TABLE twofold_sessions ADD COLUMN trusted_by TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE twofold_tokens ADD COLUMN trusted_by TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE twofold_devices ADD COLUMN trusted_by TEXT COLLATE "C" NOT NULL DEFAULT '';
