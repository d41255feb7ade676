// Package gate decides what happens to a request. It parses the requested address,
// finds the rule that matches, applies it to the caller, and signs what the
// application is told. It depends neither on HTTP nor on the store.
package gate
