package attack

import "github.com/twofold-auth/twofold/doorcheck/internal/door"

// passkeys lists attacks on the use of a passkey (WebAuthn Level 3, section 7.2).
func passkeys() []Attack {
	const g = "Passkeys: signing in"
	return []Attack{
		{"passkey-replay", g, "gives an answer of the owner's passkey a second time", passkeyReplay},
		{"passkey-race", g, "gives one answer in eight browsers at the same moment", passkeyRace},
		{"passkey-challenge", g, "gives an answer to an earlier question", passkeyChallenge},
		{"passkey-other-browser", g, "gives the owner's answer, not used yet, in another browser than was asked",
			passkeyElsewhere},
		{"passkey-origin", g, "has the owner answer on a page of a sibling host (origin)",
			uses(func(t *Try, _ *Person) door.Lie { return door.Lie{Origin: t.sibling()} })},
		{"passkey-rp", g, "gives an answer that is for another site (RP id)",
			uses(func(*Try, *Person) door.Lie { return door.Lie{RPID: "evil.example"} })},
		{"passkey-type", g, "gives an answer of the type of a registration",
			uses(func(*Try, *Person) door.Lie { return door.Lie{Type: "webauthn.create"} })},
		{"passkey-untouched", g, "has the authenticator answer while no one is there (user presence)",
			uses(func(*Try, *Person) door.Lie { return door.Lie{Untouched: true, Unverified: true} })},
		{"passkey-unverified", g, "has the passkey of an account with an app, but not the finger, face or PIN",
			passkeyUnverified},
		{"passkey-counter", g, "uses a copy of a security key, whose counter is behind", passkeyCounter},
		{"passkey-signature", g, "names the owner's passkey, and signs with their own", passkeySignature},
		{"passkey-handle", g, "uses their own passkey, and names the owner as its user", passkeyHandle},
		{"passkey-other-account", g, "uses their own passkey as the second factor after the owner's password",
			passkeyOther},
	}
}

// uses tries a manipulated assertion.
func uses(lie func(t *Try, p *Person) door.Lie) func(*Try) {
	return func(t *Try) {
		p := t.keyed()
		l := lie(t, p)
		for _, page := range []string{"", l.Origin} { // the request may say of itself what the answer says
			b := t.browser()
			in := t.answers(b, p.Key, l)
			b.Page = page
			t.attempt(b, door.GiveAssertion, in)
			b.Page = ""
			t.worksIf(t.inside(b) == p.Email, "the answer opened a session")
		}
	}
}

func passkeyReplay(t *Try) {
	p := t.keyed()
	owner := t.browser()
	in := t.answers(owner, p.Key, door.Lie{})
	thief := t.steal(owner)
	t.must(owner, door.GiveAssertion, in)
	t.honest(t.inside(owner) == p.Email, "the passkey does not let its owner in")
	t.attempt(thief, door.GiveAssertion, in)
	t.worksIf(t.inside(thief) == p.Email, "the answer opened a second session")
}

func passkeyRace(t *Try) {
	p := t.keyed()
	b := t.browser()
	in := t.answers(b, p.Key, door.Lie{})
	var browsers []*door.Browser
	for range 8 {
		browsers = append(browsers, t.steal(b))
	}
	t.together(browsers, door.GiveAssertion, func(int) door.In { return in })
	inside := 0
	for _, b := range browsers {
		if t.inside(b) == p.Email {
			inside++
		}
	}
	t.honest(inside > 0, "no browser is signed in")
	t.worksIf(inside > 1, "%d of 8 browsers are signed in", inside)
}

func passkeyChallenge(t *Try) {
	p := t.keyed()
	thief := t.browser()
	earlier := t.must(thief, door.AskAssertion, door.In{})
	in := t.answers(thief, p.Key, door.Lie{Challenge: door.ChallengeOf(earlier.Question)})
	t.attempt(thief, door.GiveAssertion, in)
	t.worksIf(t.inside(thief) == p.Email, "the answer opened a session")
}

func passkeyElsewhere(t *Try) {
	p := t.keyed()
	in := t.answers(t.browser(), p.Key, door.Lie{})
	thief := t.browser()
	t.attempt(thief, door.GiveAssertion, in)
	t.worksIf(t.inside(thief) == p.Email, "the answer opened a session in another browser")
	t.answers(thief, p.Key, door.Lie{}) // and in one that was asked something else
	t.attempt(thief, door.GiveAssertion, in)
	t.worksIf(t.inside(thief) == p.Email, "the answer opened a session in another browser")
}

func passkeyUnverified(t *Try) {
	t.needs(door.AskPasskey, door.AddPasskey, door.AskAssertion, door.GiveAssertion)
	p := t.protected()
	t.addKey(t.signIn(p), p, door.AskPasskey, door.Lie{})
	thief := t.byKey(p.Key, door.Lie{Unverified: true})
	t.worksIf(t.inside(thief) == p.Email, "the device alone is enough")
	b := t.byKey(p.Key, door.Lie{})
	if t.inside(b) != p.Email {
		t.attempt(b, door.Code, door.In{Code: p.App.Next()})
	}
	t.honest(t.inside(b) == p.Email, "the owner is not let in")
}

func passkeyCounter(t *Try) {
	p := t.keyedWith(door.Lie{Counts: true})
	stolen := *p.Key
	stolen.Counter = 0
	t.enterByKey(p)
	t.worksIf(t.inside(t.byKey(&stolen, door.Lie{})) == p.Email, "the copy is taken")
}

func passkeySignature(t *Try) {
	p, attacker := t.keyed(), t.keyed()
	thief := t.byKey(attacker.Key, door.Lie{ID: p.Key.ID, Handle: p.Key.Handle})
	t.worksIf(t.inside(thief) == p.Email, "the signature is taken")
}

func passkeyHandle(t *Try) {
	p, attacker := t.keyed(), t.keyed()
	thief := t.byKey(attacker.Key, door.Lie{Handle: p.Key.Handle})
	t.worksIf(t.inside(thief) == p.Email, "the attacker is signed in to the owner's account")
}

// withSecond adds a passkey as second factor.
func (t *Try) withSecond(p *Person) *Person {
	t.needs(door.AskSecond, door.AddPasskey, door.AskAssertion, door.GiveAssertion)
	t.addKey(t.signIn(p), p, door.AskSecond, door.Lie{})
	return p
}

// secondByKey sends the password and then the assertion of a passkey.
func (t *Try) secondByKey(p *Person, k *door.Passkey) *door.Browser {
	b := t.first(p)
	t.honest(t.inside(b) == "", "the password is enough, though there is a second factor")
	t.attempt(b, door.GiveAssertion, t.answers(b, k, door.Lie{}))
	return b
}

func passkeyOther(t *Try) {
	p, attacker := t.withSecond(t.person()), t.withSecond(t.person())
	t.honest(t.inside(t.secondByKey(p, p.Key)) == p.Email, "the passkey does not let its owner in")
	t.worksIf(t.inside(t.secondByKey(p, attacker.Key)) == p.Email, "the attacker's passkey is taken")
}
