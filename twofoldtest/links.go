package twofoldtest

import (
	"regexp"
	"slices"
	"time"
)

// linkStates returns the states that mailed links lead to. Each link is opened at the paths of all
// others and presented as every other kind of token.
func linkStates(k *Kit) []state {
	var out []state
	if k.has("/confirm/{token}") && k.config.Accounts.Registerable {
		confirm := func(fields map[string]any) *Browser {
			k.Clock.Move(time.Hour)
			b, email := k.NewBrowser(), k.address("confirms")
			b.must("register", b.Post(k.at("/register"), k.registration(email)))
			path := k.at("/confirm") + "/" + b.mailed(email, "/confirm")
			b.Page(path)
			b.must("confirm", b.Post(path, fields))
			return b
		}
		out = append(out, state{name: "an address confirmed by its link",
			open: func() *Browser { return confirm(nil) }},
			state{name: "the link of a confirmation opened twice", open: func() *Browser {
				b := confirm(nil)
				b.Post(k.at("/confirm")+"/"+b.handed["link /confirm"], nil)
				return b
			}})
	}
	if k.has("/reset/{token}") {
		out = append(out, resetStates(k)...)
	}
	return out
}

func resetStates(k *Kit) []state {
	const fresh = "a fresh " + Password
	asked := func() (string, *Browser, string) {
		email, _ := k.someone("reset")
		b := k.NewBrowser()
		b.must("reset", b.Post(k.at("/reset"), fields{"email": email}))
		return email, b, k.at("/reset") + "/" + b.mailed(email, "/reset")
	}
	typed := fields{"password": fresh, "password_confirm": fresh}
	return []state{
		{name: "a password reset by its link", open: func() *Browser {
			_, b, path := asked()
			b.must("new password", b.Post(path, typed))
			return b
		}},
		{name: "a password reset by its link, and given", open: func() *Browser {
			email, b, path := asked()
			b.must("new password", k.NewBrowser().Post(path, typed))
			b.must("first factor", b.enter(email, fresh, "", nil))
			return b
		}},
		{name: "the link of a reset, opened and not used", open: func() *Browser {
			_, b, path := asked()
			b.Page(path)
			b.Get(path)
			return b
		}},
		{name: "a password reset in the browser of someone who is half signed in", open: func() *Browser {
			email, _, path := asked()
			b := k.firstFactor(email)
			b.must("new password", b.Post(path, typed))
			return b
		}},
		{name: "signed in, then the password reset elsewhere", open: func() *Browser {
			email, _, path := asked()
			b := k.firstFactor(email).must2(email)
			other := k.NewBrowser()
			other.must("new password", other.Post(path, typed))
			return b
		}},
	}
}

// changeStates returns the states during changes of the password and the address.
func changeStates(k *Kit) []state {
	var out []state
	if k.has("/change") {
		change := func() (first, changed *Browser) {
			email, first := k.someone("change")
			changed = k.firstFactor(email).must2(email)
			changed.must("change", changed.Post(k.at("/change"), fields{
				"password": Password, "new_password": "a changed " + Password,
				"new_password_confirm": "a changed " + Password,
			}))
			return first, changed
		}
		out = append(out,
			state{name: "signed in, then the password changed in another browser",
				open: func() *Browser { b, _ := change(); return b }},
			state{name: "the password changed, and signed out",
				open: func() *Browser { _, b := change(); return b.signedOut() }})
	}
	if k.has("/change-email/{token}") {
		link := func() (owner *Browser, path string) {
			_, owner = k.someone("moves")
			to := k.address("moved")
			owner.must("new address", owner.Post(k.at("/change-email"), fields{"email": to}))
			return owner, k.at("/change-email") + "/" + owner.mailed(to, "/change-email")
		}
		out = append(out,
			state{name: "the link to a new address, in a browser of no one", open: func() *Browser {
				_, path := link()
				b := k.NewBrowser()
				b.Post(path, nil) // the link works only where its account is signed in
				return b
			}},
			state{name: "a new address, and signed out", open: func() *Browser {
				owner, path := link()
				owner.must("new address", owner.Post(path, nil))
				return owner.signedOut()
			}})
	}
	return out
}

