-- Accounts whose only second factor is a passkey are left out: they would arrive without.
-- Supabase: psql "$DATABASE_URL" --csv -f supabase.sql > people.csv
SELECT u.id AS id, u.email AS email, u.email_confirmed_at IS NOT NULL AS email_verified,
  u.encrypted_password AS password, u.created_at AS created,
  CASE WHEN u.banned_until > CURRENT_TIMESTAMP THEN 'no' ELSE 'yes' END AS active,
  (SELECT f.secret FROM auth.mfa_factors f
    WHERE f.user_id = u.id AND f.factor_type = 'totp' AND f.status = 'verified'
    ORDER BY f.created_at LIMIT 1) AS totp_secret,
  (SELECT f.phone FROM auth.mfa_factors f
    WHERE f.user_id = u.id AND f.factor_type = 'phone' AND f.status = 'verified'
    ORDER BY f.created_at LIMIT 1) AS phone,
  (SELECT i.provider FROM auth.identities i
    WHERE i.user_id = u.id AND i.provider <> 'email' ORDER BY i.provider LIMIT 1) AS provider,
  (SELECT i.provider_id FROM auth.identities i
    WHERE i.user_id = u.id AND i.provider <> 'email' ORDER BY i.provider LIMIT 1) AS subject
FROM auth.users u
WHERE u.email IS NOT NULL AND u.deleted_at IS NULL
  AND (NOT EXISTS (SELECT 1 FROM auth.mfa_factors f
      WHERE f.user_id = u.id AND f.status = 'verified' AND f.factor_type NOT IN ('totp', 'phone'))
    OR EXISTS (SELECT 1 FROM auth.mfa_factors f
      WHERE f.user_id = u.id AND f.status = 'verified' AND f.factor_type IN ('totp', 'phone')))
ORDER BY u.id;
