package attack

import (
	"strings"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// trusts lists attacks on trusted browsers, which need no second factor.
func trusts() []Attack {
	const g = "Trusted browsers"
	return []Attack{
		{"trust-alone", g, "has the cookie of a trusted browser and not the password", trustAlone},
		{
			"trust-other-account", g,
			"knows a victim's password and signs in where their own account trusts the browser", trustOtherAccount,
		},
		{"trust-before-code", g, "asks for trust with the password and a wrong code", trustBeforeCode},
		{"trust-forged", g, "changes characters of a cookie of trust; the site takes it", trustForged},
		{"trust-expired", g, "keeps a cookie of trust longer than the site trusts a browser", trustExpired},
		{
			"trust-after-password-change", g, "has such a cookie from before the owner changed the password",
			trustAfterPasswordChange,
		},
		{"trust-after-reset", g, "has such a cookie from before the owner reset the password", trustAfterReset},
		{
			"trust-after-factor-change", g, "has such a cookie from before the owner set up another app",
			trustAfterFactor,
		},
		{"trust-after-end-all", g, "has such a cookie from before the owner ended all trust", trustAfterEndAll},
	}
}

// trusted returns a person with an app, and their browser with only the trust cookie, for which the
// password is enough.
func (t *Try) trusted() (*Person, *door.Browser) {
	t.needs(door.Trust)
	p := t.protected()
	b := t.browser()
	t.must(b, door.Trust, door.In{Email: p.Email, Password: p.Password, Code: p.App.Next()})
	t.honest(t.inside(b) == p.Email, "the owner is not let in")
	b = t.onlyTrust(b)
	t.honest(t.skips(b, p, p.Password), "a trusted browser is asked for the code")
	return p, t.onlyTrust(b)
}

// onlyTrust returns another browser with a copy of the trust cookie.
func (t *Try) onlyTrust(b *door.Browser) *door.Browser {
	thief := t.browser()
	for _, c := range b.Cookies() {
		if strings.Contains(c.Name, t.Site.TrustCookie) {
			thief.Keep(c)
		}
	}
	t.honest(len(thief.Cookies()) > 0, "no cookie of trust")
	return thief
}

// skips reports whether the password is enough in a browser.
func (t *Try) skips(b *door.Browser, p *Person, password string) bool {
	t.attempt(b, door.Login, door.In{Email: p.Email, Password: password})
	return t.inside(b) == p.Email
}

func trustAlone(t *Try) {
	p, b := t.trusted()
	t.worksIf(t.inside(b) == p.Email, "the cookie alone opens the account")
	t.attempt(b, door.Login, door.In{Email: p.Email, Password: "wrong horse battery"})
	t.worksIf(t.inside(b) == p.Email, "it opens the account with a wrong password")
}

func trustOtherAccount(t *Try) {
	victim := t.protected()
	_, b := t.trusted()
	t.worksIf(t.skips(b, victim, victim.Password), "the victim's code is not asked for")
}

func trustBeforeCode(t *Try) {
	p, _ := t.trusted()
	b := t.browser()
	t.attempt(b, door.Login, door.In{Email: p.Email, Password: p.Password, Remember: true})
	t.attempt(b, door.Code, door.In{Code: p.App.Wrong(0), Remember: true})
	t.attempt(b, door.Trust, door.In{Email: p.Email, Password: p.Password, Code: p.App.Wrong(1)})
	t.worksIf(t.skips(b, p, p.Password), "the code is not asked for any more")
}

// trustForged changes a character in the middle of each part of the cookie, because every bit is
// significant there.
func trustForged(t *Try) {
	p, b := t.trusted()
	for _, c := range b.Cookies() {
		begin := 0
		for _, part := range strings.SplitAfter(c.Value, ".") {
			at := begin + len(strings.TrimSuffix(part, "."))/2
			begin += len(part)
			if at >= len(c.Value) {
				continue
			}
			forged := *c
			other := byte('A')
			if c.Value[at] == other {
				other = 'B'
			}
			forged.Value = c.Value[:at] + string(other) + c.Value[at+1:]
			thief := t.browser()
			thief.Keep(&forged)
			t.worksIf(t.skips(thief, p, p.Password), "character %d of %d may be another one", at+1, len(c.Value))
		}
	}
}

func trustExpired(t *Try) {
	p, b := t.trusted()
	time.Sleep(t.Site.TrustLife + 2*time.Second)
	t.worksIf(t.skips(b, p, p.Password), "the code is not asked for after %s", t.Site.TrustLife)
}

func trustAfterPasswordChange(t *Try) {
	p, b := t.trusted()
	home, changed := t.signIn(p), t.stranger().Password
	t.must(home, door.ChangePassword, door.In{Password: p.Password, New: changed})
	t.worksIf(t.skips(b, p, changed), "the new password is enough there")
}

func trustAfterReset(t *Try) {
	p, b := t.trusted()
	past, changed := t.mails(p.Email), t.stranger().Password
	home := t.browser()
	t.must(home, door.AskReset, door.In{Email: p.Email})
	t.must(home, door.Reset, door.In{Link: t.link(p.Email, door.Reset, past), Password: changed})
	t.worksIf(t.skips(b, p, changed), "the new password is enough there")
}

func trustAfterFactor(t *Try) {
	p, b := t.trusted()
	home := t.signIn(p)
	if _, more := t.attempt(home, door.SetUp, door.In{Password: p.Password}); !more { // one app at a time
		t.must(home, door.Disable, door.In{Password: p.Password})
	}
	t.addApp(home, p)
	t.worksIf(t.skips(b, p, p.Password), "the new app is not asked for")
}

func trustAfterEndAll(t *Try) {
	p, b := t.trusted()
	t.must(t.signIn(p), door.EndTrust, door.In{Password: p.Password})
	t.worksIf(t.skips(b, p, p.Password), "the code is not asked for")
}
