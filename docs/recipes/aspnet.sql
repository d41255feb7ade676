-- ASP.NET Identity: write the result to people.csv, with a header. For example:
-- An account whose only second factor is a mailed code gets a key that is refused.
-- sqlite3 -csv -header app.db < aspnet.sql > people.csv
SELECT u.Id AS id, u.Email AS email, u.EmailConfirmed AS email_verified, u.UserName AS username,
  u.PasswordHash AS password, 'aspnet' AS password_scheme,
  CASE WHEN u.TwoFactorEnabled = 1
    THEN COALESCE(k.Value, CASE WHEN u.PhoneNumberConfirmed = 1 THEN NULL ELSE '?' END) END AS totp_secret,
  CASE WHEN u.TwoFactorEnabled = 1 AND u.PhoneNumberConfirmed = 1 THEN u.PhoneNumber END AS phone,
  CASE WHEN u.TwoFactorEnabled = 1 THEN c.Value END AS recovery_codes
FROM AspNetUsers u
LEFT JOIN AspNetUserTokens k
  ON k.UserId = u.Id AND k.LoginProvider = '[AspNetUserStore]' AND k.Name = 'AuthenticatorKey'
LEFT JOIN AspNetUserTokens c
  ON c.UserId = u.Id AND c.LoginProvider = '[AspNetUserStore]' AND c.Name = 'RecoveryCodes'
ORDER BY u.Id;
