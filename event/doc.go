// Package event describes what happens in the sign-in as typed values with the
// names of the wire contract's signals. A subscriber receives each event once,
// after it has taken effect, in the request that caused it.
//
// No event contains a secret: no code, token, password or hash.
package event
