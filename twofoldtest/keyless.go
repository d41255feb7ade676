package twofoldtest

import "time"

// keylessStates are those of accounts that have no password.
func (k *Kit) keylessStates() []state {
	if !k.config.Accounts.PasswordOptional || !k.config.Registerable {
		return nil
	}
	half := func() (string, *Browser) {
		email, b := k.keyless()
		b.setUpApp(email, nil)
		return email, k.NewBrowser()
	}
	return []state{
		{name: "just registered without a password", open: func() *Browser { _, b := k.registersKeyless(); return b }},
		{name: "no password, and none given", open: func() *Browser {
			email, b := half()
			for _, p := range []any{"", nil, " ", "null", false, 0, []string{}, fields{}} {
				b.Post(k.at("/login"), fields{"email": email, "password": p})
				b.Post(k.at("/us-signin"), fields{"identity": email, "passcode": p})
			}
			return b
		}},
		{name: "no password and a mailed code, the second factor not proven", open: func() *Browser {
			email, b := half()
			b.byMail(email)
			return b
		}},
		{name: "no password and a mailed code, and no second factor", open: func() *Browser { _, b := k.keyless(); return b }},
		{name: "no password, signed in, and reset by its mailbox since", open: func() *Browser {
			email, b := k.keyless()
			b.setUpApp(email, nil)
			if k.has("/reset/{token}") {
				other, typed := k.NewBrowser(), fields{"password": "a first " + Password, "password_confirm": "a first " + Password}
				other.must("reset", other.Post(k.at("/reset"), fields{"email": email}))
				other.must("password", other.Post(k.at("/reset")+"/"+other.mailed(email, "/reset"), typed))
				return b
			}
			return b.signedOut()
		}},
	}
}

// registersKeyless is an account without password, as its registration leaves it.
func (k *Kit) registersKeyless() (string, *Browser) {
	k.t.Helper()
	k.Clock.Move(time.Hour)
	b, email := k.NewBrowser(), k.address("keyless")
	typed := registration(email)
	delete(typed, "password")
	delete(typed, "password_confirm")
	b.must("register", b.Post(k.at("/register"), typed))
	return email, b
}

// keyless is one whose mailbox is proven, and who has come in by it.
func (k *Kit) keyless() (string, *Browser) {
	k.t.Helper()
	email, b := k.registersKeyless()
	if k.has("/confirm/{token}") {
		b.must("confirm", b.Post(k.at("/confirm")+"/"+b.mailed(email, "/confirm"), nil))
	}
	b = k.NewBrowser()
	b.byMail(email)
	return email, b
}

// byMail begins a sign-in with a mailed code.
func (b *Browser) byMail(email string) {
	b.k.t.Helper()
	b.k.Clock.Move(time.Minute)
	b.must("code", b.Post(b.k.at("/us-signin"), fields{"identity": email, "passcode": b.firstCode(email, "email", email)}))
}
