ATTACH ':memory:' AS auth;
CREATE TABLE auth.users (id TEXT, email TEXT, email_confirmed_at TEXT, encrypted_password TEXT, created_at TEXT, banned_until TEXT, deleted_at TEXT);
CREATE TABLE auth.mfa_factors (user_id TEXT, factor_type TEXT, status TEXT, secret TEXT, created_at TEXT, phone TEXT);
CREATE TABLE auth.identities (user_id TEXT, provider TEXT, provider_id TEXT);
INSERT INTO auth.users VALUES ('1', 'ann@good.test', '2024-03-01', '$2a$04$jo2b.fBrcwo2MOLCh0fXje/WCGXlGAi905uxnrCqQVJmpmbOEcddG', '2024-03-01 12:00:00.5+00', NULL, NULL),
  ('2', 'bob@good.test', NULL, '$fbscrypt$v=1,n=10,r=8,p=1,ss=Bw==,sk=dGhlIHNpZ25lciBrZXkgb2YgYSBwcm9qZWN0dGhlIHNpZ25lciBrZXkgb2YgYSBwcm9qZWN0dGhlIHNpZ25lcg==$ABEiM0RVZneImaq7zN3u/w==$gUn26MZcIQOXj0r/8oG4bmuBOozpt4S8vEanmkhEQnbQn4Kqak2QsOt5JukGRpTK1pDFmW0FPv3OnyT/aT505g==', '2024-03-01 12:00:00+00', '2999-01-01', NULL), ('3', 'gone@good.test', NULL, '', '2024-03-01', NULL, '2025-01-01'),
  ('4', 'key@good.test', '2024-03-01', '', '2024-03-01', NULL, NULL);
INSERT INTO auth.mfa_factors VALUES ('1', 'totp', 'unverified', 'AAAA', '2024-01-01', NULL), ('1', 'totp', 'verified', 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', '2024-02-01', NULL), ('4', 'webauthn', 'verified', NULL, '2024-02-01', NULL);
INSERT INTO auth.identities VALUES ('1', 'email', '1'), ('1', 'google', '1050');
