// Package recovery implements codes for users who have lost their second factor.
// Codes are made as a set, shown once and stored as keyed hashes. Each is valid for
// one sign-in.
//
// Package auth decides who may have or use them. A code is never a first factor.
// It only replaces a second factor that the account has (see storage.FactorChange).
package recovery
