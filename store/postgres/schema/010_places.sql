-- SQLite's tables of users and sessions got shallower trees in this step.
-- PostgreSQL finds a row in a heap: there is nothing to do.
SELECT 1;
