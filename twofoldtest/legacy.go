package twofoldtest

import (
	"context"
	"sync"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/password"
)

// formerSystem replaces the system that accounts come from. It has the accounts added by tell, by
// identity. Their password is Password.
type formerSystem struct {
	mu    sync.Mutex
	knows map[string]password.LegacyAccount
}

// CheckPassword implements password.Legacy.
func (f *formerSystem) CheckPassword(_ context.Context, identity, plain string) (password.LegacyAccount, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	there, ok := f.knows[identity]
	return there, ok && plain == Password, nil
}

// tell adds an account with an identity and an address.
func (f *formerSystem) tell(typed, email string, proven bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.knows[typed] = password.LegacyAccount{Email: email, Proven: proven}
}

// formerStates returns the states of users of the former system, and of one who claims another
// user's address there.
func formerStates(k *Kit) []state {
	if k.former == nil || k.config.Users != nil || k.config.Accounts.MagicLink {
		return nil
	}
	enters := func(typed string) *Browser {
		b := k.NewBrowser()
		b.enter(typed, Password, "", nil)
		return b
	}
	comes := func(proven bool) *Browser {
		email := k.address("comes")
		k.former.tell(email, email, proven)
		return enters(email)
	}
	waits := func() string {
		email := k.address("waits")
		n := twofold.NewUser{Email: email, PasswordHash: password.AskLegacy, Roles: k.Roles}
		if k.config.Accounts.UsernameRequired {
			n.Username = username(email)
		}
		if _, err := k.Auth.CreateUser(k.t.Context(), n); err != nil {
			k.t.Fatal(err)
		}
		return email
	}
	claims := func(email string, proven bool) *Browser {
		typed := k.address("claims")
		k.former.tell(typed, email, proven)
		return enters(typed)
	}
	return []state{
		{name: "someone of the former system", open: func() *Browser { return comes(true) }},
		{name: "someone of the former system, whose address was not proven",
			open: func() *Browser { return comes(false) }},
		{name: "an account that waits for the former system", open: func() *Browser {
			email := waits()
			k.former.tell(email, email, false)
			return enters(email)
		}},
		{name: "an account that waits, whose address is claimed in the former system", open: func() *Browser {
			return claims(waits(), false)
		}},
		{name: "an account whose address is claimed in the former system", open: func() *Browser {
			k.Clock.Move(time.Minute)
			email := k.address("claimed")
			k.User(email, k.Roles...)
			return claims(email, true)
		}},
		{name: "an account with a second factor, whose address is claimed in the former system", open: func() *Browser {
			email, _ := k.someone("claimed")
			return claims(email, true)
		}},
	}
}
