package howto_test

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/password/breach"
	"github.com/twofold-auth/twofold/password/strength"
	"github.com/twofold-auth/twofold/twofoldtest"
)

// passwords asks for long passwords that are hard to guess and were not published.
func passwords(log *slog.Logger) (twofold.Password, error) {
	strong, err := strength.New(3)
	if err != nil {
		return twofold.Password{}, err
	}
	unpublished, err := breach.New(breach.Config{Log: log})
	if err != nil {
		return twofold.Password{}, err
	}
	return twofold.Password{
		MinLength: 15,
		Slots:     2, // two hashes at a time, about 40 MiB
		Checkers:  []password.Checker{strong, unpublished},
	}, nil
}

// strict leaves strangers fewer guesses, and spends less on messages.
var strict = twofold.Limits{
	FirstFailures: 5,               // wrong passwords of one network before it waits
	FirstMaxHold:  2 * time.Hour,   // the longest wait
	SendDay:       5,               // codes a day to one destination that no one answers
	SendHour:      500,             // messages an hour and channel
	RegisterHour:  5,               // registrations an hour from one network
	SendGap:       1 * time.Minute, // between two codes of one sign-in
}

func TestPasswordsAndLimitsAreStrict(t *testing.T) {
	p, err := passwords(slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	p.Checkers = p.Checkers[:1] // no test asks another site
	k := twofoldtest.New(t, twofold.Config{
		Password: p, Accounts: twofold.Accounts{Registerable: true}, Advanced: twofold.Advanced{Limits: strict},
	})
	k.Serve(http.NotFoundHandler())
	chosen := map[string]int{"tr0ub4dor&3xyz": 400, "aaaaaaaaaaaaaaaaaaaa": 400, "walking a dog by the canal": 200}
	for plain, want := range chosen {
		form := map[string]any{"email": "new@example.org", "password": plain, "password_confirm": plain}
		if a := k.NewBrowser().Post("/register", form); a.Status != want {
			t.Errorf("%s: %d %s", plain, a.Status, a.Body)
		}
	}
	k.User("ada@example.org")
	b := k.NewBrowser()
	var a twofoldtest.Answer
	for range strict.FirstFailures + 1 {
		a = b.Post("/login", map[string]any{"email": "ada@example.org", "password": "wrong"})
	}
	if a.Status != http.StatusTooManyRequests {
		t.Errorf("after %d wrong passwords: %d %s", strict.FirstFailures, a.Status, a.Body)
	}
	if err := k.Auth.Unlock(t.Context(), k.User("ada@example.org").ID); err != nil {
		t.Fatal(err)
	}
	k.LoginAs("ada@example.org", 1)
}
