package attack

import (
	"net/url"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// elsewhere are attacks on the sign-in through another site (RFC 9700; OpenID Connect
// Core 1.0, 3.1.3.7).
func elsewhere() []Attack {
	const g = "Sign-in through another site"
	return []Attack{
		{"site-csrf", g, "has the victim's browser finish a sign-in that the attacker began (state)", siteForged},
		{"site-replay", g, "uses the way back from the other site a second time", siteReplay},
		{"site-injection", g, "finishes their own sign-in with a code that was meant for the victim (nonce, PKCE)",
			siteInjection},
		{"site-other-client", g, "signs in with a token that was made for another client (aud)", siteOtherClient},
		{"site-unverified", g, "claims the address of an account at the other site, which did not verify it",
			siteUnverified},
		{"site-planted", g, "makes an account of the victim's address so, before the victim comes", sitePlanted},
		{"after-site", g, "signs in through the other site to an account with an app", afterSite},
	}
}

// visitor is a person at the other site.
func visitor(p *Person) door.Visitor {
	return door.Visitor{Subject: "user of " + p.Email, Email: p.Email, Verified: true}
}

// elsewhere ends the attack where the driver goes to no other site. The product may.
func (t *Try) elsewhere() {
	if t.Site.Steps[door.Connect] == nil {
		t.finish(NotChecked, "no other site is set up for it here")
	}
}

// goes leaves for the other site, and returns the way back.
func (t *Try) goes(b *door.Browser, by door.Verb, v door.Visitor) string {
	t.needs(by, door.ComeBack)
	out := t.must(b, by, door.In{})
	back, err := t.Site.Provider.Visit(out.Location, v)
	t.honest(err == nil, "%v", err)
	return back
}

// connects lets the person's account at the other site open this one, and looks
// whether it does.
func (t *Try) connects(p *Person) {
	b := t.signIn(p)
	t.must(b, door.ComeBack, door.In{Link: t.goes(b, door.Connect, visitor(p))})
	t.must(b, door.Logout, door.In{})
	if p.App == nil {
		b = t.browser()
		t.must(b, door.ComeBack, door.In{Link: t.goes(b, door.GoAway, visitor(p))})
		t.honest(t.inside(b) == p.Email, "the other site does not let its user in")
	}
}

// connected is a person who signs in through the other site.
func (t *Try) connected() *Person {
	t.elsewhere()
	p := t.person()
	t.connects(p)
	return p
}

func siteForged(t *Try) {
	attacker := t.connected()
	back := t.goes(t.browser(), door.GoAway, visitor(attacker))
	victim := t.browser()
	t.visit(victim)
	t.attempt(victim, door.ComeBack, door.In{Link: back})
	t.worksIf(t.inside(victim) == attacker.Email, "the browser is signed in")
}

func siteReplay(t *Try) {
	p := t.connected()
	owner := t.browser()
	back := t.goes(owner, door.GoAway, visitor(p))
	thief := t.steal(owner)
	t.must(owner, door.ComeBack, door.In{Link: back})
	t.honest(t.inside(owner) == p.Email, "the other site does not let its user in")
	t.attempt(thief, door.ComeBack, door.In{Link: back})
	t.worksIf(t.inside(thief) == p.Email, "it opened a second session")
}

func siteInjection(t *Try) {
	p := t.connected()
	stolen := t.goes(t.browser(), door.GoAway, visitor(p))
	attacker := t.browser()
	own, err := url.Parse(t.goes(attacker, door.GoAway, visitor(t.stranger())))
	t.honest(err == nil, "%v", err)
	from, err := url.Parse(stolen)
	t.honest(err == nil, "%v", err)
	q := own.Query()
	q.Set("code", from.Query().Get("code"))
	own.RawQuery = q.Encode()
	t.attempt(attacker, door.ComeBack, door.In{Link: own.String()})
	t.worksIf(t.inside(attacker) == p.Email, "the code opened the account")
}

func siteOtherClient(t *Try) {
	p := t.connected()
	b, v := t.browser(), visitor(p)
	v.Client = "another-client"
	t.attempt(b, door.ComeBack, door.In{Link: t.goes(b, door.GoAway, v)})
	t.worksIf(t.inside(b) == p.Email, "the token is taken")
}

// claims comes from the other site with an address that it did not verify.
func (t *Try) claims(p *Person) {
	b := t.browser()
	v := door.Visitor{Subject: "attacker of " + p.Email, Email: p.Email}
	t.attempt(b, door.ComeBack, door.In{Link: t.goes(b, door.GoAway, v)})
	t.worksIf(t.inside(b) == p.Email, "the attacker is signed in with the address")
}

func siteUnverified(t *Try) {
	t.connected()
	t.claims(t.person())
}

func sitePlanted(t *Try) {
	t.connected()
	t.claims(t.stranger())
}

func afterSite(t *Try) {
	t.elsewhere()
	p := t.protected()
	t.connects(p)
	b := t.browser()
	t.attempt(b, door.ComeBack, door.In{Link: t.goes(b, door.GoAway, visitor(p))})
	t.worksIf(t.inside(b) == p.Email, "the other site is enough")
	t.attempt(b, door.Code, door.In{Code: p.App.Next()})
	t.honest(t.inside(b) == p.Email, "the other site and the app do not let the owner in")
}
