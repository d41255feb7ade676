// Package limit owns the budgets: how often a secret may be guessed and how
// many messages may be sent.
//
// A place is reserved before the secret is looked at, in one atomic verb of
// the store, so parallel guesses cannot beat the counter and a crash cannot
// forget one. Only success with the very thing that was guessed gives places
// back. Keys are the account or the destination in canonical form, never a
// free field of the request.
//
// It does not decide what is right or wrong; login does.
package limit
