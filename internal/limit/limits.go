package limit

import (
	"errors"
	"fmt"
	"time"
)

// Limits are the figures of all budgets. A zero field means its default.
type Limits struct {
	// FirstFailures wrong passwords for one account from one network, from one
	// browser that signed in to it before, or in one session make that one wait
	// (default 10; NIST SP 800-63B-4 section 3.2.2 allows at most 100).
	FirstFailures int
	// AccountFailures wrong passwords in 24 hours for one account, over all
	// networks that never signed in to it, make them all wait (default 100).
	// Browsers and networks that did have as many again.
	AccountFailures int
	// FirstHold is the first wait (default 30 s); it doubles with each further
	// failure up to FirstMaxHold (default 1 h).
	FirstHold, FirstMaxHold time.Duration
	// SecondFailures wrong codes within SecondWindow (defaults 5, 15 min) pause
	// all second factors of the account for SecondWindow, over all sign-ins,
	// browsers and nodes: only those who proved a first factor can do so. A browser
	// that signed in before has as many by itself.
	SecondFailures int
	SecondWindow   time.Duration
	// FactorFailures consecutive wrong codes ever (default 100, the bound of
	// NIST SP 800-63B-4 section 3.2.2) switch one factor off until it is set
	// up again or the account is rescued. Browsers that never signed in to the
	// account have half of them.
	FactorFailures int
	// AddressFailures wrong passwords within 15 minutes from one network (default
	// 100) close that network for 15 minutes, whatever accounts they were for. A
	// network is an IPv4 address or an IPv6 /64. A /56 has half as much again and
	// a /48 twice as much, here and wherever a network has a budget.
	AddressFailures int
	// CaptchaFailures wrong passwords in 24 hours for one address or username, from browsers
	// that never signed in to the account, or five times as many within 15 minutes from one network,
	// have a captcha asked for, if Accounts.Captcha is set (default 3).
	CaptchaFailures int
	// HourFailures wrong passwords in an hour, over all accounts and addresses,
	// are told to the operator (default 1,000). No one is kept out by it.
	HourFailures int
	// SendGap is the least time between two codes of one sign-in or set-up
	// (default 30 s).
	SendGap time.Duration
	// SendShort codes per 10 minutes and SendDay per 24 hours that no one answers
	// go to one destination (defaults 5 and 10). A code that comes back right gives
	// its place back. SendMost codes per 24 hours go there in all (default 30):
	// nothing gives a place back.
	SendShort, SendDay, SendMost int
	// SendAddress codes an hour that no one answers are sent at the wish of one
	// network (default 60). SendHour messages of one channel are sent in an hour
	// (default 10,000) for each kind of caller that the table of budgets names.
	// Nothing gives a place back, so it is the end of what a pumping attack can cost.
	SendAddress, SendHour int
	// RescueHour and RescueDay bound how often an account is rescued (defaults 3
	// and 5).
	RescueHour, RescueDay int
	// SetupHour bounds how often an account begins a set-up (default 30), and
	// RegisterHour how often one client address registers accounts (default 20).
	SetupHour, RegisterHour int
	// LinkHour mailed links an hour are sent to one identity at the wish of one
	// network (default 3), and a quarter of LinkDay in 24 hours. LinkAddress an hour
	// are sent to all identities at its wish (default 30). LinkDay in 24 hours are
	// sent to one identity at the wish of all strangers (default 20), and then one
	// every 15 minutes.
	LinkHour, LinkAddress, LinkDay int
	// FirstDay codes in place of a password are mailed in 24 hours to one account
	// at the wish of strangers (default 120), and then one every 15 minutes. Of texts
	// it is twice SendDay, as they cost money. One network has a quarter of that,
	// and SendShort per 10 minutes.
	FirstDay int
	// PasskeyFailures answers of passkeys that do not hold (default 10) pause the
	// passkeys of a sign-in under way or of a signed-in user for 15 minutes;
	// PasskeyHour questions an hour (default 1,000) are put at the wish of one
	// client address.
	PasskeyFailures, PasskeyHour int
}

// Defaults are the figures that no one set.
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

// Check names every figure that is out of bounds.
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
		errs = append(errs, errors.New("FirstHold, FirstMaxHold, SendGap: must not be negative, and the longest wait not below the first"))
	}
	return errors.Join(errs...)
}
