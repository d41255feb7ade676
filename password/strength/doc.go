// Package strength estimates how many guesses an attacker would need for a new password, with
// zxcvbn (Dropbox, MIT license). It recognizes words of several lists, names, dates, runs of keys
// and repetitions.
//
// It is a separate package because its lists make the program about one megabyte larger.
package strength
