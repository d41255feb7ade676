// Package account creates, finds, changes, deactivates and resets accounts.
//
// It defines the canonical form of an identity, which one function computes for look-up, uniqueness
// and every budget, and the password rules. It opens no sessions and contains no HTTP. A
// registration that signs the user in continues in package auth.
package account
