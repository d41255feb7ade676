package twofoldtest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"
)

type fields = map[string]any

// address returns a new e-mail address.
func (k *Kit) address(what string) string {
	k.people++
	return fmt.Sprintf("%s-%d@nosidedoor.test", what, k.people)
}

// someone returns a new account with an app as its second factor, signed in with both factors. It
// moves the clock by a minute, so that limits on messages do not interfere.
func (k *Kit) someone(what string) (string, *Browser) {
	k.t.Helper()
	email := k.address(what)
	k.Clock.Move(time.Minute)
	return email, k.LoginAs(email, 2, k.Roles...)
}

// password starts a sign-in with the password only.
func (k *Kit) password(email string, more fields) (*Browser, Answer) {
	k.t.Helper()
	b := k.NewBrowser()
	return b, b.must("first factor", b.enter(email, Password, "", more))
}

// firstFactor returns a browser with a sign-in that waits for the second factor.
func (k *Kit) firstFactor(email string) *Browser {
	k.t.Helper()
	b, _ := k.password(email, nil)
	return b
}

// oneFactor returns a browser signed in to an account without a second factor: with a session, or
// with a sign-in that must set up a second factor.
func (k *Kit) oneFactor(email string) *Browser {
	k.t.Helper()
	k.User(email, k.Roles...)
	return k.firstFactor(email)
}

// mustEnroll reports whether a user without a second factor must set one up before the session
// starts.
func (k *Kit) mustEnroll() bool {
	t := k.config.TwoFactor
	if t.Require == nil {
		return t.Required
	}
	u := k.User("enrolls@nosidedoor.test", k.Roles...)
	return t.Require(u)
}

func (k *Kit) id(email string) string { return k.User(email).ID }

// setPassword changes the password of an account outside of the sign-in.
func (k *Kit) setPassword(email, plain string) {
	k.t.Helper()
	if err := k.Auth.SetPassword(context.Background(), k.id(email), plain); err != nil {
		k.t.Fatal(err)
	}
}

// signedOut signs out and keeps all cookies.
func (b *Browser) signedOut() *Browser {
	b.k.t.Helper()
	old := b.Cookies()
	b.must("sign out", b.Post(b.k.at("/logout"), nil))
	for name, value := range old {
		b.Plant(name, value)
	}
	return b
}

// without returns another browser with the same cookies except the given ones.
func (b *Browser) without(names ...string) *Browser {
	other := b.k.NewBrowser()
	for name, value := range b.Cookies() {
		if !slices.Contains(names, name) {
			other.Plant(name, value)
		}
	}
	return other
}

// mailed returns the token of the newest link to a path that was mailed to an address. It waits,
// because a worker sends links.
func (b *Browser) mailed(to, path string) string { b.k.t.Helper(); return b.mailedSince(0, to, path) }

