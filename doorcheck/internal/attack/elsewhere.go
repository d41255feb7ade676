package attack

import (
	"net/url"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// elsewhere lists attacks on the sign-in with an OAuth provider (RFC 9700; OpenID Connect Core 1.0,
// section 3.1.3.7).
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
		{"site-no-code", g, "makes an account so of an address that the other site calls verified, without its mailbox",
			siteNoCode},
		{"former-claim", g, "signs in with the password of a former system, where they gave the victim's address as " +
			"theirs",
			formerClaim},
		{"after-site", g, "signs in through the other site to an account with an app", afterSite},
	}
}

// visitor is a person at the provider.
func visitor(p *Person) door.Visitor {
	return door.Visitor{Subject: "user of " + p.Email, Email: p.Email, Verified: true}
}

// goes follows the redirect to the provider and returns the callback.
func (t *Try) goes(b *door.Browser, by door.Verb, v door.Visitor) string {
	t.needs(by, door.ComeBack)
	out := t.must(b, by, door.In{})
	back, err := t.Site.Provider.Visit(out.Location, v)
	t.honest(err == nil, "%v", err)
	return back
}

// connects connects the person's account at the provider to this one, and checks whether it signs
// in.
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

// connected returns a person who signs in with the provider.
func (t *Try) connected() *Person {
	t.needs(door.Connect)
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

// claims signs in with the provider and an address that it did not verify.
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

// siteNoCode checks sites that require a mailed code for an address from a provider, which may be
// outdated or false. Such a site must not continue without the code. A site that accepts the
// address as proven is not at fault.
func siteNoCode(t *Try) {
	t.needs(door.Connect, door.FinishSignUp)
	p, b := t.stranger(), t.browser()
	t.must(b, door.ComeBack, door.In{Link: t.goes(b, door.GoAway, visitor(p))})
	if t.inside(b) != p.Email {
		t.must(b, door.FinishSignUp, door.In{Code: t.mailedCode(p.Email, 0, 10*time.Second)})
	}
	t.honest(t.inside(b) == p.Email, "the mailed code does not end the sign-up")
	victim, thief := t.stranger(), t.browser()
	t.attempt(thief, door.ComeBack, door.In{Link: t.goes(thief, door.GoAway, visitor(victim))})
	for _, code := range []string{"", "000000"} {
		t.attempt(thief, door.FinishSignUp, door.In{Code: code})
		t.worksIf(t.inside(thief) == victim.Email, "the attacker is signed in with the address")
	}
}

// formerClaim requires accounts that wait for the former system.
func formerClaim(t *Try) {
	if t.Site.Former == nil {
		t.finish(NotOffered, "no former system is asked for passwords")
	}
	signsIn := func(identity, password string) string {
		b := t.browser()
		t.attempt(b, door.Login, door.In{Email: identity, Password: password})
		return t.inside(b)
	}
	owner, victim := t.Site.Former.Take(), t.Site.Former.Take()
	t.honest(victim != "", "no accounts wait")
	word := t.stranger().Password
	t.Site.Former.Put(owner, door.FormerUser{Password: word, Email: owner, Proven: true})
	t.honest(signsIn(owner, word) == owner, "the password of the former system does not let its owner in")
	attacker := t.stranger()
	t.Site.Former.Put(attacker.Email, door.FormerUser{Password: attacker.Password, Email: victim})
	for _, identity := range []string{attacker.Email, victim} {
		t.worksIf(signsIn(identity, attacker.Password) == victim, "the attacker is signed in to the victim's account")
	}
}

func afterSite(t *Try) {
	t.needs(door.Connect)
	p := t.protected()
	t.connects(p)
	b := t.browser()
	t.attempt(b, door.ComeBack, door.In{Link: t.goes(b, door.GoAway, visitor(p))})
	t.worksIf(t.inside(b) == p.Email, "the other site is enough")
	t.attempt(b, door.Code, door.In{Code: p.App.Next()})
	t.honest(t.inside(b) == p.Email, "the other site and the app do not let the owner in")
}
