// Package breach asks a range service, such as Have I Been Pwned, whether a new
// password is in a published collection.
//
// Five hexadecimal digits of the password's SHA-1 leave the house, shared by
// hundreds of passwords (k-anonymity); answers are padded, so that their length
// does not tell which. It owns the question and what its failure means; it does
// not own when a password is asked about.
package breach
