// Package oidc identifies users with OpenID Connect providers and with GitHub.
//
// It implements discovery, the authorization code flow with PKCE and all checks of the ID token:
// signature, issuer, audience, authorized party, nonce and times. GitHub issues no ID tokens, so
// its API is called instead. Keys and metadata are fetched when they are first needed, and cached.
//
// It does not manage state, browsers, users or sessions: see package federated. It reads e-mail
// addresses only if an account may be created, and never looks up a user by address.
package oidc
