package limit

import (
	"errors"
	"fmt"
	"time"
)

// Limits contains the limits of all budgets. A zero field means its default.
type Limits struct {
	// FirstFailures is the number of wrong passwords for one account from one network, from one
	// browser that has signed in to it before, or in one session, after which that one must wait
	// (default 10; NIST SP 800-63B-4 section 3.2.2 allows at most 100).
	FirstFailures int
	// AccountFailures is the number of wrong passwords in 24 hours for one account, over all
	// networks that have never signed in to it, after which all of them must wait (default 100).
	// Known browsers and networks have a separate budget of the same size.
	AccountFailures int
	// FirstHold is the first wait (default 30 s); it doubles with each further
	// failure up to FirstMaxHold (default 1 h).
	FirstHold, FirstMaxHold time.Duration
	// SecondFailures is the number of wrong codes within SecondWindow (defaults 5 and 15 min) that
	// pause all second factors of the account for SecondWindow, over all sign-ins, browsers and
	// nodes. Only users who have proven a first factor can enter codes. A known browser has its own
	// budget of the same size.
	SecondFailures int
	SecondWindow   time.Duration
	// FactorFailures is the number of consecutive wrong codes (default 100, the maximum of NIST SP
	// 800-63B-4 section 3.2.2) that disable a factor until it is set up again or the account is
	// rescued. Browsers that have never signed in to the account have half of them.
	FactorFailures int
	// AddressFailures is the number of wrong passwords within 15 minutes from one network (default
	// 100), for any accounts, that block the network for 15 minutes. A network is an IPv4 address
	// or an IPv6 /64. A /56 has half as much again and a /48 twice as much, here and wherever a
	// network has a budget.
	AddressFailures int
	// CaptchaFailures is the number of wrong passwords in 24 hours for one address or username,
	// from browsers that have never signed in to the account, after which a captcha is required if
	// Accounts.Captcha is set (default 3). Five times as many within 15 minutes from one network
	// have the same effect.
	CaptchaFailures int
	// HourFailures is the number of wrong passwords in an hour, over all accounts and addresses,
	// after which the operator is notified (default 1,000). It blocks no one.
	HourFailures int
	// SendGap is the minimum time between two codes of one sign-in or set-up (default 30 s).
	SendGap time.Duration
	// SendShort and SendDay are the maximum numbers of unanswered codes to one destination in 10
	// minutes and in 24 hours (defaults 5 and 10). A right code returns its place. SendMost is the
	// maximum number of all codes to one destination in 24 hours (default 30); no place is
	// returned.
	SendShort, SendDay, SendMost int
	// SendAddress is the maximum number of unanswered codes that one network can request in an hour
	// (default 60). SendHour is the maximum number of messages of one channel in an hour (default
	// 10,000) for each kind of caller in the table of budgets. No place is returned, so it bounds
	// the cost of an SMS pumping attack.
	SendAddress, SendHour int
	// RescueHour and RescueDay are the maximum numbers of rescues of an account in an hour and in a
	// day (defaults 3 and 5).
	RescueHour, RescueDay int
	// SetupHour is the maximum number of set-ups that an account starts in an hour (default 30),
	// and RegisterHour that of registrations from one client address (default 20).
	SetupHour, RegisterHour int
	// LinkHour is the maximum number of mailed links to one identity that one network can request
	// in an hour (default 3); in 24 hours it is a quarter of LinkDay. LinkAddress is the maximum
	// number of links to all identities that a network can request in an hour (default 30). LinkDay
	// is the number of links to one identity that all strangers together can request in 24 hours
	// (default 20), and then one every 15 minutes.
	LinkHour, LinkAddress, LinkDay int
	// FirstDay is the number of codes replacing a password that strangers can have mailed to one
	// account in 24 hours (default 120), and then one every 15 minutes. For text messages it is
	// twice SendDay, because they cost money. One network has a quarter of that, and SendShort in
	// 10 minutes.
	FirstDay int
	// PasskeyFailures is the number of invalid passkey answers (default 10) that pause the passkeys
	// of a pending sign-in or of a signed-in user for 15 minutes. PasskeyHour is the maximum number
	// of challenges that one client address can request in an hour (default 1,000).
	PasskeyFailures, PasskeyHour int
}

