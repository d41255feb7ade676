-- Browsers that stay signed in: like trusted ones they have a secret that is
-- replaced at each use, but they are a way in, with what was proven before.
ALTER TABLE twofold_devices ADD COLUMN stays BIGINT NOT NULL DEFAULT 0 CHECK (stays IN (0, 1));
ALTER TABLE twofold_devices ADD COLUMN level BIGINT NOT NULL DEFAULT 0;
ALTER TABLE twofold_devices ADD COLUMN session_id TEXT COLLATE "C" NOT NULL DEFAULT '';
