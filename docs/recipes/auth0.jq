# Auth0: the file with password hashes that its support sends on request, a user a line.
# jq -nc -f auth0.jq users.json > people.jsonl
{twofold: 1, source: "auth0"},
(inputs | {
  id: (.user_id // ("auth0|" + (._id["$oid"] // ._id))),
  active: (.blocked != true),
  addresses: [{address: .email, proven: (.email_verified // false)}],
  fields: ({name} | with_entries(select(.value != null))),
  password: (.passwordHash | if . then {value: .} else null end)
} | with_entries(select(.value != null and .value != {})))