// Defaults returns the default limits.
func Defaults() Limits { return Limits{}.withDefaults() }

func (n Limits) withDefaults() Limits {
	setInt(&n.FirstFailures, 10)
	setInt(&n.AccountFailures, 100)
	setDur(&n.FirstHold, 30*time.Second)
	setDur(&n.FirstMaxHold, time.Hour)
	setInt(&n.SecondFailures, 5)
	setDur(&n.SecondWindow, 15*time.Minute)
	setInt(&n.FactorFailures, 100)
	setInt(&n.AddressFailures, 100)
	setInt(&n.HourFailures, 1000)
	setInt(&n.CaptchaFailures, 3)
	setDur(&n.SendGap, 30*time.Second)
	setInt(&n.SendShort, 5)
	setInt(&n.SendDay, 10)
	setInt(&n.SendMost, max(30, n.SendDay))
	setInt(&n.SendAddress, 60)
	setInt(&n.SendHour, 10_000)
	setInt(&n.RescueHour, 3)
	setInt(&n.RescueDay, 5)
	setInt(&n.SetupHour, 30)
	setInt(&n.RegisterHour, 20)
	setInt(&n.LinkHour, 3)
	setInt(&n.LinkAddress, 30)
	setInt(&n.LinkDay, 20)
	setInt(&n.FirstDay, 120)
	setInt(&n.PasskeyFailures, 10)
	setInt(&n.PasskeyHour, 1000)
	return n
}

func setInt(p *int, d int) {
	if *p == 0 {
		*p = d
	}
}

func setDur(p *time.Duration, d time.Duration) {
	if *p == 0 {
		*p = d
	}
}

// Check returns an error that lists every limit out of bounds.
func (n Limits) Check() error {
	d := n.withDefaults()
	var errs []error
	bound := func(name string, v, lo, hi int) {
		if v < lo || v > hi {
			errs = append(errs, fmt.Errorf("%s: must be between %d and %d", name, lo, hi))
		}
	}
	bound("FirstFailures", d.FirstFailures, 1, 100)
	bound("AccountFailures", d.AccountFailures, 1, 10_000)
	bound("SecondFailures", d.SecondFailures, 1, 10)
	bound("FactorFailures", d.FactorFailures, d.SecondFailures, 100)
	bound("AddressFailures", d.AddressFailures, 10, 1_000_000)
	bound("CaptchaFailures", d.CaptchaFailures, 1, 100)
	bound("HourFailures", d.HourFailures, 10, 100_000_000)
	bound("SendAddress", d.SendAddress, 1, 1_000_000)
	bound("SendHour", d.SendHour, 1, 100_000_000)
	bound("RescueHour", d.RescueHour, 1, 1000)
	bound("RescueDay", d.RescueDay, 1, 1000)
	bound("SetupHour", d.SetupHour, 1, 10_000)
	bound("RegisterHour", d.RegisterHour, 1, 1_000_000)
	bound("LinkHour", d.LinkHour, 1, 1000)
	bound("LinkAddress", d.LinkAddress, 1, 1_000_000)
	bound("LinkDay", d.LinkDay, 1, 1000)
	bound("FirstDay", d.FirstDay, 1, 10_000)
	bound("PasskeyFailures", d.PasskeyFailures, 1, 1000)
	bound("PasskeyHour", d.PasskeyHour, 1, 1_000_000)
	bound("SendShort", d.SendShort, 1, 1000)
	bound("SendDay", d.SendDay, 1, 1000)
	bound("SendMost", d.SendMost, d.SendDay, 10_000)
	if d.SecondWindow < time.Minute {
		errs = append(errs, errors.New("SecondWindow: must be at least one minute"))
	}
	if d.FirstHold < 0 || d.SendGap < 0 || d.FirstMaxHold < d.FirstHold {
		errs = append(errs, errors.New(
			"FirstHold, FirstMaxHold, SendGap: must not be negative, and the longest wait not below the first"))
	}
	return errors.Join(errs...)
}
