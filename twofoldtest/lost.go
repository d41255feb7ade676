package twofoldtest

import (
	"slices"
	"strings"
	"time"
)

// rescueStates returns the states of users who report a lost second factor.
func rescueStates(k *Kit) []state {
	t := k.config.TwoFactor
	asked := func(option string) (string, *Browser) {
		email, _ := k.someone("lost")
		b := k.firstFactor(email)
		b.must("rescue", b.Post(k.at("/tf-rescue"), fields{"help_setup": option}))
		return email, b
	}
	var out []state
	if t.HelpAddress != "" {
		out = append(out, state{name: "help asked for", open: func() *Browser { _, b := asked("help"); return b }})
	}
	if !noMailRescue(k) {
		out = append(out,
			state{name: "a rescue asked for", open: func() *Browser { _, b := asked("email"); return b }},
			state{name: "a rescue, and the code of someone else's", open: func() *Browser {
				other, _ := asked("email")
				_, b := asked("email")
				b.Post(k.at("/tf-validate"), fields{"code": k.Mail.Code(k.t, other)})
				return b
			}},
			state{name: "rescued, and nothing repaired or signed out", open: func() *Browser {
				email, b := asked("email")
				b.must("rescue code", b.Post(k.at("/tf-validate"), fields{"code": k.Mail.Code(k.t, email)}))
				if t.RescueRepairOnly {
					return b
				}
				return b.signedOut()
			}})
	}
	if !noRecovery(k) {
		out = append(out, recoveryStates(k, func() (string, *Browser) { return asked("recovery_request") })...)
	}
	return out
}

// recoveryStates returns the states of the link that sets up another second factor.
func recoveryStates(k *Kit, asked func() (string, *Browser)) []state {
	wait := k.config.TwoFactor.RecoveryWait
	if wait == 0 {
		wait = 24 * time.Hour
	}
	follow := func(b *Browser, link, password string) Answer {
		return b.Post(k.at("/tf-recovery")+"/"+link, fields{"password": password})
	}
	return []state{
		{name: "a recovery asked for", open: func() *Browser { _, b := asked(); return b }},
		{name: "the link of a recovery and the password, too early", open: func() *Browser {
			email, b := asked()
			link := b.mailed(email, "/tf-recovery")
			b = k.NewBrowser()
			follow(b, link, Password)
			return b
		}},
		{name: "the link of a recovery without the password", open: func() *Browser {
			email, b := asked()
			link := b.mailed(email, "/tf-recovery")
			k.Clock.Move(wait + time.Minute)
			b = k.NewBrowser()
			b.Get(k.at("/tf-recovery") + "/" + link)
			follow(b, link, "no "+Password)
			return b
		}},
		{name: "the link of a recovery and the password, nothing set up", open: func() *Browser {
			email, b := asked()
			link := b.mailed(email, "/tf-recovery")
			k.Clock.Move(wait + time.Minute)
			b = k.NewBrowser()
			b.must("recovery", follow(b, link, Password))
			return b
		}},
		{name: "the link of a recovery after which the factor was used", open: func() *Browser {
			email, b := asked()
			link := b.mailed(email, "/tf-recovery")
			k.firstFactor(email).must2(email)
			k.Clock.Move(wait + time.Minute)
			b = k.NewBrowser()
			follow(b, link, Password)
			return b
		}},
	}
}

// codeStates returns the states of recovery codes.
func codeStates(k *Kit) []state {
	if k.config.TwoFactor.RecoveryCodes == nil {
		return nil
	}
	withCodes := func() (string, string) {
		email, b := k.someone("codes")
		list, _ := b.must("codes", b.Post(k.at("/mf-recovery-codes"), fields{})).Response["recovery_codes"].([]any)
		code, _ := list[0].(string)
		return email, code
	}
	use := func(b *Browser, code string) Answer { return b.Post(k.at("/mf-recovery"), fields{"code": code}) }
	return []state{
		{name: "a recovery code of someone else", open: func() *Browser {
			_, code := withCodes()
			email, _ := withCodes()
			b := k.firstFactor(email)
			use(b, code)
			return b
		}},
		{name: "a recovery code without the first factor", open: func() *Browser {
			_, code := withCodes()
			b := k.NewBrowser()
			use(b, code)
			return b
		}},
		{name: "a recovery code that was used", open: func() *Browser {
			email, code := withCodes()
			b := k.firstFactor(email)
			b.must("recovery code", use(b, code))
			b.signedOut()
			again := k.firstFactor(email)
			use(again, code)
			return again
		}},
		{name: "signed in by a recovery code, and out", open: func() *Browser {
			email, code := withCodes()
			b := k.firstFactor(email)
			b.must("recovery code", use(b, code))
			return b.signedOut()
		}},
	}
}

// deviceStates returns the states of a trusted browser. With the password it may open the page, if
// that is configured, but not with less.
func deviceStates(k *Kit) []state {
	if k.config.TwoFactor.LoginValidity == 0 || k.config.Accounts.MagicLink { // no page offers trust there
		return nil
	}
	// trusted returns a browser with only the cookie of a trusted browser, or nil if the user's
	// browsers cannot be trusted.
	trusted := func() (string, *Browser) {
		email, _ := k.someone("trusts")
		b, _ := k.password(email, fields{"remember": true})
		b.must2(email)
		only, found := k.NewBrowser(), false
		for name, value := range b.Cookies() {
			if slices.Contains([]string{"tf_validity", k.config.Pages.Paths.DeviceCookie},
				strings.TrimPrefix(name, "__Host-")) {
				only.Plant(name, value)
				only.handed["cookie "+name], found = value, true
			}
		}
		if !found {
			return email, nil
		}
		return email, only
	}
	then := func(name string, do func(email string, b *Browser)) state {
		return state{name: name, open: func() *Browser {
			email, b := trusted()
			if b != nil {
				do(email, b)
			}
			return b
		}}
	}
	login := func(b *Browser, email, password string) { b.Post(k.at("/login"), k.typed(email, password)) }
	return []state{
		then("a trusted browser alone", func(string, *Browser) {}),
		then("a trusted browser and a wrong password",
			func(email string, b *Browser) { login(b, email, "no "+Password) }),
		then("a trusted browser of someone else", func(_ string, b *Browser) {
			email, _ := k.someone("other")
			login(b, email, Password)
		}),
		then("a trusted browser, and a new password since", func(email string, b *Browser) {
			k.setPassword(email, "another "+Password)
			login(b, email, "another "+Password)
		}),
		then("a trusted browser, and another second factor since", func(email string, b *Browser) {
			k.firstFactor(email).must2(email).setUpApp(email, nil)
			login(b, email, Password)
		}),
		then("a trusted browser that a copy was made of", func(email string, b *Browser) {
			copied := b.Cookies()
			login(b, email, Password)
			k.Clock.Move(time.Hour)
			for name, value := range copied {
				b.Plant(name, value)
			}
			b.must("sign out", b.Post(k.at("/logout"), nil))
			for name, value := range copied {
				b.Plant(name, value)
			}
			login(b, email, Password)
			b.signedOut()
		}),
	}
}
