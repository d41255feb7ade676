# Firebase: firebase auth:export users.json; the project's console shows the parameters.
# jq -c --arg key SIGNER_KEY --arg separator Bw== --arg rounds 8 --arg mem_cost 14 -f firebase.jq users.json > people.jsonl
{twofold: 1, source: "firebase"},
(.users[] | {
  id: .localId,
  active: (.disabled != true),
  created: (.createdAt | tonumber / 1000 | floor | todate),
  addresses: [select(.email) | {address: .email, proven: (.emailVerified // false)}],
  fields: ({name: .displayName} | with_entries(select(.value != null))),
  phones: [.mfaInfo[]? | select(.phoneInfo) | {number: .phoneInfo, name: (.displayName // "")}],
  # The keys of apps are not exported: an account with nothing else is refused.
  authenticators: (if any(.mfaInfo[]?; true) and all(.mfaInfo[]?; .phoneInfo | not) then [{secret: ""}] else [] end),
  connections: [.providerUserInfo[]?
    | {"google.com": "https://accounts.google.com", "apple.com": "https://appleid.apple.com",
       "github.com": "https://github.com"}[.providerId] as $issuer
    | select($issuer) | {provider: (.providerId | split(".")[0]), issuer: $issuer, subject: .rawId}],
  password: (if .passwordHash then {
    scheme: "firebase-scrypt",
    value: .passwordHash,
    params: {salt, salt_separator: $separator, signer_key: $key, rounds: $rounds, mem_cost: $mem_cost}
  } else null end)
}
| with_entries(select(.value != null and .value != [] and .value != {})))
