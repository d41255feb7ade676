-- Clerk: the file of users that the dashboard exports.
-- sqlite3 -csv -header :memory: '.import --csv users.csv clerk' '.read clerk.sql' > people.csv
SELECT id, primary_email_address AS email,
  primary_email_address <> '' AND instr(' ' || replace(verified_email_addresses, ',', ' ') || ' ',
    ' ' || primary_email_address || ' ') > 0 AS email_verified,
  username, first_name AS "field.first_name", last_name AS "field.last_name",
  password_digest AS password, CASE WHEN password_digest <> '' THEN password_hasher END AS password_scheme,
  totp_secret
FROM clerk
ORDER BY id;
