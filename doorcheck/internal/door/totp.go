package door

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"time"
)

// App is an authenticator app (RFC 6238 with six digits and 30 seconds). It never returns the same
// code twice, so that regular sign-ins are not refused as replays.
type App struct {
	mu   sync.Mutex
	key  []byte
	last int64
}

// NewApp returns an app for a secret in base32.
func NewApp(secret string) (*App, error) {
	plain := strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "=", "").Replace(secret))
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(plain)
	if err != nil {
		return nil, fmt.Errorf("the secret of the app: %w", err)
	}
	return &App{key: key}, nil
}

// Next returns an unused code. Most sites also accept codes of the steps before and after the
// current one; if all are used, Next waits.
func (a *App) Next() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for {
		now := time.Now()
		step := now.Unix() / 30
		if left := 30 - now.Unix()%30; left <= 4 { // the step before would be too old in a moment
			time.Sleep(time.Duration(left) * time.Second)
			continue
		}
		next := max(a.last+1, step-1)
		if next <= step+1 {
			a.last = next
			return a.at(next)
		}
		time.Sleep(time.Duration(31-now.Unix()%30) * time.Second)
	}
}

// Wrong returns the n-th code that is not valid now.
func (a *App) Wrong(n int) string {
	step := time.Now().Unix() / 30
	good := map[string]bool{}
	for i := int64(-5); i <= 5; i++ {
		good[a.at(step+i)] = true
	}
	for code := 100000 + n*7919%800000; ; code++ {
		if c := fmt.Sprintf("%06d", code%1000000); !good[c] {
			return c
		}
	}
}

// Clock verifies the codes of an app, as a site does.
type Clock struct{ app *App }

// NewSecret returns a new secret for an app.
func NewSecret() string { return rand.Text()[:24] }

// NewClock returns a clock for a secret of NewSecret.
func NewClock(secret string) *Clock {
	a, err := NewApp(secret)
	if err != nil {
		return nil
	}
	return &Clock{a}
}

// Takes reports whether a code is that of the current step or of a step next to it.
func (c *Clock) Takes(code string) bool {
	step := time.Now().Unix() / 30
	return code == c.app.at(step-1) || code == c.app.at(step) || code == c.app.at(step+1)
}

func (a *App) at(step int64) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step))
	mac := hmac.New(sha1.New, a.key)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1000000)
}
