package limit

import (
	"time"

	"github.com/twofold-auth/twofold/internal/settings"
)

// Limits contains the limits of all budgets. A zero field means its default. In parentheses are
// the default and the greatest value.
type Limits struct {
	// FirstFailures is the number of wrong passwords for one account from one network, from one
	// browser that has signed in to it before, or in one session, after which that one must wait
	// (10, at most 100 as in NIST SP 800-63B-4 section 3.2.2).
	FirstFailures int
	// AccountFailures is the number of wrong passwords in 24 hours for one account, over all
	// networks that have never signed in to it, after which all of them must wait (100, at most
	// 10,000). Known browsers and networks have a separate budget of the same size.
	AccountFailures int
	// FirstHold is the first wait (30 seconds). It doubles with each further failure up to
	// FirstMaxHold (1 hour).
	FirstHold, FirstMaxHold time.Duration
	// SecondFailures is the number of wrong codes (5, at most 10) within SecondWindow that pause
	// all second factors of the account for SecondWindow, over all sign-ins, browsers and nodes.
	// Only users who have proven a first factor can enter codes. A known browser has its own budget
	// of the same size.
	SecondFailures int
	// SecondWindow is that time (15 minutes, at least 1 minute).
	SecondWindow time.Duration
	// FactorFailures is the number of consecutive wrong codes (100, at most 100 as in NIST SP
	// 800-63B-4 section 3.2.2) that disable a factor until it is set up again or the account is
	// rescued. It must not be less than SecondFailures. Browsers that have never signed in to the
	// account have half of them.
	FactorFailures int
	// AddressFailures is the number of wrong passwords within 15 minutes from one network (100, at
	// least 10, at most 1,000,000), for any accounts, that block the network for 15 minutes. A
	// network is an IPv4 address or an IPv6 /64. A /56 has half as much again and a /48 twice as
	// much, here and wherever a network has a budget.
	AddressFailures int
	// CaptchaFailures is the number of wrong passwords in 24 hours for one address or username,
	// from browsers that have never signed in to the account, after which a captcha is required if
	// Accounts.Captcha is set (3, at most 100). Five times as many within 15 minutes from one
	// network have the same effect.
	CaptchaFailures int
	// HourFailures is the number of wrong passwords in an hour, over all accounts and addresses,
	// after which the operator is notified (1,000, at least 10, at most 100,000,000). It blocks no
	// one.
	HourFailures int
	// SendGap is the minimum time between two codes of one sign-in or set-up (30 seconds).
	SendGap time.Duration
	// SendShort and SendDay are the maximum numbers of unanswered codes to one destination in 10
	// minutes and in 24 hours (5 and 10, at most 1,000). A correct code returns its place.
	SendShort, SendDay int
	// SendMost is the maximum number of all codes to one destination in 24 hours (30 or SendDay, if
	// that is more, at most 10,000). No place is returned. It must not be less than SendDay.
	SendMost int
	// SendAddress is the maximum number of unanswered codes that one network can request in an hour
	// (60, at most 1,000,000).
	SendAddress int
	// SendHour is the maximum number of messages of one channel in an hour (10,000, at most
	// 100,000,000) for each kind of caller in the table of budgets. No place is returned, so it
	// bounds the cost of an SMS pumping attack.
	SendHour int
	// RescueHour and RescueDay are the maximum numbers of rescues of an account in an hour and in a
	// day (3 and 5, at most 1,000).
	RescueHour, RescueDay int
	// SetupHour is the maximum number of set-ups that an account starts in an hour (30, at most
	// 10,000).
	SetupHour int
	// RegisterHour is the maximum number of registrations from one client address in an hour (20,
	// at most 1,000,000).
	RegisterHour int
	// LinkHour is the maximum number of mailed links to one identity that one network can request
	// in an hour (3, at most 1,000); in 24 hours it is a quarter of LinkDay.
	LinkHour int
	// LinkAddress is the maximum number of links to all identities that a network can request in an
	// hour (30, at most 1,000,000).
	LinkAddress int
	// LinkDay is the number of links to one identity that all strangers together can request in 24
	// hours (20, at most 1,000), and then one every 15 minutes.
	LinkDay int
	// FirstDay is the number of codes replacing a password that strangers can have mailed to one
	// account in 24 hours (120, at most 10,000), and then one every 15 minutes. For text messages
	// it is twice SendDay, because they cost money. One network has a quarter of that, and
	// SendShort in 10 minutes.
	FirstDay int
	// PasskeyFailures is the number of invalid passkey answers (10, at most 1,000) that pause the
	// passkeys of a pending sign-in or of a signed-in user for 15 minutes.
	PasskeyFailures int
	// PasskeyHour is the maximum number of challenges that one client address can request in an
	// hour (1,000, at most 1,000,000).
	PasskeyHour int
}

// Defaults returns the default limits.
func Defaults() Limits { return Limits{}.withDefaults() }

func (n Limits) withDefaults() Limits {
	settings.Default(&n, "Advanced.Limits.")
	return n
}
