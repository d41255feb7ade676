// Package breach asks a range service, such as Have I Been Pwned, whether a new password is in a
// published collection.
//
// Only five hexadecimal digits of the password's SHA-1 are sent, which hundreds of passwords share
// (k-anonymity). Answers are padded, so their length does not reveal the digits.
package breach
