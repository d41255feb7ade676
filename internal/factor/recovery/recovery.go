package recovery

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

const (
	size  = 10 // random bytes of a code: 80 bits, where NIST SP 800-63B-4 section 4.2.1.1 asks for 64
	chars = 16 // as base32
	group = 4
)

// alphabet is that of RFC 4648 in lower case. It has no 0, 1, 8 or 9, which could
// be mistaken for letters.
var alphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Config configures Codes.
type Config struct {
	Codes  storage.RecoveryCodes
	Keys   *seal.Keys
	Ring   *seal.Ring    // seals the forms of imported codes
	Number int           // of codes in a set
	Life   time.Duration // of a code; unlimited if zero
	Now    func() time.Time
}

// Codes makes and spends recovery codes.
type Codes struct{ c Config }

// New returns Codes. It returns an error if c is invalid.
func New(c Config) (*Codes, error) {
	if c.Number < 0 || c.Life < 0 {
		return nil, errors.New("recovery: number and lifetime must not be negative")
	}
	return &Codes{c}, nil
}

// Make returns a new set of codes for a user: the codes to show once, and the
// hashes to store.
func (c *Codes) Make(userID string) (shown []string, macs [][]byte) {
	for range c.c.Number {
		raw := make([]byte, size)
		rand.Read(raw) // never fails: crypto/rand aborts the program instead
		code := alphabet.EncodeToString(raw)
		shown = append(shown, spread(code))
		macs = append(macs, c.c.Keys.MAC(purpose, userID, code))
	}
	return shown, macs
}

const purpose = "recovery"

// spread writes a code in groups of four characters.
func spread(code string) string {
	var b strings.Builder
	for i := 0; i < len(code); i += group {
		if i > 0 {
			b.WriteByte('-')
		}
		b.WriteString(code[i : i+group])
	}
	return b.String()
}

// Looks reports whether a string could be a code that Make returns.
func (c *Codes) Looks(typed string) bool {
	_, ok := normal(typed)
	return ok
}

// Reads reports whether a string could be a code of the user. Other text does not
// count as a guess. Imported codes may have sizes other than Make's.
func (c *Codes) Reads(ctx context.Context, userID, typed string) (bool, error) {
	if _, own := normal(typed); own || !looksForeign(typed) {
		return own, nil
	}
	foreign, err := c.c.Codes.ForeignCodes(ctx, userID)
	return len(foreign) > 0, err
}

// normal returns a code in its stored form: without spaces and dashes, in lower
// case. Every function normalizes a code first, so a spent code has no second
// spelling (R71).
func normal(typed string) (string, bool) {
	if len(typed) > 8*chars {
		return "", false
	}
	code := factor.Bare(typed)
	for _, r := range code {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '2' || r > '7') {
			return "", false
		}
	}
	return strings.ToLower(code), len(code) == chars
}

// Holds returns factor.ErrWrong if the user does not have this code. It does not
// spend the code.
func (c *Codes) Holds(ctx context.Context, userID, typed string) error {
	macs, err := c.macs(ctx, userID, typed)
	if err != nil {
		return err
	}
	ok, err := c.c.Codes.HasRecoveryCode(ctx, userID, macs, c.since())
	if err == nil && !ok {
		err = factor.ErrWrong
	}
	return err
}

// Spend removes the code from the user's set and returns the number of codes left.
// Only one caller can spend a code; others get factor.ErrWrong. The messages are
// stored in the same transaction.
func (c *Codes) Spend(ctx context.Context, userID, typed string, messages ...storage.Message) (int, error) {
	macs, err := c.macs(ctx, userID, typed)
	if err != nil {
		return 0, err
	}
	left, err := c.c.Codes.SpendRecoveryCode(ctx, userID, macs, c.since(), messages...)
	if errors.Is(err, storage.ErrUsed) {
		err = factor.ErrWrong
	}
	return left, err
}

// Left returns the number of codes that the user has left.
func (c *Codes) Left(ctx context.Context, userID string) (int, error) {
	return c.c.Codes.RecoveryCodesLeft(ctx, userID, c.since())
}

// macs returns the hashes under which a code may be stored: one for each key of
// this site, and those of the imported codes that it matches.
func (c *Codes) macs(ctx context.Context, userID, typed string) ([][]byte, error) {
	code, own := normal(typed)
	if !own && !looksForeign(typed) {
		return nil, factor.ErrWrong
	}
	var macs [][]byte
	if own {
		macs = c.c.Keys.MACs(purpose, userID, code)
	}
	foreign, err := c.c.Codes.ForeignCodes(ctx, userID)
	if err != nil {
		return nil, err
	}
	more, err := c.foreign(userID, typed, foreign)
	if err != nil {
		return nil, err
	}
	if macs = append(macs, more...); len(macs) == 0 {
		return nil, factor.ErrWrong
	}
	return macs, nil
}

// since returns the time before which codes have expired.
func (c *Codes) since() time.Time {
	if c.c.Life == 0 {
		return time.Time{}
	}
	return c.c.Now().Add(-c.c.Life)
}
