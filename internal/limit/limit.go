package limit

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Paused is the error of a budget that is closed until the given time.
type Paused struct{ Until time.Time }

func (p *Paused) Error() string { return "limit: too many attempts" }

// Limiter reserves places in budgets.
type Limiter struct {
	counters storage.Counters
	now      func() time.Time
	n        Limits
	rows     map[name]Budget
	spray    tally
	sending
}

// New returns a limiter with the given figures.
func New(c storage.Counters, now func() time.Time, n Limits) *Limiter {
	rows := map[name]Budget{}
	for _, b := range Budgets() {
		rows[b.Name] = b
	}
	l := &Limiter{counters: c, now: now, n: n.withDefaults(), rows: rows}
	l.sending = sending{l}
	return l
}

// Reservation is a reserved place in one or more budgets.
type Reservation struct {
	l     *Limiter
	taken []string // keys of all budgets
	own   []string // only this place is returned: other failures still count
	all   []string // reset, because this authenticator was proven
	done  bool
}

// Undo returns every place that was taken and resets nothing, because the attempt was not a guess.
func (p *Reservation) Undo(ctx context.Context) error {
	if p == nil || p.done {
		return nil
	}
	p.own, p.all = p.taken, nil
	return p.Succeed(ctx)
}

// Release returns only the own place: the guess was right, but another authenticator was proven, as
// in a rescue.
func (p *Reservation) Release(ctx context.Context) error {
	p.all = nil
	return p.Succeed(ctx)
}

// Returns returns the arguments of the counters' Release that Succeed would call, for a step that
// releases them together with what follows from the right guess. It returns them once;
// after Succeed it returns nothing.
func (p *Reservation) Returns() (own, whole []string) {
	if p == nil || p.done {
		return nil, nil
	}
	p.done = true
	return p.own, p.all
}

// Succeed updates the budgets after a right guess.
func (p *Reservation) Succeed(ctx context.Context) error {
	if p == nil || p.done {
		return nil
	}
	own, whole := p.Returns()
	return p.l.counters.Release(ctx, own, whole)
}

// Guess is one guess at a first factor.
type Guess struct {
	Identity string // as typed, in canonical form
	Account  string // ID, or Identity if there is no such account
	// Secret resets the count of failures when it changes. It is the stored password hash of the
	// account.
	Secret string
	From   From
	// If Look is set, no place is taken; the result only shows whether there is one.
	Look bool
	// Captcha is set if captchas are required after wrong guesses and this guess has none.
	Captcha bool
}

// FirstFactor reserves one guess at the password of an account. Unknown identities have the same
// budgets, so the result reveals nothing. It may return ErrCaptcha.
func (l *Limiter) FirstFactor(ctx context.Context, g Guess) (*Reservation, error) {
	secret := fingerprint(g.Secret)
	// Callers of many networks share strangers and known. A right guess resets both, and the
	// caller's own count, but not that of other networks.
	strangers, known := l.claim(firstAccount, g.Account, secret), l.claim(firstKnownAccount, g.Account, secret)
	p := &Reservation{all: []string{strangers.Key, known.Key, l.claim(captchaName, g.Identity, secret).Key}}
	var claims []storage.Claim
	switch {
	case g.From.Session != "":
		claims = []storage.Claim{l.claim(firstSession, g.Account, secret, g.From.Session)}
		p.all = nil
	case g.From.Own():
		claims = []storage.Claim{l.claim(firstKnown, g.Account, secret, g.From.mark()), known}
	case g.From.Network:
		claims = append(l.byNetwork(firstNetwork, g.From.Address, g.Identity, secret), known)
	default:
		claims = append(l.byNetwork(firstNetwork, g.From.Address, g.Identity, secret), strangers)
	}
	p.all = append(p.all, Keys(claims)...)
	if g.From.Address != "" && !g.From.known() {
		spread := l.byNetwork(address, g.From.Address)
		p.own = Keys(spread)
		claims = append(claims, spread...)
	}
	for i := range claims {
		claims[i].Look = g.Look
	}
	if g.Captcha && !g.From.Own() {
		return withoutCaptcha(ctx, l, p, g, claims)
	}
	return l.reserve(ctx, p, claims...)
}

