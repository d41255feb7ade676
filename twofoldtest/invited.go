package twofoldtest

import (
	"encoding/json"
	"fmt"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
)

// inviteStates returns the states of invited users.
func inviteStates(k *Kit) []state {
	if !k.has("/tf-invite/{token}") {
		return nil
	}
	invited := func() (b *Browser, path string) {
		k.t.Helper()
		b, email := k.NewBrowser(), k.address("invited")
		n := twofold.NewUser{Email: email, Roles: k.Roles}
		if k.config.Accounts.UsernameRequired {
			n.Username = fmt.Sprint("invited", k.people)
		}
		if _, err := k.Auth.Invitations().Send(k.t.Context(), n); err != nil {
			k.t.Fatal(err)
		}
		return b, k.at("/tf-invite") + "/" + b.mailed(email, "/tf-invite")
	}
	p := k.config.Passkeys
	if k.has("/wan-register") && p != nil && p.FirstFactor && !k.config.Accounts.MagicLink {
		return append(typedInvites(k, invited), keyInvites(k, invited)...)
	}
	return typedInvites(k, invited)
}

// keyInvites returns the states of invited users who register a passkey instead of a password.
func keyInvites(k *Kit, invited func() (*Browser, string)) []state {
	asked := func() (b *Browser, path string, answer func(lies ...softkey.Lie) fields) {
		k.t.Helper()
		b, path = invited()
		a := b.Post(path, fields{"passkey": true})
		b.must("question", a)
		options, err := json.Marshal(a.Response["credential_options"])
		if err != nil {
			k.t.Fatal(err)
		}
		return b, path, func(lies ...softkey.Lie) fields {
			made, err := k.softKey().Create(options, lies...)
			if err != nil {
				k.t.Fatal(err)
			}
			return fields{"wan_state": a.Response["wan_state"], "credential": made}
		}
	}
	return []state{
		{name: "an invitation for which a passkey was asked, and none made", open: func() *Browser {
			b, _, _ := asked()
			return b
		}},
		{name: "an invitation accepted by a passkey that is one factor", open: func() *Browser {
			b, path, answer := asked()
			b.must("accept", b.Post(path, answer(softkey.Clear(softkey.UV))))
			return b
		}},
		{name: "an invitation answered by a passkey of another site", open: func() *Browser {
			b, path, answer := asked()
			b.Post(path, answer(softkey.Say("origin", "https://other.test")))
			return b
		}},
		{name: "an invitation answered by the passkey of another one", open: func() *Browser {
			_, _, answer := asked()
			b, path, _ := asked()
			b.Post(path, answer())
			return b
		}},
	}
}

// typedInvites returns the states of invited users who choose a password.
func typedInvites(k *Kit, invited func() (*Browser, string)) []state {
	typed := fields{"password": Password, "password_confirm": Password}
	return []state{
		{name: "an invitation opened and not accepted", open: func() *Browser {
			b, path := invited()
			b.Page(path)
			b.Get(path)
			return b
		}},
		{name: "an invitation accepted", open: func() *Browser {
			b, path := invited()
			b.must("accept", b.Post(path, typed))
			return b
		}},
		{name: "an invitation that was accepted in another browser", open: func() *Browser {
			b, path := invited()
			k.NewBrowser().must("accept", k.NewBrowser().Post(path, typed))
			b.Post(path, typed)
			return b
		}},
	}
}
