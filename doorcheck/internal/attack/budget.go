package attack

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// guesses is the maximum number of consecutive wrong answers for an account (NIST SP 800-63B-4,
// section 3.2.2).
const guesses = 100

// perSignIn is the number of guesses before an attacker signs in again.
const perSignIn = 4

// budgets lists attacks with unlimited guesses, and attacks that use the limits to lock out the
// owner.
func budgets() []Attack {
	const g, l = "Guessing", "Lock-out"
	return []Attack{
		{"guess-code", g, "guesses codes of the app in one sign-in: 100 wrong ones, then the right one", guessCode},
		{"guess-code-spread", g, "guesses codes over 25 sign-ins and client addresses", guessCodeSpread},
		{"guess-recovery", g, "guesses recovery codes over 25 sign-ins and client addresses", guessRecovery},
		{"guess-mailcode", g, "guesses a mailed code: 100 wrong ones, then the right one", guessMailcode},
		{"guess-password", g, "guesses passwords of one account, each from another client address", guessPassword},
		{
			"lockout-password", l,
			"gives 100 wrong passwords so that the owner cannot get in, in a browser they have used before",
			lockoutPassword,
		},
		{"lockout-session", l, "gives 100 wrong passwords so that the owner's open session ends", lockoutSession},
	}
}

// spread distributes the guesses over many sign-ins, each from its own address.
func (t *Try) spread(p *Person, guess func(b *door.Browser, i int)) {
	for i := 0; i < guesses; i += perSignIn {
		b := t.browser()
		if _, ok := t.attempt(b, door.Login, door.In{Email: p.Email, Password: p.Password}); !ok {
			t.refused("the password is refused after %d wrong codes", i)
		}
		for n := range perSignIn {
			guess(b, i+n)
		}
	}
}

func (t *Try) wrongPasswords(p *Person) {
	for i := range guesses {
		t.attempt(t.browser(), door.Login, door.In{Email: p.Email, Password: fmt.Sprintf("wrong horse %d battery", i)})
	}
}

// alike returns the n-th wrong code of the same form. It uses the letters and digits of the given
// codes, because some sites do not count malformed codes.
func alike(codes []string, n int) string {
	var pool []byte
	for _, c := range []byte(strings.Join(codes, "")) {
		if plain(c) && !slices.Contains(pool, c) {
			pool = append(pool, c)
		}
	}
	out := []byte(codes[0])
	for i, c := range out {
		if plain(c) {
			out[i] = pool[(n+slices.Index(pool, c)+1)%len(pool)]
			n /= len(pool)
		}
	}
	return string(out)
}

func plain(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// guessCode guesses codes of the app in one sign-in: 100 wrong codes, then the right one.
func guessCode(t *Try) {
	p := t.protected()
	b := t.first(p)
	for i := range 2 {
		t.attempt(b, door.Code, door.In{Code: p.App.Wrong(i)})
	}
	t.must(b, door.Code, door.In{Code: p.App.Next()})
	t.honest(t.inside(b) == p.Email, "two wrong codes lock the owner out")
	p = t.protected()
	b = t.first(p)
	for i := range guesses {
		b.From = t.address()
		t.attempt(b, door.Code, door.In{Code: p.App.Wrong(i)})
	}
	b.From = t.address()
	t.attempt(b, door.Code, door.In{Code: p.App.Next()})
	t.worksIf(t.inside(b) == p.Email, "the right code is taken after %d wrong ones", guesses)
}

// guessCodeSpread guesses codes over 25 sign-ins and client addresses.
func guessCodeSpread(t *Try) {
	p := t.protected()
	t.spread(p, func(b *door.Browser, i int) { t.attempt(b, door.Code, door.In{Code: p.App.Wrong(i)}) })
	b := t.browser()
	t.attempt(b, door.Login, door.In{Email: p.Email, Password: p.Password})
	t.attempt(b, door.Code, door.In{Code: p.App.Next()})
	t.worksIf(t.inside(b) == p.Email, "the right code is taken after %d wrong ones", guesses)
}

// guessRecovery guesses recovery codes over 25 sign-ins and client addresses.
func guessRecovery(t *Try) {
	p, codes := t.withCodes()
	b := t.first(p)
	t.must(b, door.UseCode, door.In{Code: codes[0]})
	t.honest(t.inside(b) == p.Email, "a recovery code does not let the owner in")
	t.spread(p, func(b *door.Browser, i int) {
		t.attempt(b, door.UseCode, door.In{Code: alike(codes, i)})
	})
	b = t.browser()
	t.attempt(b, door.Login, door.In{Email: p.Email, Password: p.Password})
	t.attempt(b, door.UseCode, door.In{Code: codes[1]})
	t.worksIf(t.inside(b) == p.Email, "the right code is taken after %d wrong ones", guesses)
}

// guessMailcode guesses a mailed code: 100 wrong codes, then the right one.
func guessMailcode(t *Try) {
	p := t.mailedOwner()
	past := t.mails(p.Email)
	b := t.first(p)
	t.must(b, door.AskMailCode, door.In{})
	code := t.mailedCode(p.Email, past, 10*time.Second)
	t.honest(code != "", "no code was mailed")
	for i := range guesses {
		b.From = t.address()
		if wrong := fmt.Sprintf("%06d", 111111+i); wrong != code {
			t.attempt(b, door.UseMailCode, door.In{Code: wrong})
		}
	}
	b.From = t.address()
	t.attempt(b, door.UseMailCode, door.In{Code: code})
	t.worksIf(t.inside(b) == p.Email, "the right code is taken after %d wrong ones", guesses)
}

// guessPassword guesses the password of one account, each time from another client address.
func guessPassword(t *Try) {
	p := t.person()
	t.signIn(p)
	t.wrongPasswords(p)
	b := t.browser()
	t.attempt(b, door.Login, door.In{Email: p.Email, Password: p.Password})
	t.worksIf(t.inside(b) == p.Email, "the right password is taken after %d wrong ones", guesses)
}

// lockoutPassword sends 100 wrong passwords to lock the owner out of a browser that they have used
// before.
func lockoutPassword(t *Try) {
	p := t.protected()
	b := t.signIn(p)
	t.must(b, door.Logout, door.In{})
	t.wrongPasswords(p)
	t.attempt(b, door.Login, door.In{Email: p.Email, Password: p.Password})
	t.attempt(b, door.Code, door.In{Code: p.App.Next()})
	t.worksIf(t.inside(b) != p.Email, "the owner is locked out")
}

// lockoutSession sends 100 wrong passwords to end the owner's session.
func lockoutSession(t *Try) {
	p := t.person()
	b := t.signIn(p)
	t.wrongPasswords(p)
	t.worksIf(t.inside(b) != p.Email, "the session has ended")
}