// mailedSince is like mailed, but skips the first mails to the address.
func (b *Browser) mailedSince(before int, to, path string) string {
	k := b.k
	k.t.Helper()
	link := regexp.MustCompile(regexp.QuoteMeta(k.at(path)) + `/([A-Za-z0-9_.-]+)`)
	for range 500 {
		for _, m := range slices.Backward(k.Mail.To(to)[before:]) {
			if found := link.FindStringSubmatch(m.Text); found != nil {
				b.handed["link "+path] = found[1]
				return found[1]
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	k.t.Fatalf("no link to %s was mailed to %s", path, to)
	return ""
}

// has reports whether a path of the sign-in is registered, by its default name.
func (k *Kit) has(pattern string) bool {
	for _, p := range k.paths {
		if p.pattern == pattern {
			return true
		}
	}
	return false
}

// passwordStates returns the states of the first factor.
func passwordStates(k *Kit) []state {
	return []state{
		{name: "a stranger", open: k.NewBrowser},
		{name: "a wrong password", open: func() *Browser {
			email, _ := k.someone("wrong")
			b := k.NewBrowser()
			b.Post(k.at("/login"), k.typed(email, "no "+Password))
			return b
		}},
		{name: "only the first factor",
			open: func() *Browser { email, _ := k.someone("half"); return k.firstFactor(email) }},
		{name: "the first factor, and the level asked for", open: func() *Browser {
			email, _ := k.someone("half")
			b := k.NewBrowser()
			for _, more := range []fields{{"level": 2}, {"tf_state": "done"}, {"setup": "disable"},
				{"user": fields{"level": 2}}, {"remember": true}} {
				b.enter(email, Password, "", more)
			}
			return b
		}},
		{name: "just registered", open: func() *Browser {
			if !k.has("/register") {
				return nil
			}
			k.Clock.Move(time.Hour) // avoid the hourly limit
			b, email := k.NewBrowser(), k.address("new")
			b.must("register", b.Post(k.at("/register"), k.registration(email)))
			return b
		}},
		{name: "the password proven again, and signed out", open: func() *Browser {
			email, b := k.someone("again")
			b.must("proof", b.Post(k.at("/verify"), fields{"password": Password}))
			b.Post(k.at("/tf-validate"), fields{"code": k.Code(email)})
			return b.signedOut()
		}},
		{name: "the pending cookie of a proof of someone signed in", open: func() *Browser {
			_, b := k.someone("again")
			b.must("proof", b.Post(k.at("/verify"), fields{"password": Password}))
			return b.without("twofold", "__Host-twofold", k.stayCookie())
		}},
	}
}

func (k *Kit) registration(email string) fields {
	typed := fields{"email": email, "username": username(email)}
	if !k.config.Accounts.MagicLink {
		typed["password"], typed["password_confirm"] = Password, Password
	}
	return filledIn(k, typed)
}

// username returns a username derived from an address.
func username(email string) string {
	return "u" + regexp.MustCompile(`[^0-9a-z]`).ReplaceAllString(email, "")
}

// secondStates returns the states of the second factor.
func secondStates(k *Kit) []state {
	half := func() (string, *Browser) { email, _ := k.someone("second"); return email, k.firstFactor(email) }
	code := func(b *Browser, code any) { b.Post(k.at("/tf-validate"), fields{"code": code}) }
	return []state{
		{name: "the first factor and a wrong code",
			open: func() *Browser { _, b := half(); code(b, "000000"); return b }},
		{name: "the first factor and no code", open: func() *Browser {
			_, b := half()
			for _, c := range []any{"", nil, "      ", true, 0, []string{"1"}, fields{}} {
				code(b, c)
			}
			return b
		}},
		{name: "the first factor and the code of someone else", open: func() *Browser {
			other, _ := k.someone("other")
			_, b := half()
			code(b, k.Code(other))
			return b
		}},
		{name: "the first factor and a code used before", open: func() *Browser {
			email, b := half()
			used := k.Code(email)
			b.must("code", b.Post(k.at("/tf-validate"), fields{"code": used}))
			b = k.firstFactor(email)
			code(b, used)
			return b
		}},
		{name: "the first factor, and one of two second factors chosen", open: func() *Browser {
			email, b := k.someone("two")
			b.setUpApp(email, fields{"add": true, "name": "second app"})
			b = k.firstFactor(email)
			b.must("choice", b.Post(k.at("/tf-select"), fields{"which": "authenticator"}))
			return b
		}},
		{name: "two second factors, and signed out", open: func() *Browser {
			email, b := k.someone("two")
			b.setUpApp(email, fields{"add": true, "name": "second app"})
			return b.signedOut()
		}},
	}
}

// enrollStates returns the states of users without a second factor.
func enrollStates(k *Kit) []state {
	one := func() *Browser { return k.oneFactor(k.address("one")) }
	return []state{
		{name: "one factor, none set up", open: one},
		{name: "one factor, a set-up started", open: func() *Browser {
			b := one()
			b.Post(k.at("/tf-setup"), fields{"setup": "authenticator"})
			b.Post(k.at("/tf-validate"), fields{"code": "000000"})
			return b
		}},
		{name: "one factor, and the mailbox shown", open: func() *Browser {
			if !k.config.TwoFactor.EnrollProof {
				return nil
			}
			email := k.address("proof")
			b := k.oneFactor(email)
			b.must("mailbox", b.Post(k.at("/tf-validate"), fields{"code": k.Mail.Code(k.t, email)}))
			return b
		}},
	}
}

// endedStates returns the states in which a full sign-in has ended.
func endedStates(k *Kit) []state {
	elsewhere := func(what string, do func(email string, other *Browser)) state {
		return state{name: "signed in, then " + what, open: func() *Browser {
			email, b := k.someone("ended")
			do(email, k.firstFactor(email).must2(email))
			return b
		}}
	}
	return []state{
		{name: "signed out", open: func() *Browser { _, b := k.someone("out"); return b.signedOut() }},
		elsewhere("switched off", func(email string, _ *Browser) {
			if err := k.Auth.SetActive(context.Background(), k.id(email), false); err != nil {
				k.t.Fatal(err)
			}
		}),
		elsewhere("given another password",
			func(email string, _ *Browser) { k.setPassword(email, "another "+Password) }),
		elsewhere("reset by an operator", func(email string, _ *Browser) {
			if err := k.Auth.ResetAccess(context.Background(), k.id(email)); err != nil {
				k.t.Fatal(err)
			}
		}),
		elsewhere("given another second factor in another browser",
			func(email string, other *Browser) { other.setUpApp(email, nil) }),
		elsewhere("said not to be the owner by the link of a notice", func(email string, _ *Browser) {
			b := k.NewBrowser()
			b.must("not me", b.Post(k.at("/tf-not-me")+"/"+b.mailed(email, "/tf-not-me"), nil))
		}),
		{name: "the link of a notice, in a browser of no one", open: func() *Browser {
			email, _ := k.someone("ended")
			b := k.NewBrowser()
			b.must("not me", b.Post(k.at("/tf-not-me")+"/"+b.mailed(email, "/tf-not-me"), nil))
			return b
		}},
		elsewhere("all sessions ended in another browser", func(_ string, other *Browser) {
			list, _ := other.must("sessions", other.Get(k.at("/tf-sessions"))).Response["sessions"].([]any)
			for _, s := range list {
				s, _ := s.(map[string]any)
				if s["current"] != true {
					id, _ := s["id"].(string)
					other.must("end", other.do("DELETE", k.at("/tf-sessions")+"/"+id, nil, nil))
				}
			}
		}),
		{name: "signed in, and too old", open: func() *Browser {
			_, b := k.someone("old")
			life := k.config.Sessions.Absolute
			if life == 0 {
				life = 24 * time.Hour
			}
			k.Clock.Move(life + time.Minute)
			return b.without(k.stayCookie())
		}},
	}
}
