package limit

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/store"
)

// Numbers are the figures of all budgets. A zero field means its default.
type Numbers struct {
	// FirstFailures wrong passwords in a row make the account wait
	// (default 10; NIST SP 800-63B-4 section 3.2.2 allows at most 100).
	FirstFailures int
	// FirstHold is the first wait (default 30 s); it doubles with each further
	// failure up to FirstMaxHold (default 1 h).
	FirstHold, FirstMaxHold time.Duration
	// SecondFailures wrong codes within SecondWindow (defaults 5, 15 min) pause
	// all second factors of the account for SecondWindow, over all sign-ins,
	// browsers and nodes.
	SecondFailures int
	SecondWindow   time.Duration
	// FactorFailures consecutive wrong codes ever (default 100, the bound of
	// NIST SP 800-63B-4 section 3.2.2) switch one factor off until it is set
	// up again or the account is rescued.
	FactorFailures int
	// AddressFailures wrong passwords within 15 minutes from one client address
	// (default 100; an IPv6 address counts with its /64) close that address for
	// 15 minutes, whatever accounts they were for.
	AddressFailures int
	// HourFailures wrong passwords in an hour, over all accounts and addresses,
	// are told to the operator (default 1,000). Nobody is kept out by it.
	HourFailures int
	// SendGap is the least time between two codes of one sign-in or set-up
	// (default 30 s).
	SendGap time.Duration
	// SendShort codes per 10 minutes and SendDay per 24 hours go to one
	// destination (defaults 5 and 10). A code that comes back right gives its
	// place back: what it limits is sending to somebody who does not answer.
	SendShort, SendDay int
	// SendAddress codes an hour are sent at the wish of one client address
	// (default 60), and SendHour in all (default 10,000): the end of what a
	// pumping attack can cost. Right answers give places back here too.
	SendAddress, SendHour int
	// RescueHour and RescueDay bound how often an account is rescued (defaults 3
	// and 5).
	RescueHour, RescueDay int
	// SetupHour bounds how often an account begins a set-up (default 30), and
	// RegisterHour how often one client address registers accounts (default 20).
	SetupHour, RegisterHour int
	// LinkHour mailed links an hour are sent to one identity at the wish of one
	// client address (default 3), LinkAddress an hour to all identities at its
	// wish (default 30), and LinkDay in 24 hours to one identity at the wish of
	// all (default 20). They are apart from the budgets of codes, so asking for
	// links does not keep anybody from signing in.
	LinkHour, LinkAddress, LinkDay int
	// FirstDay codes in place of a password are mailed in 24 hours to one
	// account at the wish of strangers (default 120); of texts it is SendDay, as
	// they cost money. From one client address SendShort per 10 minutes.
	FirstDay int
	// PasskeyFailures answers of passkeys that do not hold (default 10) pause the
	// passkeys of a sign-in under way or of a signed-in user for 15 minutes;
	// PasskeyHour questions an hour (default 1,000) are put at the wish of one
	// client address.
	PasskeyFailures, PasskeyHour int
}

