// Package federated says what another site must tell for its users to sign in
// here: who a user is, by issuer and subject. For an account to be made it also tells
// an address that it verified. No account is ever found by that address.
//
// A Provider sends a browser to the other site and reads the answer it comes
// back with. It keeps nothing and decides nothing: that the answer belongs to a
// question of ours, is taken once and came back in the browser that asked is
// login's to see to, and so is what it opens. federated/oidc talks to real
// providers.
package federated
