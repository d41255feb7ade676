// Package gate decides what the gate does with a request: it reads the address that
// was asked for, finds the rule that matches it, judges the caller by it, and signs
// what the application is told. It knows neither HTTP nor the store.
package gate
