// Package limit implements budgets, which limit how often a secret may be guessed and how many
// messages may be sent.
//
// A place is reserved before the secret is checked, with one atomic method of the store. So
// concurrent guesses cannot exceed the limit, and a crash cannot lose a guess. Only success with
// the same credential returns places. Keys are the account or the destination in canonical form,
// never an arbitrary field of the request.
//
// Package auth decides which guesses are right.
package limit
