// Package recovery is codes for the day the second factor is lost: made as a
// set, shown once, kept as keyed hashes, each good for one sign-in.
//
// It does not decide who may have or use them; that is login's. A code is never
// a first factor, and stands only in the place of a second one that the account
// has (store.FactorChange sees to that).
package recovery
