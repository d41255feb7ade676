package totp

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Parameters are shared by an app and its verifier (RFC 6238 section 1.2).
type Parameters struct {
	Secret    []byte
	Digits    int // 6 to 8
	Period    int // seconds: 30 or 60
	Algorithm Algorithm
}

// MinImported is the minimum length, in bytes, of the key of an app that was set up
// elsewhere. RFC 4226 requires 16, but several systems have always made keys of 10.
// If these were refused, their accounts would lose their second factor.
const MinImported = 10

const maxSecret = 128 // bytes

// check returns an error if the parameters are not supported.
func (p Parameters) check() error {
	switch {
	case len(p.Secret) < MinImported || len(p.Secret) > maxSecret:
		return fmt.Errorf("totp: a key has %d to %d bytes", MinImported, maxSecret)
	case p.Digits < 6 || p.Digits > 8:
		return errors.New("totp: a code has 6 to 8 digits")
	case p.Period != 30 && p.Period != 60:
		return errors.New("totp: a step has 30 or 60 seconds")
	case p.Algorithm < SHA1 || p.Algorithm > SHA512:
		return errors.New("totp: unknown algorithm")
	}
	return nil
}

// own reports whether an app that is set up here could have these parameters.
func (p Parameters) own() bool {
	return len(p.Secret) >= minSecret && p.Digits == Size && p.Period == Period && p.Algorithm == SHA1
}

// StepAt returns the number of the period that contains t.
func (p Parameters) StepAt(t time.Time) int64 { return stepOf(t, p.Period) }

// Code returns the code of a step.
func (p Parameters) Code(step int64) string { return Code(p.Algorithm, p.Secret, step, p.Digits) }

// foreign is the purpose under which parameters of imported apps are sealed. The
// key of an app that was set up here is sealed without parameters under another
// purpose, so neither can be opened as the other.
const foreign = "totp/parameters"

// sealed is the stored form of the parameters of an imported app.
type sealed struct {
	Version   int       `json:"v"`
	Secret    []byte    `json:"secret"`
	Digits    int       `json:"digits"`
	Period    int       `json:"period"`
	Algorithm Algorithm `json:"alg"`
}

// seal returns the parameters sealed for a factor.
func (m *Method) seal(p Parameters, userID, factorID string) ([]byte, error) {
	if p.own() {
		return m.c.Ring.Seal(purpose, owner(userID, factorID), p.Secret)
	}
	raw, err := json.Marshal(sealed{1, p.Secret, p.Digits, p.Period, p.Algorithm})
	if err != nil {
		return nil, err
	}
	return m.c.Ring.Seal(foreign, owner(userID, factorID), raw)
}

// open returns the parameters of a factor. stale reports whether an older key
// sealed them.
func (m *Method) open(userID, factorID string, secret []byte) (p Parameters, stale bool, err error) {
	plain, stale, err := m.c.Ring.Open(purpose, owner(userID, factorID), secret)
	if err == nil {
		return Parameters{Secret: plain, Digits: Size, Period: Period}, stale, nil
	}
	raw, stale, other := m.c.Ring.Open(foreign, owner(userID, factorID), secret)
	if other != nil {
		return Parameters{}, false, factor.SecretError(err)
	}
	var s sealed
	if err := json.Unmarshal(raw, &s); err != nil || s.Version != 1 {
		return Parameters{}, false, factor.SecretError(fmt.Errorf("totp: parameters of version %d", s.Version))
	}
	p = Parameters{s.Secret, s.Digits, s.Period, s.Algorithm}
	if err := p.check(); err != nil {
		return Parameters{}, false, factor.SecretError(err)
	}
	return p, stale, nil
}

// Import seals the parameters of an app that was set up elsewhere into a factor
// whose IDs are set.
func (m *Method) Import(f *storage.Factor, p Parameters) (err error) {
	if err := p.check(); err != nil {
		return err
	}
	f.Secret, err = m.seal(p, f.UserID, f.ID)
	return err
}

// Export returns the parameters of a factor. The error is a factor.ErrSecret.
func (m *Method) Export(f storage.Factor) (Parameters, error) {
	p, _, err := m.open(f.UserID, f.ID, f.Secret)
	return p, err
}

// Reads implements factor.Reader. A code has as many digits as the app shows.
func (m *Method) Reads(f storage.Factor, typed string) bool {
	_, err := factor.Digits(typed, m.Digits(f))
	return err == nil
}

// Digits implements factor.Reader.
func (m *Method) Digits(f storage.Factor) int {
	p, _, err := m.open(f.UserID, f.ID, f.Secret)
	if err != nil {
		return Size // Verify returns the error
	}
	return p.Digits
}
