package onetime

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

const (
	size  = 6 // digits: about 20 bits, the floor of NIST SP 800-63B-4 section 3.1.3.2
	tries = 5 // wrong codes that a challenge allows
)

// Code is a code to be sent to a user.
type Code struct {
	Channel     string
	Destination string
	Code        string
	Purpose     factor.Purpose
	User        storage.User
	Locale      string
	Life        time.Duration
	ExpiresAt   time.Time
	Link        string // token of the link that can be used in place of the code; optional
}

// Sender renders and delivers a code. It is called once for each code and must not
// store it.
type Sender func(ctx context.Context, c Code) error

// Config configures a Method.
type Config struct {
	Channel    string // storage.SMS or storage.Email
	Challenges storage.Challenges
	Factors    storage.FactorUses
	Keys       *seal.Keys
	Send       Sender
	Life       time.Duration // of a code
	Region     string        // for numbers without country code, e.g. "US"
	Possible   bool          // accept numbers in unknown ranges
	Countries  []string      // regions to which text messages are sent; all if empty
	Now        func() time.Time
}

// Method implements factor.Method with codes that are sent through one channel.
type Method struct{ c Config }

// New returns a Method. It returns an error if c is invalid.
func New(c Config) (*Method, error) {
	if c.Life <= 0 {
		return nil, errors.New("onetime: the lifetime of a code must be positive")
	}
	if c.Channel != storage.SMS && c.Channel != storage.Email {
		return nil, errors.New("onetime: channel must be sms or email")
	}
	return &Method{c}, nil
}

// Channel implements factor.Method.
func (m *Method) Channel() string { return m.c.Channel }

// BeginEnroll sets the destination of the draft. For SMS, it is the phone number
// that was entered. For e-mail, it is always the stored address of the account,
// whatever was entered (R45).
func (m *Method) BeginEnroll(
	_ context.Context, t factor.Transaction, destination string, d *storage.Draft,
) (*factor.EnrollmentSecret, error) {
	d.Secret = nil
	if m.c.Channel == storage.Email {
		d.Destination = t.User.Email
		return nil, nil
	}
	number, err := ParsePhone(destination, m.c.Region, m.c.Possible)
	if err == nil && !m.served(number) {
		err = &factor.DestinationError{Reason: factor.NotServed}
	}
	if err != nil {
		return nil, err
	}
	d.Destination = number
	return nil, nil
}

// Send makes a new code, stores its hash and sends it. If the code cannot be sent,
// it becomes invalid.
func (m *Method) Send(ctx context.Context, t factor.Transaction, destination string) error {
	// A code without a user is a decoy and is not sent.
	if destination == "" || m.c.Channel == storage.SMS && t.User.ID != "" && !m.served(destination) {
		return factor.ErrSend
	}
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000)) // uniform, with leading zeros
	if err != nil {
		return err
	}
	code := fmt.Sprintf("%0*d", size, n)
	now := m.c.Now()
	expires := now.Add(m.c.Life)
	err = m.c.Challenges.PutChallenge(ctx, storage.Challenge{
		Key: t.Key(), UserID: t.User.ID, Channel: m.c.Channel, Destination: destination,
		MAC:   m.c.Keys.MAC("code", m.binding(t, destination, code)...),
		Tries: tries, CreatedAt: now, ExpiresAt: expires,
	})
	if err != nil {
		return err
	}
	link := ""
	if t.Link != nil {
		link, err = t.Link(code)
	}
	if err == nil {
		err = m.c.Send(ctx, Code{
			Channel: m.c.Channel, Destination: destination, Code: code, Purpose: t.Purpose,
			User: t.User, Locale: t.Locale, Life: m.c.Life, ExpiresAt: expires, Link: link,
		})
	}
	if err != nil {
		// The code must become invalid even if the caller's context has ended.
		_ = m.c.Challenges.DropChallenge(context.WithoutCancel(ctx), t.Key())
		return fmt.Errorf("%w: %w", factor.ErrSend, err)
	}
	return nil
}

// FinishEnroll spends the code that was sent to the draft's destination.
func (m *Method) FinishEnroll(ctx context.Context, t factor.Transaction, d storage.Draft,
	code string) (storage.Factor, error) {
	if err := m.Try(ctx, t, d.Destination, code); err != nil {
		return storage.Factor{}, err
	}
	return factor.FromDraft(d), nil
}

// Verify spends the code that was sent to the factor's destination.
func (m *Method) Verify(ctx context.Context, t factor.Transaction, f storage.Factor, code string) error {
	if err := m.Try(ctx, t, f.Destination, code); err != nil {
		return err
	}
	if err := m.c.Factors.MarkUsed(ctx, f.ID, m.c.Now()); errors.Is(err, storage.ErrNotFound) {
		return factor.ErrWrong // the factor was removed in the meantime
	} else if err != nil {
		return err
	}
	return nil
}

// Try spends a code that was sent to destination for the transaction. It returns
// ErrWrong if the code is not valid.
func (m *Method) Try(ctx context.Context, t factor.Transaction, destination, code string) error {
	digits, err := factor.Digits(code, size)
	if err != nil || destination == "" {
		return factor.ErrWrong
	}
	macs := m.c.Keys.MACs("code", m.binding(t, destination, digits)...)
	err = m.c.Challenges.TryChallenge(ctx, t.Key(), macs, m.c.Now())
	if errors.Is(err, storage.ErrWrong) || errors.Is(err, storage.ErrNotFound) {
		return factor.ErrWrong
	}
	return err
}

// binding returns everything to which a code is bound. If any of it changes, the
// code is wrong (R43, R44).
func (m *Method) binding(t factor.Transaction, destination, code string) []string {
	return []string{string(t.Purpose), t.ID, t.User.ID, t.User.CredentialVersion, m.c.Channel, destination, code}
}
