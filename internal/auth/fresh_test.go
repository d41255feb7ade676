package auth

import (
	"errors"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// TestFreshnessIsExact checks that a proof counts for less than the limit, however the clock was
// moved, and that a trusted device's proof never counts.
func TestFreshnessIsExact(t *testing.T) {
	d := newDesk(t)
	d.c.Factors, d.c.Policy.Freshness = d.db, 15*time.Minute
	made := d.now
	session := storage.Session{Level: storage.TwoFactors, FreshAt: made,
		Proofs: []storage.Proof{{Method: "password", At: made}}}
	trusted, never, old := session, session, session
	trusted.Trusted, never.FreshAt, old.Proofs = true, time.Time{}, nil
	check := func(after time.Duration, s storage.Session, fresh, recent bool) {
		t.Helper()
		d.now = made.Add(after)
		who := Principal{User: d.user, Session: s}
		for what, c := range map[string]struct {
			err  error
			want bool
		}{
			"fresh":  {d.Reauth.RequireFresh(t.Context(), who, d.c.Policy.Freshness), fresh},
			"recent": {d.Reauth.RequireRecent(who), recent},
		} {
			if (c.err == nil) != c.want || c.err != nil && !errors.Is(c.err, ErrReauthenticate) {
				t.Errorf("%v after %+v, %s: %v", after, s, what, c.err)
			}
		}
	}
	check(0, session, true, true)
	check(15*time.Minute-1, session, true, true)
	check(15*time.Minute, session, false, false)
	check(-15*time.Minute+1, session, true, true)
	check(-15*time.Minute-1, session, false, false)
	check(0, trusted, false, true)
	check(0, never, false, true)
	check(0, old, true, false)
	d.c.Policy.OnlyVerifyIsFresh = true
	check(time.Minute, session, false, true)
	check(time.Minute-1, session, true, true)
	d.c.Policy.Freshness = -1
	check(time.Hour, session, true, true)
	check(time.Hour, never, true, true)
	check(time.Hour, trusted, false, true)
	who := Principal{User: d.user, Session: session, Program: &storage.Token{}}
	if d.Reauth.RequireFresh(t.Context(), who, -1) == nil || d.Reauth.RequireRecent(who) == nil {
		t.Error("a program has proven something")
	}
}
