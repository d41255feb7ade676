// Package strength judges new passwords by how many guesses a clever attacker
// would need, with zxcvbn (Dropbox, MIT licence): words of several lists, names,
// dates, runs of keys and repetitions count for what they are worth.
//
// It owns the score that is asked for. Its lists make the program about one
// megabyte larger, which is why only those who want it import it.
package strength
