package twofoldtest

import (
	"slices"

	"github.com/twofold-auth/twofold/federated"
)

// oneThingStates returns the states in which two proofs depend on one thing: a mailbox, a phone or
// a passkey.
func oneThingStates(k *Kit) []state {
	if k.config.Accounts.MagicLink { // the mailbox is the first factor of all users
		return nil
	}
	var out []state
	if k.has("/us-signin") {
		out = append(out, channelTwice(k)...)
	}
	if !noMailRescue(k) && k.has("/reset/{token}") {
		out = append(out, state{name: "one mailbox twice: a reset, and a rescue", open: func() *Browser {
			email, _ := k.someone("twice")
			b, other := k.NewBrowser(), k.NewBrowser()
			other.must("reset", other.Post(k.at("/reset"), fields{"email": email}))
			typed := fields{"password": "a fresh " + Password, "password_confirm": "a fresh " + Password}
			other.must("password", other.Post(k.at("/reset")+"/"+other.mailed(email, "/reset"), typed))
			b.must("first factor", b.enter(email, "a fresh "+Password, "", nil))
			return b.again(email, "email")
		}})
	}
	for _, p := range k.config.Accounts.OAuth {
		out = append(out, siteTwice(k, p)...)
	}
	if p := k.config.Passkeys; k.has("/wan-register") && p.FirstFactor && !p.MultiFactor && !k.mustEnroll() {
		const name = "one passkey twice: it verifies its user, and that is not to count"
		out = append(out, state{name: name, open: func() *Browser {
			key := k.softKey()
			owner := k.oneFactor(k.address("twice"))
			options, path := owner.question("/wan-register", fields{"name": "key", "usage": "first"})
			owner.must("passkey", owner.answer(path)(key.Create(options)))
			b := k.NewBrowser()
			options, path = b.question("/wan-signin", fields{})
			b.must("passkey", b.answer(path)(key.Get(options)))
			return b
		}})
	}
	return out
}

// channelTwice returns the states in which a code replaces the password and another code is sent
// through the same channel, as a second factor or as a rescue.
func channelTwice(k *Kit) (out []state) {
	for _, method := range k.firstMethods() {
		if method == "authenticator" {
			continue
		}
		// half returns a browser that has entered a code. second is the account's only second
		// factor, or empty for an app.
		half := func(second string) (string, *Browser) {
			email, owner := k.someone("twice")
			code := owner.begins(email, method)
			if second != "" {
				owner.setUpSecond(email, second, "+1650555"+four(k.people))
			}
			b := k.NewBrowser()
			b.Post(k.at("/us-signin"), fields{"identity": email, "passcode": code(b)})
			return email, b
		}
		if offersSecond(k, method) {
			name := "one " + thing(method) + " twice: a code, and a second factor"
			out = append(out, state{name: name, open: func() *Browser {
				email, b := half(method)
				return b.again(email, method)
			}})
		}
		if method == "email" && !noMailRescue(k) {
			out = append(out, state{name: "one mailbox twice: a code, and a rescue", open: func() *Browser {
				email, b := half("")
				return b.again(email, method)
			}})
		}
	}
	return out
}

// siteTwice returns the state after a sign-in at an identity provider, followed by a code mailed to
// the account here, because both usually depend on one mailbox.
func siteTwice(k *Kit, p federated.Provider) []state {
	if federated.IsIndependent(p) || !offersSecond(k, "email") {
		return nil
	}
	name := p.Name() + ": one mailbox twice: an account there, and a mailed second factor"
	return []state{{name: name, open: func() *Browser {
		email, owner := k.someone("twice")
		owner.must("connect", owner.Get(owner.leave(toConnect, fromSite, p.Name(), email)))
		owner.setUpSecond(email, "email", "")
		b := k.NewBrowser()
		b.Get(b.leave(toSite, fromSite, p.Name(), email))
		return b.again(email, "email")
	}}}
}

// again requests another code through the same channel, in every possible way, and enters it.
func (b *Browser) again(email, method string) *Browser {
	k := b.k
	k.t.Helper()
	before := k.Mail.Count(email)
	b.Post(k.at("/tf-select"), fields{"which": method})
	b.Post(k.at("/tf-rescue"), fields{"help_setup": "email"})
	b.Post(k.at("/tf-resend"), nil)
	if method == "email" && k.Mail.Count(email) > before {
		b.Post(k.at("/tf-validate"), fields{"code": k.Mail.Code(k.t, email)})
	}
	if method == "sms" {
		b.Post(k.at("/tf-validate"), fields{"code": k.SMS.Code(k.t, "+1650555"+four(k.people))})
	}
	return b
}

// setUpSecond makes a channel the only second factor.
func (b *Browser) setUpSecond(email, method, phone string) {
	k := b.k
	k.t.Helper()
	k.Clock.Move(10 * minute)
	b.must("proof", b.Post(k.at("/verify"), fields{"password": Password}))
	b.must2(email)
	started := b.must("set up", b.Post(k.at("/tf-setup"), fields{"setup": method, "phone": phone})).Response
	code := ""
	if method == "sms" {
		code = k.SMS.Code(k.t, phone)
	} else {
		code = k.Mail.Code(k.t, email)
	}
	token, _ := started["tf_state_token"].(string)
	b.must("confirm", b.Post(k.at("/tf-setup")+"/"+token, fields{"code": code}))
	k.Clock.Move(10 * minute)
}

// offersSecond reports whether a code of a channel may be a second factor.
func offersSecond(k *Kit, method string) bool {
	t := k.config.TwoFactor
	return !t.StrongOnly && (len(t.EnabledMethods) == 0 || slices.Contains(t.EnabledMethods, method))
}

func thing(method string) string {
	return map[string]string{"email": "mailbox", "sms": "phone"}[method]
}