// fingerprint returns the part of a key that represents a secret.
func fingerprint(secret string) string {
	if secret == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// pause returns claims of one place in the budgets that pause an account's second factors.
func (l *Limiter) pause(account string, f From) []storage.Claim { return l.apart(second, account, f) }

// apart returns claims of one place in a budget in which known browsers and known networks have
// their own places, so that an attacker who only knows the password does not use up the owner's.
// Attempts of strangers in a network also count there, so that no one has twice as many.
func (l *Limiter) apart(of name, account string, f From) []storage.Claim {
	if f.Browser != "" {
		return []storage.Claim{l.claim(of, account, "browser "+f.Browser)}
	}
	shared := l.claim(of, account)
	if f.Address == "" {
		return []storage.Claim{shared}
	}
	near := l.claim(of, account, "network "+Network(f.Address))
	if f.Network {
		return []storage.Claim{near}
	}
	return []storage.Claim{shared, near}
}

// SecondFactor reserves one guess at a second factor of the account: in the caller's pause budgets
// and, if factor is not empty, in the budget that disables the factor.
func (l *Limiter) SecondFactor(ctx context.Context, account, factor string, f From) (*Reservation, error) {
	p, claims := l.SecondFactorClaims(account, factor, f)
	return l.reserve(ctx, p, claims...)
}

// SecondFactorClaims are the claims of SecondFactor, for a step that reserves them
// itself.
func (l *Limiter) SecondFactorClaims(account, factor string, f From) (*Reservation, []storage.Claim) {
	claims := l.pause(account, f)
	p := &Reservation{own: Keys(claims)}
	if factor != "" {
		claims = append(claims, l.life(factor, f)...)
		p = p.Proves(factor)
	}
	return p, claims
}

// Pausing returns *Paused if the caller's codes of second factors are paused. It takes no place.
func (l *Limiter) Pausing(ctx context.Context, account string, f From) error {
	_, err := l.reserve(ctx, &Reservation{}, looking(l.pause(account, f))...)
	return err
}

// looking returns the claims changed so that they take no place.
func looking(claims []storage.Claim) []storage.Claim {
	for i := range claims {
		claims[i].Look = true
	}
	return claims
}

// RecoveryCode reserves one guess at a recovery code of the account. It has its own budget, because
// a code of 80 random bits cannot be guessed and lets the owner sign in while other codes are
// paused.
func (l *Limiter) RecoveryCode(ctx context.Context, account string, f From) (*Reservation, error) {
	claims := l.apart(recoveryCode, account, f)
	return l.reserve(ctx, &Reservation{own: Keys(claims)}, claims...)
}

// FactorFirst reserves one guess at a factor whose code replaces a password.
func (l *Limiter) FactorFirst(ctx context.Context, factor string, f From) (*Reservation, error) {
	claims := l.life(factor, f)
	if !f.known() {
		claims = append(claims, l.claim(factorFirst, factor))
	}
	p := (&Reservation{all: []string{key(factorFirst, factor)}}).Proves(factor)
	return l.reserve(ctx, p, claims...)
}

// life returns claims of one failure of those that disable a factor. Strangers have half of them
// and known networks a quarter, so that they cannot disable it for a browser that has signed in to
// the account before.
func (l *Limiter) life(factor string, f From) []storage.Claim {
	claims := []storage.Claim{l.claim(factorLife, factor)}
	switch {
	case f.Own():
	case f.Network:
		claims = append(claims, l.claim(factorNetworks, factor))
	default:
		claims = append(claims, l.claim(factorStrangers, factor))
	}
	return claims
}

// Warn reports whether to notify the owner of an account of wrong codes after the correct password:
// at the third one within an hour, and then once an hour.
func (l *Limiter) Warn(ctx context.Context, userID string) (bool, error) {
	_, err := l.reserve(ctx, &Reservation{}, l.claim(warn, userID))
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

// SprayAlert counts a wrong password over all accounts and addresses. full reports whether there
// were HourFailures this hour. first reports, once an hour, that the operator should be notified.
// It blocks no one, because with a shared budget a stranger could lock everyone out.
func (l *Limiter) SprayAlert(ctx context.Context) (first, full bool, err error) {
	c := l.claim(spray, "all")
	if c.Times, full = l.spray.count(l.now(), c.Limit); c.Times == 0 {
		return false, full, nil
	}
	_, err = l.reserve(ctx, &Reservation{}, c)
	var p *Paused
	if !errors.As(err, &p) {
		return false, false, err
	}
	l.spray.until(p.Until)
	err = l.Once(ctx, "wave", time.Hour)
	if errors.As(err, &p) {
		return false, true, nil
	}
	return err == nil, true, err
}

// Rescue reserves one rescue of an account, in one of its ways.
func (l *Limiter) Rescue(ctx context.Context, userID, way string) error {
	_, err := l.reserve(ctx, &Reservation{}, l.claim(rescueHour, userID, way), l.claim(rescueDay, userID, way))
	return err
}

// Setup reserves one set-up of an account.
func (l *Limiter) Setup(ctx context.Context, userID string) error {
	_, err := l.reserve(ctx, &Reservation{}, l.claim(setup, userID))
	return err
}

// OAuthStart reserves one request to another site, of a network or a session.
func (l *Limiter) OAuthStart(ctx context.Context, f From) error {
	claims := l.byNetwork(oauthStart, f.Address)
	if f.Session != "" {
		claims = []storage.Claim{l.claim(oauthStart, f.mark())}
	}
	_, err := l.reserve(ctx, &Reservation{}, claims...)
	return err
}

// Once returns nil for the first caller with a key, and an error for all others within the given
// time.
func (l *Limiter) Once(ctx context.Context, what string, within time.Duration) error {
	_, err := l.reserve(ctx, &Reservation{}, l.OnceClaim(what, within))
	return err
}

// OnceClaim is the claim of Once, for a step that reserves it itself.
func (l *Limiter) OnceClaim(what string, within time.Duration) storage.Claim {
	c := l.claim(once, what)
	c.Window = within
	return c
}

// OnceKey returns the name of the counter of Once.
func OnceKey(what string) string { return key(once, what) }

// Running reports whether Once has recently succeeded for a key. It takes no place.
func (l *Limiter) Running(ctx context.Context, what string) (bool, error) {
	c := l.claim(once, what)
	c.Look = true
	_, err := l.reserve(ctx, &Reservation{}, c)
	var p *Paused
	if errors.As(err, &p) {
		return true, nil
	}
	return false, err
}

func (l *Limiter) reserve(ctx context.Context, p *Reservation, claims ...storage.Claim) (*Reservation, error) {
	p.l = l
	for _, c := range claims {
		if !c.Look {
			p.taken = append(p.taken, c.Key)
		}
	}
	opens, err := l.counters.Reserve(ctx, l.now(), claims...)
	if errors.Is(err, storage.ErrUsed) {
		return nil, &Paused{Until: opens}
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Keys returns the keys of the budgets of claims.
func Keys(claims []storage.Claim) []string {
	out := make([]string, len(claims))
	for i, c := range claims {
		out[i] = c.Key
	}
	return out
}

// key returns the name of a counter: the name of the budget, then hashes, so that no user input can
// collide with another key or make the row large. The first part, the owner, has its own hash, by
// which Unlock finds the counters.
func key(budget name, parts ...string) string {
	return owned(budget, parts[0]) + hashed(parts...)
}

// owned returns the prefix of the names of an owner's counters in a budget.
func owned(budget name, owner string) string { return string(budget) + ":" + hashed(owner)[:22] + ":" }

func hashed(parts ...string) string {
	var b []byte
	for _, p := range parts {
		b = append(append(strconv.AppendInt(b, int64(len(p)), 10), ':'), p...)
	}
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Traces returns the prefixes of the keys of counters for an account and for its other owners.
// Counters that bound the cost of messages are not included for the others, so that an account that
// is deleted and created again does not get more messages.
func (l *Limiter) Traces(account string, others ...string) (prefixes []string) {
	for _, b := range l.rows {
		prefixes = append(prefixes, owned(b.Name, account))
		for _, owner := range others {
			if !b.costs {
				prefixes = append(prefixes, owned(b.Name, owner))
			}
		}
	}
	return prefixes
}

// Unlock resets all counters of owners: accounts, identities in canonical form, factors and
// destinations.
func (l *Limiter) Unlock(ctx context.Context, owners ...string) error {
	var prefixes []string
	for _, b := range l.rows {
		if !b.costs {
			for _, owner := range owners {
				prefixes = append(prefixes, owned(b.Name, owner))
			}
		}
	}
	return l.counters.Forget(ctx, prefixes...)
}
