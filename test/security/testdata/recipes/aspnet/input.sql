CREATE TABLE AspNetUsers (Id TEXT, UserName TEXT, Email TEXT, EmailConfirmed INTEGER, PasswordHash TEXT, TwoFactorEnabled INTEGER,
  PhoneNumber TEXT, PhoneNumberConfirmed INTEGER);
CREATE TABLE AspNetUserTokens (UserId TEXT, LoginProvider TEXT, Name TEXT, Value TEXT);
INSERT INTO AspNetUsers VALUES ('1', 'ann@good.test', 'ann@good.test', 1, 'AAARIjNEVWZ3iJmqu8zd7v9lBew4z5LgvZ8PPrLWC7xHEOwJ5l1s8WzzLbSU0JBwvQ==', 1, NULL, 0), ('2', 'bob', 'bob@good.test', 0, 'AAARIjNEVWZ3iJmqu8zd7v9lBew4z5LgvZ8PPrLWC7xHEOwJ5l1s8WzzLbSU0JBwvQ==', 0, NULL, 0),
  ('3', 'mailed', 'mailed@good.test', 1, NULL, 1, NULL, 0);
INSERT INTO AspNetUserTokens VALUES ('1', '[AspNetUserStore]', 'AuthenticatorKey', 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'),
  ('1', '[AspNetUserStore]', 'RecoveryCodes', 'K7K7K-K7K7K;ABCDE-12345'), ('2', '[AspNetUserStore]', 'AuthenticatorKey', 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ');
