package attack

import (
	"net/url"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// newPasskeys lists attacks on the registration of a passkey (WebAuthn Level 3, section 7.1), and
// on the account to which it is added or from which it is removed.
func newPasskeys() []Attack {
	const g = "Passkeys: a new one"
	return []Attack{
		{"passkey-new-origin", g, "has a passkey taken that a page of a sibling host asked for (origin)",
			registers(func(t *Try) door.Lie { return door.Lie{Origin: t.sibling()} })},
		{"passkey-new-rp", g, "has a passkey taken that is for another site (RP id)",
			registers(func(*Try) door.Lie { return door.Lie{RPID: "evil.example"} })},
		{"passkey-new-type", g, "has a passkey taken whose answer is of the type of a sign-in",
			registers(func(*Try) door.Lie { return door.Lie{Type: "webauthn.get"} })},
		{"passkey-new-challenge", g, "answers a question with the challenge of an earlier one", newChallenge},
		{"passkey-new-account", g, "has the victim's browser answer a question that the attacker's account was asked",
			newForVictim},
		{"passkey-taken-id", g, "registers a passkey with the id of the victim's", takenID},
		{"passkey-planted", g, "adds a passkey to an account of the victim's address before the victim comes",
			plantedPasskey},
		{"passkey-before-code", g, "adds a passkey of their own after the password alone", passkeyBeforeCode},
		{"passkey-stale", g, "adds a passkey of their own with a stolen session, without a fresh proof", passkeyStale},
		{"passkey-remove-stale", g, "removes the owner's passkey with a stolen session, without a fresh proof",
			removeStale},
		{"passkey-last-stale", g, "removes the last second factor, a passkey, so", lastStale},
	}
}

// sibling returns the origin of another host of the same domain, whose pages may use passkeys of
// the site.
func (t *Try) sibling() string {
	u, err := url.Parse(t.Site.Origin)
	t.honest(err == nil, "%v", err)
	u.Host = "blog." + u.Host
	return u.String()
}

// makes responds to the challenge of a new passkey.
func (t *Try) makes(question string, lie door.Lie) (*door.Passkey, string) {
	k, answer, err := door.NewPasskey(question, t.Site.Origin, lie)
	t.honest(err == nil, "%v", err)
	return k, answer
}

// addKey adds a passkey to the account of the signed-in user.
func (t *Try) addKey(b *door.Browser, p *Person, ask door.Verb, lie door.Lie) {
	out := t.must(b, ask, door.In{Password: p.Password})
	k, answer := t.makes(out.Question, lie)
	p.Key, p.KeyName = k, t.must(b, door.AddPasskey, door.In{State: out.State, Credential: answer}).Name
}

// tryKey is addKey for an attacker. It returns nil if the site refuses the passkey.
func (t *Try) tryKey(b *door.Browser, p *Person) *door.Passkey {
	out, ok := t.attempt(b, door.AskPasskey, door.In{Password: p.Password})
	if !ok || out.Question == "" {
		return nil
	}
	k, answer := t.makes(out.Question, door.Lie{})
	if _, ok = t.attempt(b, door.AddPasskey, door.In{State: out.State, Credential: answer}); !ok {
		return nil
	}
	return k
}

// keyed returns a person without a second factor who signs in with a passkey.
func (t *Try) keyed() *Person { return t.keyedWith(door.Lie{}) }

func (t *Try) keyedWith(lie door.Lie) *Person {
	t.needs(door.AskPasskey, door.AddPasskey, door.AskAssertion, door.GiveAssertion)
	p := t.person()
	t.addKey(t.signIn(p), p, door.AskPasskey, lie)
	t.enterByKey(p)
	return p
}

// enterByKey checks the regular use: the owner signs in with a passkey.
func (t *Try) enterByKey(p *Person) {
	t.honest(t.inside(t.byKey(p.Key, door.Lie{})) == p.Email, "the passkey does not let its owner in")
}

// byKey signs in with a passkey as far as possible.
func (t *Try) byKey(k *door.Passkey, lie door.Lie) *door.Browser {
	b := t.browser()
	t.attempt(b, door.GiveAssertion, t.answers(b, k, lie))
	return b
}

// answers requests a challenge and responds with a passkey.
func (t *Try) answers(b *door.Browser, k *door.Passkey, lie door.Lie) door.In {
	out := t.must(b, door.AskAssertion, door.In{})
	answer, err := k.Answer(out.Question, t.Site.Origin, lie)
	t.honest(err == nil, "%v", err)
	return door.In{State: out.State, Credential: answer}
}

// registers tries a manipulated registration.
func registers(lie func(t *Try) door.Lie) func(*Try) {
	return func(t *Try) {
		b, l := t.signIn(t.keyed()), lie(t)
		for _, page := range []string{"", l.Origin} { // the request may say of itself what the answer says
			out := t.must(b, door.AskPasskey, door.In{})
			_, answer := t.makes(out.Question, l)
			b.Page = page
			_, taken := t.attempt(b, door.AddPasskey, door.In{State: out.State, Credential: answer})
			t.worksIf(taken, "the passkey is taken")
			b.Page = ""
		}
	}
}

func newChallenge(t *Try) {
	b := t.signIn(t.keyed())
	earlier := t.must(b, door.AskPasskey, door.In{})
	out := t.must(b, door.AskPasskey, door.In{})
	_, answer := t.makes(out.Question, door.Lie{Challenge: door.ChallengeOf(earlier.Question)})
	_, taken := t.attempt(b, door.AddPasskey, door.In{State: out.State, Credential: answer})
	t.worksIf(taken, "the passkey is taken")
}

func newForVictim(t *Try) {
	p, attacker := t.keyed(), t.person()
	out := t.must(t.signIn(attacker), door.AskPasskey, door.In{})
	k, answer := t.makes(out.Question, door.Lie{})
	t.attempt(t.signIn(p), door.AddPasskey, door.In{State: out.State, Credential: answer})
	t.worksIf(t.inside(t.byKey(k, door.Lie{})) == p.Email, "the attacker's passkey opens the account")
}

func takenID(t *Try) {
	p, attacker := t.keyed(), t.person()
	b := t.signIn(attacker)
	out := t.must(b, door.AskPasskey, door.In{})
	k, answer := t.makes(out.Question, door.Lie{ID: p.Key.ID})
	if _, taken := t.attempt(b, door.AddPasskey, door.In{State: out.State, Credential: answer}); !taken {
		return
	}
	t.worksIf(t.inside(t.byKey(k, door.Lie{})) == p.Email, "the attacker's passkey opens the account")
	who := t.inside(t.byKey(p.Key, door.Lie{}))
	t.worksIf(who == attacker.Email, "the owner is signed in to the attacker's account")
	t.worksIf(who != p.Email, "the owner's passkey is not taken any more")
	t.refused("the id is stored twice, without effect on the owner")
}

func plantedPasskey(t *Try) {
	t.keyed()
	var planted *door.Passkey
	attacker, owner, _ := t.plant(func(b *door.Browser, p *Person) { planted = t.tryKey(b, p) })
	t.enter(attacker, owner)
	if planted == nil {
		t.refused("no passkey was taken")
	}
	t.worksIf(t.inside(t.byKey(planted, door.Lie{})) == owner.Email, "the attacker's passkey opens the account")
}

// opens ends the attack if a passkey of the attacker signs in to the account.
func (t *Try) opens(k *door.Passkey, p *Person) {
	if k != nil {
		t.worksIf(t.inside(t.byKey(k, door.Lie{})) == p.Email, "the attacker's passkey opens the account")
	}
}

func passkeyBeforeCode(t *Try) {
	t.keyed()
	p := t.protected()
	t.opens(t.tryKey(t.first(p), p), p)
	t.signIn(p)
}

func passkeyStale(t *Try) {
	p := t.keyed()
	thief := t.steal(t.signIn(p))
	t.age()
	t.opens(t.tryKey(thief, &Person{}), p)
}

func removeStale(t *Try) {
	other := t.keyed()
	t.must(t.signIn(other), door.RemovePasskey, door.In{Name: other.KeyName})
	t.honest(t.inside(t.byKey(other.Key, door.Lie{})) == "", "a passkey that its owner removed opens the account")
	p := t.keyed()
	thief := t.steal(t.signIn(p))
	t.age()
	t.attempt(thief, door.RemovePasskey, door.In{Name: p.KeyName})
	t.worksIf(t.inside(t.byKey(p.Key, door.Lie{})) != p.Email, "the owner's passkey is not taken any more")
}

func lastStale(t *Try) {
	t.needs(door.RemovePasskey)
	p := t.withSecond(t.person())
	thief := t.steal(t.secondByKey(p, p.Key))
	t.honest(t.inside(thief) == p.Email, "the passkey does not let its owner in")
	t.age()
	t.attempt(thief, door.RemovePasskey, door.In{Name: p.KeyName})
	t.worksIf(t.inside(t.first(p)) == p.Email, "the password is enough from then on")
}
