package model_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/store"
)

// Sign-in with a former system that provides no hashes. The library sends it the password at the
// first sign-in. An operator may have created an account that waits for this sign-in; otherwise the
// sign-in creates one. One person has a different address there, and an attacker may enter any
// address in their profile there.

// The accounts of the former system by their names there.
var (
	movers = []string{"ida@old.test", "jon@old.test"} // accounts here wait for them
	comers = []string{"gil@old.test", "hal@old.test"} // the second one's address was never proven there
	former = []string{comers[0], comers[1], claimant, claimant}
)

// claimant signs in with this address and claims another one.
const claimant = "mallory@old.test"

func init() {
	asks["arrive"] = (*turn).arrive
}

// oldSystem answers for these accounts. Every password is passwords[0].
type oldSystem struct {
	mu     sync.Mutex
	claims password.LegacyAccount // of the claimant
}

// CheckPassword implements password.Legacy.
func (o *oldSystem) CheckPassword(_ context.Context, identity, plain string) (password.LegacyAccount, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case plain != passwords[0]:
		return password.LegacyAccount{}, false, nil
	case identity == claimant:
		return o.claims, true, nil
	}
	at := slices.Index(slices.Concat(movers, comers), identity)
	return password.LegacyAccount{Email: identity, Proven: identity != comers[1]}, at >= 0, nil
}

func (o *oldSystem) tells(claims password.LegacyAccount) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.claims = claims
}

// waits reports whether the password of an account is in the former system, because none was set
// here since the account was created.
func (a *account) waits() bool { return a.waiting && a.hashes == 0 }

// await is an operator's step: an account waits for the former system.
func (w *world) await(s step) error {
	email := movers[s.n%len(movers)]
	if len(w.accounts) >= mostPeople {
		return nil
	}
	u, err := w.auth.CreateUser(w.context(), twofold.NewUser{Email: email, PasswordHash: password.AskLegacy})
	if w.holder(email) != nil {
		if !errors.Is(err, store.ErrExists) {
			return wrong("an account of %s, who has one: %v", email, err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	a := w.comes(email)
	a.id, a.waiting, a.required = u.ID, true, s.v%2 == 0
	a.isProven()
	w.done["await"]++
	return w.delivered(&want{})
}

// comes adds an account of the former system.
func (m *model) comes(email string) *account {
	m.came++
	a := &account{
		name: fmt.Sprint("former", m.came), email: email, phone: fmt.Sprintf("+1650555%04d", 1600+m.came),
		password: passwords[0], active: true, born: m.now,
	}
	m.accounts = append(m.accounts, a)
	return a
}

// arrive signs in with a person's credentials of the former system.
func (t *turn) arrive() *want {
	w, identity, plain := t.w, former[t.n%len(former)], passwords[0]
	if t.v%9 == 0 {
		plain = passwords[2]
	}
	claims := password.LegacyAccount{Email: t.a.email, Proven: t.v%4 == 1}
	if i := slices.IndexFunc(w.accounts, (*account).waits); i >= 0 && t.v%4 > 0 {
		claims.Email = w.accounts[i].email
	}
	if t.n/4%8 == 0 {
		claims.Email = "other@old.test"
	}
	w.old.tells(claims)
	if identity != claimant {
		claims = password.LegacyAccount{Email: identity, Proven: identity != comers[1]}
		if len(w.accounts) >= mostPeople && w.holder(identity) == nil {
			return nil
		}
	}
	t.q.form = false
	t.post("/login", map[string]any{"email": identity, "password": plain, "remember": t.flag})
	w.former = t.cookie
	if of := w.holder(identity); of != nil { // then the former system has no say
		return w.login(t.who, of, plain, t.b[deviceCookie], t.flag, t.token)
	}
	return w.arrives(t, identity, plain, claims)
}

// arrives is a sign-in with a name that no account here has. If the former system accepts it, an
// account with that name is created. An existing account with another name is opened only if it
// waits for the former system, which must report the address as proven.
func (m *model) arrives(t *turn, identity, plain string, there password.LegacyAccount) *want {
	if t.who != nil {
		return refused(400)
	}
	guessed := &account{name: "unknown " + fmt.Sprint(slices.Index(former, identity)) + " "}
	key, w := m.firstPlace(guessed, "")
	if w != nil {
		return w
	}
	of, made := m.holder(there.Email), false
	switch {
	case plain != passwords[0]:
		return refused(400)
	case of == nil && identity != there.Email: // it would not be found the next time
		return refused(400)
	case of == nil:
		of, made = m.comes(identity), true
		of.hashes, of.required, of.vouched = 1, t.n%3 == 0, there.Proven
		if of.isProven(); !there.Proven {
			of.unproven, of.never, of.provenAs, of.unconfirmed = true, true, "", !t.w.open
		}
	case !of.waits():
		t.w.done["a claim of an account that is here"]++
		return refused(400)
	case !there.Proven:
		t.w.done["a claim of an account that waits"]++
		return refused(400)
	default:
		of.hashes++
		t.w.done["another name of an account that waits"]++
	}
	delete(m.budgets, key)
	x := refused(400)
	if !of.kept() {
		x = m.gate(of, "password", t.b[deviceCookie], t.flag, t.token)
	}
	if made {
		t.w.done["arrived"]++
		return t.w.learnID(x, of)
	}
	return x
}
