package attack

import (
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// sideDoors lists ways to reach the protected page with one of two factors.
func sideDoors() []Attack {
	const g = "Side doors: one factor of two"
	return []Attack{
		{"first-factor-only", g, "opens the protected page after the password alone", firstFactorOnly},
		{"after-reset", g, "sets a new password by mail and is signed in without the app", afterReset},
		{"after-magic-link", g, "signs in by a mailed link to an account with an app", afterMagicLink},
		{"after-registration", g, "registers the address of an account with an app once more", afterRegistration},
		{
			"remember-before-code", g,
			"keeps the remember-me cookie of a sign-in that ended after the password",
			rememberBeforeCode,
		},
		{"token-before-code", g, "asks for a token with the password alone", tokenBeforeCode},
		{"set-up-before-code", g, "sets up an app of their own after the password alone", setUpBeforeCode},
		{"codes-before-code", g, "makes recovery codes after the password alone", codesBeforeCode},
		{"disable-before-code", g, "takes the second factor off after the password alone", disableBeforeCode},
	}
}

func (t *Try) maybeConfirm(to string, past int) string {
	if t.Site.Steps[door.Confirm] == nil {
		return ""
	}
	return t.maybeLink(to, door.Confirm, past)
}

// planted lists attacks with accounts that an attacker prepares for a victim who has none yet
// (Sudhodanan and Paverd, "Pre-hijacked accounts", USENIX Security 2022).
func planted() []Attack {
	const g = "Pre-hijacking"
	return []Attack{
		{
			"planted-password", g,
			"registers the victim's address; the password stays good after the owner came",
			plantedPassword,
		},
		{
			"planted-factor", g,
			"sets up an app there first; it locks the owner out or lets the attacker in",
			plantedFactor,
		},
		{"planted-session", g, "stays signed in there while the owner takes the account over", plantedSession},
		{
			"planted-address", g,
			"asks for a change to their own address there, and completes it afterwards",
			plantedAddress,
		},
	}
}

// plant registers a victim's address as an attacker, runs more steps, and lets the owner take the
// account over with a reset, or with a confirmation that sets a password.
func (t *Try) plant(more func(b *door.Browser, p *Person)) (attacker, owner *Person, b *door.Browser) {
	t.needs(door.AskReset, door.Reset)
	attacker = t.stranger()
	b = t.browser()
	t.must(b, door.Register, door.In{Email: attacker.Email, Password: attacker.Password})
	t.attempt(b, door.Login, door.In{Email: attacker.Email, Password: attacker.Password})
	if more != nil {
		more(b, attacker)
	}
	owner = &Person{Email: attacker.Email, Password: t.stranger().Password}
	home := t.browser()
	link := t.ownersLink(home, owner, 3*time.Second)
	if link == "" { // an address must be confirmed first
		t.must(home, door.Confirm, door.In{Link: t.link(owner.Email, door.Confirm, 0), Password: owner.Password})
		fresh := t.browser()
		t.attempt(fresh, door.Login, door.In{Email: owner.Email, Password: owner.Password})
		if t.inside(fresh) == owner.Email {
			return attacker, owner, b
		}
		link = t.ownersLink(t.browser(), owner, 10*time.Second)
		t.honest(link != "", "the owner gets no link for a new password")
	}
	t.must(t.browser(), door.Reset, door.In{Link: link, Password: owner.Password})
	return attacker, owner, b
}

// ownersLink requests a reset and waits for its link.
func (t *Try) ownersLink(b *door.Browser, owner *Person, patience time.Duration) (link string) {
	past := t.mails(owner.Email)
	t.attempt(b, door.AskReset, door.In{Email: owner.Email})
	t.await(func() bool { return t.mails(owner.Email) > past }, patience)
	if t.mails(owner.Email) > past {
		link = t.Site.Links[door.Reset].FindString(t.newest(owner.Email))
	}
	return link
}

func (t *Try) newest(to string) string {
	if list := t.Site.Mail.To(to); len(list) > 0 {
		return list[len(list)-1].Text
	}
	return ""
}

// enterTry signs the owner in as far as possible. If the site mails another confirmation link, the
// owner follows it.
func (t *Try) enterTry(owner *Person) *door.Browser {
	b := t.browser()
	t.attempt(b, door.Login, door.In{Email: owner.Email, Password: owner.Password})
	if t.inside(b) == "" && t.Site.Steps[door.Confirm] != nil {
		if link := t.maybeLink(owner.Email, door.Confirm, 0); link != "" {
			t.attempt(b, door.Confirm, door.In{Link: link, Password: owner.Password})
			t.attempt(b, door.Login, door.In{Email: owner.Email, Password: owner.Password})
		}
	}
	return b
}

// enter signs the owner in, which must succeed.
func (t *Try) enter(_, owner *Person) {
	t.honest(t.inside(t.enterTry(owner)) == owner.Email, "the owner is not let in")
}

// firstFactorOnly requests the protected page after the password only.
func firstFactorOnly(t *Try) {
	p := t.protected()
	thief := t.first(p)
	t.worksIf(t.inside(thief) == p.Email, "the password is enough")
	t.must(thief, door.Code, door.In{Code: p.App.Next()})
	t.honest(t.inside(thief) == p.Email, "the owner is not let in")
}

// afterReset resets the password by mail and checks whether the browser is signed in without the
// app.
func afterReset(t *Try) {
	p := t.protected()
	link := t.askReset(p)
	b := t.browser()
	p.Password = t.stranger().Password
	t.must(b, door.Reset, door.In{Link: link, Password: p.Password})
	t.worksIf(t.inside(b) == p.Email, "the reset signs in")
	t.attempt(b, door.Login, door.In{Email: p.Email, Password: p.Password})
	t.worksIf(t.inside(b) == p.Email, "the app is not asked for after a reset")
	t.signIn(p)
}

// afterMagicLink signs in with a mailed link to an account with an app.
func afterMagicLink(t *Try) {
	other := t.person()
	b, link := t.askMagic(other)
	t.must(b, door.UseMagic, door.In{Link: link})
	t.honest(t.inside(b) == other.Email, "the link does not let in a person without an app")
	p := t.protected()
	b, link = t.askMagic(p)
	t.attempt(b, door.UseMagic, door.In{Link: link})
	t.worksIf(t.inside(b) == p.Email, "the link is enough")
}

// afterRegistration registers the address of an account with an app again.
func afterRegistration(t *Try) {
	p := t.protected()
	past := t.mails(p.Email)
	b := t.browser()
	word := t.stranger().Password
	t.attempt(b, door.Register, door.In{Email: p.Email, Password: word})
	t.worksIf(t.inside(b) == p.Email, "registering signs in")
	if link := t.maybeConfirm(p.Email, past); link != "" {
		t.attempt(b, door.Confirm, door.In{Link: link, Password: word})
		t.worksIf(t.inside(b) == p.Email, "confirming signs in")
	}
	t.attempt(b, door.Login, door.In{Email: p.Email, Password: word})
	t.worksIf(t.inside(b) == p.Email, "the second password signs in")
	t.signIn(p)
}

// rememberBeforeCode keeps the remember-me cookie of a sign-in that stopped after the password.
func rememberBeforeCode(t *Try) {
	p := t.person()
	b := t.browser()
	t.signInAt(b, p, door.In{Remember: true})
	b.Close()
	if t.inside(b) != p.Email {
		t.finish(NotOffered, "browsers are not remembered")
	}
	p = t.protected()
	thief := t.browser()
	t.must(thief, door.Login, door.In{Email: p.Email, Password: p.Password, Remember: true})
	thief.Close()
	t.worksIf(t.inside(thief) == p.Email, "the cookie opens the account")
	t.signIn(p)
}

// tokenBeforeCode requests a token with the password only.
func tokenBeforeCode(t *Try) {
	t.needs(door.TakeToken, door.WhoToken)
	p := t.protected()
	b := t.browser()
	b.Vars["token"] = "1"
	t.must(b, door.Login, door.In{Email: p.Email, Password: p.Password})
	if out, ok := t.attempt(b, door.TakeToken, door.In{Password: p.Password}); ok {
		who, _ := t.attempt(t.browser(), door.WhoToken, door.In{Token: out.Token})
		t.worksIf(who.Email == p.Email, "the token opens the account")
	}
	t.must(b, door.Code, door.In{Code: p.App.Next()})
	out := t.must(b, door.TakeToken, door.In{Password: p.Password})
	who := t.must(t.browser(), door.WhoToken, door.In{Token: out.Token})
	t.honest(who.Email == p.Email, "the owner's token opens nothing")
}

// setUpBeforeCode enrolls the attacker's app after the password only.
func setUpBeforeCode(t *Try) {
	p := t.protected()
	thief := t.first(p)
	if out, ok := t.attempt(thief, door.SetUp, door.In{Password: p.Password}); ok && out.Secret != "" {
		if app, err := door.NewApp(out.Secret); err == nil {
			t.attempt(thief, door.SetUpEnd, door.In{Code: app.Next(), Password: p.Password})
			t.worksIf(t.inside(thief) == p.Email, "the set-up signs in")
			again := t.first(p)
			t.attempt(again, door.Code, door.In{Code: app.Next()})
			t.worksIf(t.inside(again) == p.Email, "the attacker's app is taken")
		}
	}
	t.signIn(p)
}

// codesBeforeCode creates recovery codes after the password only.
func codesBeforeCode(t *Try) {
	p, _ := t.withCodes()
	thief := t.first(p)
	if out, ok := t.attempt(thief, door.MakeCodes, door.In{Password: p.Password}); ok && len(out.Codes) > 0 {
		t.attempt(thief, door.UseCode, door.In{Code: out.Codes[0]})
		t.worksIf(t.inside(thief) == p.Email, "such a code opens the account")
	}
	t.signIn(p)
}

// disableBeforeCode removes the second factor after the password only.
func disableBeforeCode(t *Try) {
	p := t.protected()
	thief := t.first(p)
	t.attempt(thief, door.Disable, door.In{Password: p.Password})
	again := t.first(p)
	t.worksIf(t.inside(again) == p.Email, "the password is enough from then on")
	t.signIn(p)
}

// plantedPassword registers the victim's address and checks whether the password remains valid
// after the owner takes over.
func plantedPassword(t *Try) {
	attacker, owner, _ := t.plant(nil)
	t.enter(attacker, owner)
	thief := t.browser()
	t.attempt(thief, door.Login, door.In{Email: owner.Email, Password: attacker.Password})
	t.worksIf(t.inside(thief) == owner.Email, "the attacker's password opens the account")
}

// plantedFactor enrolls an app there first and checks whether it locks the owner out or signs the
// attacker in.
func plantedFactor(t *Try) {
	attacker, owner, _ := t.plant(func(b *door.Browser, p *Person) {
		if out, ok := t.attempt(b, door.SetUp, door.In{Password: p.Password}); ok && out.Secret != "" {
			if app, err := door.NewApp(out.Secret); err == nil {
				t.attempt(b, door.SetUpEnd, door.In{Code: app.Next(), Password: p.Password})
				p.App = app
			}
		}
	})
	b := t.enterTry(owner)
	t.worksIf(t.inside(b) != owner.Email && attacker.App != nil, "the owner is asked for the attacker's app")
	t.honest(t.inside(b) == owner.Email, "the owner is not let in")
}

// plantedSession keeps its session while the owner takes the account over.
func plantedSession(t *Try) {
	attacker, owner, b := t.plant(nil)
	t.enter(attacker, owner)
	t.worksIf(t.inside(b) == owner.Email, "the attacker's session goes on")
}

// plantedAddress requests a change to the attacker's address and completes it after the owner takes
// over.
func plantedAddress(t *Try) {
	t.needs(door.ChangeEmail, door.ChangeEmailEnd)
	theirs := t.stranger()
	attacker, owner, b := t.plant(func(b *door.Browser, p *Person) {
		t.attempt(b, door.ChangeEmail, door.In{New: theirs.Email, Password: p.Password})
	})
	t.enter(attacker, owner)
	link := t.maybeLink(theirs.Email, door.ChangeEmailEnd, 0)
	if link == "" {
		t.refused("no link was mailed")
	}
	for _, at := range []*door.Browser{b, t.browser()} {
		t.attempt(at, door.ChangeEmailEnd, door.In{Link: link})
	}
	thief := t.browser()
	t.attempt(thief, door.Login, door.In{Email: theirs.Email, Password: owner.Password})
	t.worksIf(t.inside(thief) == theirs.Email, "the account has the attacker's address")
	t.enter(attacker, owner)
}
