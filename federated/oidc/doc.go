// Package oidc identifies users by OpenID Connect providers and by GitHub.
//
// It owns the protocol: discovery, the authorization code with PKCE, the ID
// token with everything that must hold of it (signature, issuer, audience,
// authorized party, nonce, times), and, for GitHub, which has no ID tokens, the
// question to its API. Keys and metadata are fetched when first needed and kept.
//
// It does not own state, browsers, users or sessions: see package federated and
// login. It reads e-mail addresses only where an account may be made, and no one is
// found by them.
package oidc
