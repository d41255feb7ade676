package factortest_test

import (
	"context"
	"encoding/base32"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/factor/factortest"
	"github.com/twofold-auth/twofold/internal/factor/onetime"
	"github.com/twofold-auth/twofold/internal/factor/totp"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/store/sqlite"
)

func bench(t *testing.T, now *time.Time) *factortest.Bench {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "f.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	u := storage.User{ID: "u", Email: "a@lp.com", EmailKey: "a@lp.com", Active: true, CredentialVersion: "one"}
	if err := db.CreateUser(context.Background(), u); err != nil {
		t.Fatal(err)
	}
	return &factortest.Bench{
		Store: db, User: u, Enroll: func(*factor.EnrollmentSecret) {},
		Later: func() { *now = now.Add(2 * time.Minute) },
	}
}

func TestTOTPKeepsThePromisesOfAMethod(t *testing.T) {
	factortest.Run(t, func(t *testing.T) *factortest.Bench {
		now := time.Unix(1_900_000_000, 0)
		b := bench(t, &now)
		ring, err := seal.NewRing(map[string]string{"1": strings.Repeat("k", 32)})
		if err != nil {
			t.Fatal(err)
		}
		b.Name = storage.Authenticator
		b.Method, err = totp.New(totp.Config{Factors: b.Store, Ring: ring, Issuer: "tests",
			Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		var secret []byte
		b.Enroll = func(s *factor.EnrollmentSecret) {
			secret, _ = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(s.B32Key)
		}
		b.Code = func() string { return totp.Code(totp.SHA1, secret, totp.Step(now), 6) }
		return b
	})
}

func TestSentCodesKeepThePromisesOfAMethod(t *testing.T) {
	for channel, destination := range map[string]string{storage.SMS: "650-555-1212", storage.Email: ""} {
		t.Run(channel, func(t *testing.T) {
			factortest.Run(t, func(t *testing.T) *factortest.Bench {
				now := time.Unix(1_900_000_000, 0)
				b := bench(t, &now)
				keys, err := seal.NewKeys(strings.Repeat("k", 32))
				if err != nil {
					t.Fatal(err)
				}
				last := "000000"
				b.Name, b.Destination, b.Code = channel, destination, func() string { return last }
				b.Method, err = onetime.New(onetime.Config{
					Channel: channel, Challenges: b.Store, Factors: b.Store, Keys: keys, Life: 5 * time.Minute,
					Now:  func() time.Time { return now },
					Send: func(_ context.Context, c onetime.Code) error { last = c.Code; return nil },
				})
				if err != nil {
					t.Fatal(err)
				}
				return b
			})
		})
	}
}
