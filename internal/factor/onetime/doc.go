// Package onetime implements the factors that use codes sent by SMS and e-mail.
//
// It makes a code (six random digits), stores a keyed hash of it that is bound to
// transaction, purpose, user, channel and destination, and spends it. A newer code
// replaces the older one of the same transaction. A code is valid for minutes, and
// becomes invalid after five wrong attempts. The package also decides which phone
// numbers are accepted: numbers in E.164 form that can receive text messages and
// are not charged to the caller.
//
// Package auth decides how often codes may be sent and guessed, through package
// limit.
package onetime
