-- A file of SQLite records changes from here on. PostgreSQL notifies nodes of them since step 27.
SELECT 1;
