-- PostgreSQL notifies nodes of changes from here on. A file of SQLite has one node.
SELECT 1;
