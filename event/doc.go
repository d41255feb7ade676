// Package event says what happened, as typed values with the names of the
// wire contract's signals. Subscribers get each one once, after it has taken
// effect, in the request that caused it.
//
// No event carries a secret: no code, no token, no password, no hash.
package event
