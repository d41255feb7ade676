# Ory Kratos: the list of identities of the admin API, with include_credential=password, totp,
# lookup_secret and webauthn.
# jq -c -f kratos.jq identities.json > people.jsonl
def url: gsub("\\+"; "-") | gsub("/"; "_") | gsub("="; "");
{twofold: 1, source: "kratos"},
(.[] | .credentials as $c | {
  id,
  active: (.state == "active"),
  created: .created_at,
  addresses: [.verifiable_addresses[]? | select(.via == "email") | {address: .value, proven: .verified}],
  password: ($c.password.config.hashed_password // null | if . then {value: .} else null end),
  authenticators: [$c.totp.config.totp_url // empty
    | {secret: (capture("[?&]secret=(?<s>[A-Za-z2-7]+)").s)}],
  recovery_codes: [$c.lookup_secret.config.recovery_codes[]?
    | select((.used_at // "0001-01-01T00:00:00Z") == "0001-01-01T00:00:00Z") | {plain: .code}],
  passkeys: [$c.webauthn.config as $w | $w.credentials[]? | {
    credential_id: (.id | url),
    public_key: (.public_key | url),
    counter: (.authenticator.sign_count // 0),
    user_handle: ($w.user_handle | url),
    name: .display_name,
    flags_unknown: (.flags == null),
    backup_eligible: (.flags.backup_eligible // false),
    backed_up: (.flags.backup_state // false),
    use: (if .is_passwordless then "first" else "second" end)
  }]
} | with_entries(select(.value != null and .value != [])))
