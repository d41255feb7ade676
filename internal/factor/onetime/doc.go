// Package onetime is the factor of codes by SMS and by e-mail.
//
// It owns making the code (six random digits), keeping it as a keyed hash
// bound to transaction, purpose, user, channel and destination, and spending
// it. A newer code replaces the older one of the same transaction; five wrong
// tries kill it; it lives minutes. It also owns what a phone number is: E.164,
// of a kind that can receive texts and does not bill the caller.
//
// How often codes are sent and guessed is decided by login through limit.
package onetime
