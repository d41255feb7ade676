// Package federated defines the interface of identity providers whose users may sign in. A provider
// identifies a user by issuer and subject. To create an account it must also supply an address that
// it has verified. An account is never looked up by that address.
//
// A Provider returns the URL to which a browser is redirected and reads the answer with which the
// browser comes back. It stores nothing and decides nothing. The caller checks that the answer
// belongs to one of its own requests, is used once and came back in the same browser, and decides
// what the identity gives access to. Package federated/oidc implements providers.
package federated
