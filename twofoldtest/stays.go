package twofoldtest

import "time"

// stayCookie returns the name of the cookie of a browser that stays signed in.
func (n names) stayCookie() string { return n.cookie("remember_token") }

// stayStates returns the states of a browser that stays signed in, if that is configured. Its
// cookie counts as the factors proven when it was set, and is worthless once that sign-in has
// ended.
func stayStates(k *Kit) []state {
	const page = "a browser that stays signed in"
	one := func() (string, *Browser) {
		email := k.address("stays")
		k.User(email, k.Roles...)
		b, _ := k.password(email, fields{"remember": true})
		return email, b.onlyStays()
	}
	full := func() (string, *Browser, *Browser) {
		email, _ := k.someone("stays")
		b, _ := k.password(email, fields{"remember": true})
		b.must2(email)
		return email, b, b.onlyStays()
	}
	since := func(what string, do func(email string, whole, only *Browser) *Browser) state {
		return state{name: page + ", and " + what, open: func() *Browser {
			email, whole, only := full()
			if only == nil {
				return nil
			}
			return do(email, whole, only)
		}}
	}
	if k.config.Accounts.MagicLink { // no page offers it there
		return nil
	}
	return []state{
		{name: page + " by one factor", open: func() *Browser { _, b := one(); return b }},
		{name: page + " by one factor, and a second one set up since", open: func() *Browser {
			email, b := one()
			if b != nil {
				k.LoginAs(email, 2)
			}
			return b
		}},
		since("signed out since", func(_ string, whole, only *Browser) *Browser { whole.signedOut(); return only }),
		since("a new password since", func(email string, _, only *Browser) *Browser {
			k.setPassword(email, "another "+Password)
			return only
		}),
		since("another second factor since", func(email string, _, only *Browser) *Browser {
			k.firstFactor(email).must2(email).setUpApp(email, nil)
			return only
		}),
		since("the link of a notice used since", func(email string, _, only *Browser) *Browser {
			b := k.NewBrowser()
			b.must("not me", b.Post(k.at("/tf-not-me")+"/"+b.mailed(email, "/tf-not-me"), nil))
			return only
		}),
		since("a copy of its cookie that was exchanged", func(_ string, _, only *Browser) *Browser {
			old := only.without()
			only.Get(k.pages[0])
			k.Clock.Move(time.Hour)
			return old
		}),
		{name: "what " + page + " holds", open: func() *Browser { _, _, only := full(); return only },
			holds: map[string][]string{
				"cookie " + k.stayCookie(): {"cookie " + k.stayCookie()},
			}},
	}
}

// onlyStays returns a browser with only that cookie, or nil if there is none.
func (b *Browser) onlyStays() *Browser {
	value, ok := b.Cookies()[b.k.stayCookie()]
	if !ok {
		return nil
	}
	only := b.k.NewBrowser()
	only.Plant(b.k.stayCookie(), value)
	only.handed["cookie "+b.k.stayCookie()] = value
	return only
}
