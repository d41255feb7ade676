// Package transfer defines the neutral file: how accounts look on their way into
// and out of Twofold.
//
// It owns the types ([Account] and its parts), the file format (JSON Lines, see
// docs/transfer.md), the rules that an account must keep by itself ([Account.Check]),
// and [Source], which a reader of another system implements. It knows no store: what
// is written where is the business of package internal/transfer/engine.
//
// Readers live in folders of their own: internal/transfer/flask and its siblings.
package transfer