// firstMethods returns the methods other than a password that may start a sign-in.
func (n names) firstMethods() []string {
	u := n.config.Passwordless
	if u == nil {
		return nil
	}
	if len(u.EnabledMethods) == 0 {
		return []string{"email", "authenticator", "sms"}
	}
	return slices.DeleteFunc(slices.Clone(u.EnabledMethods), func(m string) bool { return m == "password" })
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// unifiedPassword reports whether a password may start a unified sign-in.
func (n names) unifiedPassword() bool {
	u := n.config.Passwordless
	return u == nil || len(u.EnabledMethods) == 0 || slices.Contains(u.EnabledMethods, "password")
}

// begins sets up a method as the first factor of an account. It returns a function that returns a
// code to start a sign-in.
func (b *Browser) begins(email, method string) func(*Browser) string {
	k, phone := b.k, ""
	k.t.Helper()
	if method == "sms" {
		k.people++
		phone = "+1650555" + four(k.people)
	}
	started := b.must("set-up of a first factor",
		b.Post(k.at("/us-setup"), fields{"chosen_method": method, "phone": phone})).Response
	own := &app{secret: k.secretOf(started["authr_b32key"])}
	code := func() string {
		switch method {
		case "email":
			return k.Mail.Code(k.t, email)
		case "sms":
			return k.SMS.Code(k.t, phone)
		}
		return k.code(own)
	}
	state, _ := started["state"].(string)
	b.must("first factor", b.Post(k.at("/us-setup")+"/"+state, fields{"passcode": code()}))
	k.Clock.Move(time.Minute)
	return func(asks *Browser) string {
		k.t.Helper()
		if method == "authenticator" {
			return code()
		}
		to := email
		if method == "sms" {
			to = phone
		}
		return asks.firstCode(email, method, to)
	}
}

// firstCode requests a code that replaces the password and waits for it.
func (b *Browser) firstCode(email, method, to string) string {
	k, sink := b.k, b.k.Mail
	k.t.Helper()
	if method == "sms" {
		sink = k.SMS
	}
	before := sink.Count(to)
	b.must("code", b.Post(k.at("/us-signin/send-code"), fields{"identity": email, "chosen_method": method}))
	for range 500 {
		for _, m := range sink.To(to)[before:] { // an earlier notice may arrive first
			if c := sixDigits.FindString(m.Text); c != "" {
				return c
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	k.t.Fatalf("no code went to %s", to)
	return ""
}

// unifiedStates returns the states of sign-ins that start with a code.
func unifiedStates(k *Kit) []state {
	if !k.has("/us-signin") {
		return nil
	}
	enter := func(b *Browser, email, code string) Answer {
		return b.Post(k.at("/us-signin"), fields{"identity": email, "passcode": code})
	}
	var out []state
	if k.unifiedPassword() {
		out = append(out, state{name: "unified sign-in by the password alone", open: func() *Browser {
			email, _ := k.someone("unified")
			b := k.NewBrowser()
			b.must("password", enter(b, email, Password))
			return b
		}})
	}
	if k.has("/us-verify") && k.unifiedPassword() {
		out = append(out, state{name: "proven again by unified sign-in, and signed out", open: func() *Browser {
			email, b := k.someone("unified")
			b.must("proof", b.Post(k.at("/us-verify"), fields{"passcode": Password}))
			b.Post(k.at("/tf-validate"), fields{"code": k.Code(email)})
			return b.signedOut()
		}})
	}
	for _, method := range k.firstMethods() {
		out = append(out, methodStates(k, method, enter)...)
	}
	return out
}

func methodStates(k *Kit, method string, enter func(b *Browser, email, code string) Answer) []state {
	half := func() (string, func(*Browser) string) {
		email, b := k.someone("by-" + method)
		return email, b.begins(email, method)
	}
	states := []state{
		{name: "a code by " + method + " alone", open: func() *Browser {
			email, code := half()
			b := k.NewBrowser()
			// an app cannot be the second factor after an app
			if a := enter(b, email, code(b)); method != "authenticator" {
				b.must("code", a)
			}
			return b
		}},
		{name: "a code by " + method + " twice", open: func() *Browser {
			email, code := half()
			b := k.NewBrowser()
			c := code(b)
			enter(b, email, c)
			b.Post(k.at("/tf-validate"), fields{"code": c})
			enter(b, email, c)
			return b
		}},
		{name: "a code by " + method + " of someone else", open: func() *Browser {
			_, code := half()
			email, _ := half()
			b := k.NewBrowser()
			enter(b, email, code(b))
			return b
		}},
		{name: "a code by " + method + ", and no second factor", open: func() *Browser {
			if k.mustEnroll() {
				return nil
			}
			email := k.address("one-" + method)
			code := k.oneFactor(email).begins(email, method)
			b := k.NewBrowser()
			b.must("code", enter(b, email, code(b)))
			return b
		}},
		{name: "a first factor by " + method + " set up, and signed out", open: func() *Browser {
			email, b := k.someone("by-" + method)
			b.begins(email, method)
			return b.signedOut()
		}},
	}
	if method == "email" {
		states = append(states, alongsideStates(k, half)...)
	}
	return states
}

// alongsideStates are the states after the link that comes with a mailed code.
func alongsideStates(k *Kit, half func() (string, func(*Browser) string)) (states []state) {
	for what, meant := range map[string]any{"the link alongside a code": nil,
		"the link alongside a code, in another browser": true} {
		states = append(states, state{name: what, open: func() *Browser {
			email, code := half()
			b := k.NewBrowser()
			code(b)
			path := k.at("/us-verify-link") + "/" + b.mailed(email, "/us-verify-link")
			if meant != nil {
				b = k.NewBrowser()
			}
			b.Page(path)
			b.must("link", b.Post(path, fields{"meant": meant}))
			return b
		}})
	}
	return states
}
