// Package transfer defines the neutral file, in which accounts are imported into
// Twofold and exported from it.
//
// It owns the types ([Account] and its parts), the file format (JSON Lines, see
// docs/transfer.md), the rules for an account on its own ([Account.Check]), and
// [Source], which a reader of another system implements. It does not access a
// store; package internal/transfer/engine does.
//
// Each reader has its own package, such as internal/transfer/flask.
package transfer
