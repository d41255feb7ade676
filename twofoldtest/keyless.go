package twofoldtest

import "time"

// keylessStates returns the states of accounts that have no password.
func keylessStates(k *Kit) []state {
	if a := k.config.Accounts; !a.PasswordOptional || a.MagicLink || !k.config.Accounts.Registerable {
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
				b.Post(k.at("/login"), fields{"identity": email, "passcode": p})
				b.Post(k.at("/us-signin"), fields{"identity": email, "passcode": p})
			}
			return b
		}},
		{name: "no password and a mailed code, the second factor not proven", open: func() *Browser {
			email, b := half()
			b.byMail(email)
			return b
		}},
		{name: "no password and a mailed code, and no second factor",
			open: func() *Browser { _, b := k.keyless(); return b }},
		{name: "no password, signed in, and reset by its mailbox since", open: func() *Browser {
			email, b := k.keyless()
			b.setUpApp(email, nil)
			if k.has("/reset/{token}") {
				other, typed := k.NewBrowser(),
					fields{"password": "a first " + Password, "password_confirm": "a first " + Password}
				other.must("reset", other.Post(k.at("/reset"), fields{"email": email}))
				other.must("password", other.Post(k.at("/reset")+"/"+other.mailed(email, "/reset"), typed))
				return b
			}
			return b.signedOut()
		}},
	}
}

// registersKeyless registers an account without a password.
func (k *Kit) registersKeyless() (string, *Browser) {
	k.t.Helper()
	k.Clock.Move(time.Hour)
	b, email := k.NewBrowser(), k.address("keyless")
	typed := k.registration(email)
	delete(typed, "password")
	delete(typed, "password_confirm")
	b.must("register", b.Post(k.at("/register"), typed))
	for range 500 { // wait for the mail of the registration, so that it is not mistaken for the next one
		if k.Mail.Count(email) > 0 {
			return email, b
		}
		time.Sleep(10 * time.Millisecond)
	}
	k.t.Fatalf("registering mailed nothing to %s", email)
	return email, b
}

// keyless returns an account without a password and a browser that has signed in with a mailed
// code.
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

// byMail starts a sign-in with a mailed code.
func (b *Browser) byMail(email string) {
	b.k.t.Helper()
	b.k.Clock.Move(time.Minute)
	b.must("code", b.Post(b.k.at("/us-signin"),
		fields{"identity": email, "passcode": b.firstCode(email, "email", email)}))
}

// loginLink requests a mailed link that starts a sign-in instead of the password, and returns its
// path.
func (b *Browser) loginLink(email string) string {
	k := b.k
	k.t.Helper()
	k.Clock.Move(time.Minute)
	before := k.Mail.Count(email)
	b.must("link", b.Post(k.at("/login"), fields{"email": email}))
	return k.at("/login") + "/" + b.mailedSince(before, email, "/login")
}

// byLinkStates returns the states of sites on which all users sign in with mailed links.
func byLinkStates(k *Kit) []state {
	if !k.config.Accounts.MagicLink {
		return nil
	}
	asked := func() (string, *Browser, string) {
		email, _ := k.someone("link")
		b := k.NewBrowser()
		return email, b, b.loginLink(email)
	}
	return []state{
		{name: "a link to sign in, opened and not used", open: func() *Browser {
			_, b, path := asked()
			b.Page(path)
			b.Get(path)
			return b
		}},
		{name: "a link to sign in, in another browser", open: func() *Browser {
			_, _, path := asked()
			b := k.NewBrowser()
			b.Post(path, nil)
			b.must("link", b.Post(path, fields{"meant": true}))
			return b
		}},
		{name: "a link to sign in, used twice", open: func() *Browser {
			email, b, path := asked()
			b.must("link", b.Post(path, nil))
			b.must2(email).signedOut()
			b.Post(path, fields{"meant": true})
			return b
		}},
		{name: "a link to sign in, and a new password since", open: func() *Browser {
			email, b, path := asked()
			k.setPassword(email, "another "+Password)
			b.Post(path, nil)
			return b
		}},
	}
}
