package totp

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"html/template"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Store records accepted steps and keeps the sealed secrets.
type Store interface {
	storage.FactorUses
	storage.FactorSecrets
}

// Config configures a Method.
type Config struct {
	Factors Store
	Ring    *seal.Ring
	Issuer  string // shown in the app
	// Window is the maximum distance of a code's step from now, in both directions,
	// in seconds: 30 (one step, RFC 6238 section 5.2) if zero, at most 120. With a
	// wider window, more codes are valid at once, which helps an attacker who
	// guesses.
	Window int
	Now    func() time.Time
	// Label returns the text that the app shows next to the issuer. If it is nil,
	// the text is the e-mail address.
	Label func(storage.User) string
}

// Method implements factor.Method for authenticator apps.
type Method struct{ c Config }

const purpose = "totp"

// New returns a Method. It returns an error if c is invalid.
func New(c Config) (*Method, error) {
	if c.Window == 0 {
		c.Window = Period
	}
	if c.Window < 0 {
		return nil, errors.New("totp: window must not be negative")
	}
	if strings.TrimSpace(c.Issuer) == "" {
		return nil, errors.New("totp: issuer must not be empty")
	}
	if c.Label == nil {
		c.Label = func(u storage.User) string { return u.Email }
	}
	return &Method{c}, nil
}

// Channel returns "", because nothing is sent.
func (m *Method) Channel() string { return "" }

// Send does nothing.
func (m *Method) Send(context.Context, factor.Transaction, string) error { return nil }

// BeginEnroll makes a new secret for each draft. The client cannot choose it.
func (m *Method) BeginEnroll(
	_ context.Context, t factor.Transaction, _ string, d *storage.Draft,
) (*factor.EnrollmentSecret, error) {
	p := Parameters{Secret: make([]byte, SecretSize), Digits: Size, Period: Period}
	rand.Read(p.Secret) // never fails: crypto/rand aborts the program instead
	sealed, err := m.seal(p, t.User.ID, d.FactorID)
	if err != nil {
		return nil, err
	}
	d.Secret = sealed
	d.Destination = ""
	return m.shown(t.User, p.Secret), nil
}

// Show implements factor.Shower.
func (m *Method) Show(t factor.Transaction, d storage.Draft) (*factor.EnrollmentSecret, error) {
	p, _, err := m.open(d.UserID, d.FactorID, d.Secret)
	if err != nil {
		return nil, err
	}
	return m.shown(t.User, p.Secret), nil
}

func (m *Method) shown(u storage.User, secret []byte) *factor.EnrollmentSecret {
	b32 := encode(secret)
	label := m.c.Label(u)
	uri := URI(m.c.Issuer, label, b32)
	return &factor.EnrollmentSecret{
		Key: group(b32), B32Key: b32, Username: label, Issuer: m.c.Issuer, URI: uri,
		QR: func() template.URL { return QR(uri) },
	}
}

// FinishEnroll checks the first code and marks its step as spent (R30).
func (m *Method) FinishEnroll(_ context.Context, _ factor.Transaction, d storage.Draft,
	code string) (storage.Factor, error) {
	p, _, err := m.open(d.UserID, d.FactorID, d.Secret)
	if err != nil {
		return storage.Factor{}, err
	}
	step, err := m.match(p, code)
	if err != nil {
		return storage.Factor{}, err
	}
	f := factor.FromDraft(d)
	f.LastStep = step
	return f, nil
}

// Verify accepts a code whose step is newer than every accepted step. It compares
// the step, not the text that was typed.
func (m *Method) Verify(ctx context.Context, _ factor.Transaction, f storage.Factor, code string) error {
	p, stale, err := m.open(f.UserID, f.ID, f.Secret)
	if err != nil {
		return err
	}
	step, err := m.match(p, code)
	if err != nil {
		return err
	}
	switch err := m.c.Factors.AdvanceStep(ctx, f.ID, step, m.c.Now()); {
	case errors.Is(err, storage.ErrUsed):
		return factor.ErrReplayed
	case errors.Is(err, storage.ErrNotFound):
		return factor.ErrWrong
	case err != nil:
		return err
	}
	if stale {
		m.reseal(ctx, f, p)
	}
	return nil
}

// Compare implements factor.Comparer. If an older key sealed the secret, it returns
// factor.ErrSecret, so that the caller uses Verify, which seals the secret again.
func (m *Method) Compare(f storage.Factor, code string) (step int64, err error) {
	p, stale, err := m.open(f.UserID, f.ID, f.Secret)
	if err != nil {
		return 0, err
	}
	if stale {
		return 0, factor.ErrSecret
	}
	if step, err = m.match(p, code); err == nil && step <= f.LastStep {
		err = factor.ErrReplayed
	}
	return step, err
}

// reseal seals the secret with the newest key. If that fails, the old key still
// opens the secret, and the next sign-in tries again.
func (m *Method) reseal(ctx context.Context, f storage.Factor, p Parameters) {
	if sealed, err := m.seal(p, f.UserID, f.ID); err == nil {
		_ = m.c.Factors.Reseal(ctx, f.ID, f.Secret, sealed)
	}
}

func (m *Method) match(p Parameters, code string) (int64, error) {
	digits, err := factor.Digits(code, p.Digits)
	if err != nil {
		return 0, err
	}
	steps := m.steps(p)
	step, ok := p.match(digits, m.c.Now(), steps, steps)
	if !ok {
		return 0, factor.ErrWrong
	}
	return step, nil
}

// steps returns the number of accepted steps before and after the current one.
func (m *Method) steps(p Parameters) int {
	if m.c.Window >= Period {
		return max(m.c.Window/p.Period, 1) // at least one step each way, also for a period of a minute
	}
	return m.c.Window / p.Period
}

// Newest returns the newest step whose code could have been accepted by now.
func (m *Method) Newest(p Parameters) int64 { return p.StepAt(m.c.Now()) + int64(m.steps(p)) }

// Opens returns nil if the factor's secret can be decrypted. It changes nothing.
func (m *Method) Opens(f storage.Factor) error {
	_, _, err := m.open(f.UserID, f.ID, f.Secret)
	return err
}

// owner returns the text that binds a sealed secret to its row. A secret that is
// copied to another user's row, or to another factor of the same user, does not
// open (R34).
func owner(userID, factorID string) string { return userID + "/" + factorID }

func encode(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// group writes a base32 key in groups of four characters.
func group(b32 string) string {
	var b bytes.Buffer
	for i, c := range []byte(b32) {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(c)
	}
	return b.String()
}