func (n Numbers) withDefaults() Numbers {
	setInt(&n.FirstFailures, 10)
	setDur(&n.FirstHold, 30*time.Second)
	setDur(&n.FirstMaxHold, time.Hour)
	setInt(&n.SecondFailures, 5)
	setDur(&n.SecondWindow, 15*time.Minute)
	setInt(&n.FactorFailures, 100)
	setInt(&n.AddressFailures, 100)
	setInt(&n.HourFailures, 1000)
	setDur(&n.SendGap, 30*time.Second)
	setInt(&n.SendShort, 5)
	setInt(&n.SendDay, 10)
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
func (n Numbers) Check() error {
	d := n.withDefaults()
	var errs []error
	bound := func(name string, v, lo, hi int) {
		if v < lo || v > hi {
			errs = append(errs, fmt.Errorf("%s: must be between %d and %d", name, lo, hi))
		}
	}
	bound("FirstFailures", d.FirstFailures, 1, 100)
	bound("SecondFailures", d.SecondFailures, 1, 10)
	bound("FactorFailures", d.FactorFailures, d.SecondFailures, 100)
	bound("AddressFailures", d.AddressFailures, 10, 1_000_000)
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
	if d.SecondWindow < time.Minute {
		errs = append(errs, errors.New("SecondWindow: must be at least one minute"))
	}
	if d.FirstHold < 0 || d.SendGap < 0 || d.FirstMaxHold < d.FirstHold {
		errs = append(errs, errors.New("FirstHold, FirstMaxHold, SendGap: must not be negative, and the longest wait not below the first"))
	}
	return errors.Join(errs...)
}

// Paused says that a budget is closed until a time.
type Paused struct{ Until time.Time }

func (p *Paused) Error() string { return "limit: too many attempts" }

// Limiter reserves places in budgets.
type Limiter struct {
	counters store.Counters
	now      func() time.Time
	n        Numbers
}

// New returns a limiter with the given figures.
func New(c store.Counters, now func() time.Time, n Numbers) *Limiter {
	return &Limiter{counters: c, now: now, n: n.withDefaults()}
}

// Place is a reserved place in one or more budgets.
type Place struct {
	l    *Limiter
	own  []string // given back singly: other failures still count
	all  []string // cleared: this very authenticator was proven
	done bool
}

// Undo gives back every place that was taken, and clears nothing: the attempt was
// no guess.
func (p *Place) Undo(ctx context.Context) error {
	if p == nil || p.done {
		return nil
	}
	p.own, p.all = append(p.own, p.all...), nil
	return p.Right(ctx)
}

// Refund gives back the own place and nothing else: the guess was right, but it
// was not this very authenticator that was proven (a rescue).
func (p *Place) Refund(ctx context.Context) error {
	p.all = nil
	return p.Right(ctx)
}

// Right tells the budgets that the guess was right.
func (p *Place) Right(ctx context.Context) error {
	if p == nil || p.done {
		return nil
	}
	p.done = true
	return p.l.counters.Release(ctx, p.own, p.all)
}

// Answered adds the budgets of a destination whose code came back right: Right
// or Refund gives their places back too.
func (p *Place) Answered(channel, destination, address string) *Place {
	if destination != "" {
		p.own = append(p.own, key("send10m", channel, destination), key("send24h", channel, destination),
			key("sendaddress", network(address)), key("sendall", channel))
	}
	return p
}

// FirstFactor reserves one guess at the password behind a canonical identity,
// from a client address (empty: not known). It is the same budget for known and
// unknown identities, so it tells nothing.
func (l *Limiter) FirstFactor(ctx context.Context, identity, address string) (*Place, error) {
	k, p := key("first", identity), &Place{}
	p.all = []string{k}
	claims := []store.Claim{{
		Key: k, Limit: l.n.FirstFailures, Window: 24 * time.Hour, Hold: l.n.FirstHold, MaxHold: l.n.FirstMaxHold,
	}}
	if address != "" {
		a := key("address", network(address))
		p.own = []string{a}
		claims = append(claims, store.Claim{Key: a, Limit: l.n.AddressFailures, Window: 15 * time.Minute, Hold: 15 * time.Minute})
	}
	return l.reserve(ctx, p, claims...)
}

// network is what of an address its user cannot change at will: an IPv4
// address, the /64 of an IPv6 address.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if a = a.Unmap(); a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// SecondFactor reserves one guess at a second factor of the account: in the
// account's pause budget and, if factor is not empty, in the budget that ends
// the factor's life.
func (l *Limiter) SecondFactor(ctx context.Context, userID, factor string) (*Place, error) {
	k := key("second", userID)
	claims := []store.Claim{{Key: k, Limit: l.n.SecondFailures, Window: l.n.SecondWindow, Hold: l.n.SecondWindow}}
	p := &Place{own: []string{k}}
	if factor != "" {
		const forever = 10 * 365 * 24 * time.Hour
		fk := key("factor", factor)
		claims = append(claims, store.Claim{Key: fk, Limit: l.n.FactorFailures, Window: forever})
		p.all = []string{fk}
	}
	return l.reserve(ctx, p, claims...)
}

// SecondOpen says whether second factors of the account may be guessed now, and
// takes no place: while they pause, no code is sent that could not be used.
func (l *Limiter) SecondOpen(ctx context.Context, userID string) error {
	_, err := l.reserve(ctx, &Place{}, store.Claim{Key: key("second", userID), Look: true})
	return err
}

// Send reserves one message to a destination within a transaction. Place.Answered
// gives the place back when the code comes back right.
func (l *Limiter) Send(ctx context.Context, transaction, channel, destination, address string) error {
	_, err := l.reserve(ctx, &Place{},
		store.Claim{Key: key("sendaddress", network(address)), Limit: l.n.SendAddress, Window: time.Hour},
		store.Claim{Key: key("sendall", channel), Limit: l.n.SendHour, Window: time.Hour},
		store.Claim{Key: key("gap", transaction, channel), Limit: 1, Window: l.n.SendGap},
		store.Claim{Key: key("send10m", channel, destination), Limit: l.n.SendShort, Window: 10 * time.Minute},
		store.Claim{Key: key("send24h", channel, destination), Limit: l.n.SendDay, Window: 24 * time.Hour})
	return err
}

// SendFirst reserves one code in place of a password, for an account or for what
// somebody typed. What one client address may ask for comes first, so that a
// stranger does not use up what the owner has (R50); none of these budgets is
// one of a second factor's codes.
func (l *Limiter) SendFirst(ctx context.Context, transaction, channel, budget, address string) error {
	day := l.n.FirstDay
	if channel == "sms" {
		day = l.n.SendDay
	}
	a := network(address)
	_, err := l.reserve(ctx, &Place{},
		store.Claim{Key: key("gap", transaction, channel), Limit: 1, Window: l.n.SendGap},
		store.Claim{Key: key("first10m", channel, budget, a), Limit: l.n.SendShort, Window: 10 * time.Minute},
		store.Claim{Key: key("sendaddress", a), Limit: l.n.SendAddress, Window: time.Hour},
		store.Claim{Key: key("first24h", channel, budget), Limit: day, Window: 24 * time.Hour},
		store.Claim{Key: key("sendall", channel), Limit: l.n.SendHour, Window: time.Hour})
	return err
}

// AnsweredFirst is Answered for a code that SendFirst was asked for.
func (l *Limiter) AnsweredFirst(ctx context.Context, channel, budget, address string) error {
	a := network(address)
	return l.counters.Release(ctx, []string{
		key("first10m", channel, budget, a), key("sendaddress", a), key("first24h", channel, budget), key("sendall", channel),
	}, nil)
}

// Warn says whether the owner of an account should hear of wrong codes behind
// his right password: at the third within an hour, and then once an hour.
func (l *Limiter) Warn(ctx context.Context, userID string) (bool, error) {
	_, err := l.reserve(ctx, &Place{}, store.Claim{Key: key("warn", userID), Limit: 2, Window: time.Hour})
	var p *Paused
	if !errors.As(err, &p) {
		return false, err
	}
	if err := l.Once(ctx, "warn:"+userID, time.Hour); err != nil {
		if errors.As(err, &p) {
			return false, nil
		}
		return false, err
	}
	return true, nil
}

// Wave counts a wrong password over all accounts and addresses and says whether
// the operator should hear of it: once an hour, from HourFailures on. It keeps
// nobody out: a budget of everybody's would let a stranger lock all doors.
func (l *Limiter) Wave(ctx context.Context) (bool, error) {
	const all = "all"
	_, err := l.reserve(ctx, &Place{}, store.Claim{Key: key("wave", all), Limit: max(1, l.n.HourFailures-1), Window: time.Hour})
	var p *Paused
	if !errors.As(err, &p) {
		return false, err
	}
	err = l.Once(ctx, "wave", time.Hour)
	if errors.As(err, &p) {
		return false, nil
	}
	return err == nil, err
}

// Rescue reserves one rescue of an account, in one of its ways.
func (l *Limiter) Rescue(ctx context.Context, userID, way string) error {
	_, err := l.reserve(ctx, &Place{},
		store.Claim{Key: key("rescue1h", userID, way), Limit: l.n.RescueHour, Window: time.Hour},
		store.Claim{Key: key("rescue24h", userID, way), Limit: l.n.RescueDay, Window: 24 * time.Hour})
	return err
}

// Setup reserves the beginning of one set-up of an account.
func (l *Limiter) Setup(ctx context.Context, userID string) error {
	_, err := l.reserve(ctx, &Place{}, store.Claim{Key: key("setup", userID), Limit: l.n.SetupHour, Window: time.Hour})
	return err
}

// Register reserves one registration from a client address.
func (l *Limiter) Register(ctx context.Context, address string) error {
	_, err := l.reserve(ctx, &Place{}, store.Claim{Key: key("register", network(address)), Limit: l.n.RegisterHour, Window: time.Hour})
	return err
}

// Link reserves one mailed link of a kind for an identity, known or not, at the
// wish of a client address. The budget of the two together comes first: one
// stranger cannot use up what the owner has.
func (l *Limiter) Link(ctx context.Context, kind, identity, address string) error {
	a := network(address)
	_, err := l.reserve(ctx, &Place{},
		store.Claim{Key: key("link1h", kind, identity, a), Limit: l.n.LinkHour, Window: time.Hour},
		store.Claim{Key: key("linkaddress", a), Limit: l.n.LinkAddress, Window: time.Hour},
		store.Claim{Key: key("link24h", kind, identity), Limit: l.n.LinkDay, Window: 24 * time.Hour},
		store.Claim{Key: key("linkall"), Limit: l.n.SendHour, Window: time.Hour})
	return err
}

// Depart reserves one journey to another site at the wish of a client address:
// 300 an hour, for many may share it.
func (l *Limiter) Depart(ctx context.Context, address string) error {
	_, err := l.reserve(ctx, &Place{}, store.Claim{Key: key("depart", network(address)), Limit: 300, Window: time.Hour})
	return err
}

// Once lets the first caller of a key through and no other for the given time.
func (l *Limiter) Once(ctx context.Context, what string, within time.Duration) error {
	_, err := l.reserve(ctx, &Place{}, store.Claim{Key: key("once", what), Limit: 1, Window: within})
	return err
}

func (l *Limiter) reserve(ctx context.Context, p *Place, claims ...store.Claim) (*Place, error) {
	p.l = l
	opens, err := l.counters.Reserve(ctx, l.now(), claims...)
	if errors.Is(err, store.ErrUsed) {
		return nil, &Paused{Until: opens}
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// key names a counter: the budget in words, then a hash, so that no text of a
// user can collide with another key or grow the row.
func key(budget string, parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "%d:%s", len(p), p)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return budget + ":" + base64.RawURLEncoding.EncodeToString(sum[:])
}
