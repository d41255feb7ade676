package attack

import (
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// Freshness is the maximum age of a proof for security changes at the sites that doorcheck starts.
// For other sites, use -freshness.
var Freshness = 20 * time.Second

// weaker lists attacks that count one thing twice or make the account weaker.
func weaker() []Attack {
	const g, d = "Independence", "Downgrade"
	return []Attack{
		{"mail-twice-magic", g, "signs in by a mailed link and a mailed code: the mailbox alone", mailTwiceMagic},
		{
			"mail-twice-reset", g,
			"sets a new password by mail and signs in with a mailed code: the mailbox alone",
			mailTwiceReset,
		},
		{
			"mailbox-instead-of-app", g,
			"sets a new password by mail, then has a code mailed in place of the app",
			mailboxInsteadOfApp,
		},
		{"disable-stale", d, "takes the second factor off with a stolen session, without a fresh proof", disableStale},
		{"replace-stale", d, "sets up another app with a stolen session, without a fresh proof", replaceStale},
		{"codes-stale", d, "makes recovery codes with a stolen session, without a fresh proof", codesStale},
		{"address-stale", d, "changes the address with a stolen session, without a fresh proof", addressStale},
		{"delete-stale", d, "deletes the account with a stolen session, without a fresh proof", deleteStale},
	}
}

// age waits until a proof is too old.
func (t *Try) age() { time.Sleep(Freshness + 2*time.Second) }

// mailedOwner returns a person whose second factor is mail, and who can sign in with the password
// and a mailed code.
func (t *Try) mailedOwner() *Person {
	p := t.withMail()
	past := t.mails(p.Email)
	b := t.first(p)
	t.must(b, door.AskMailCode, door.In{})
	t.must(b, door.UseMailCode, door.In{Code: t.mailedCode(p.Email, past, 10*time.Second)})
	t.honest(t.inside(b) == p.Email, "the mailed code does not let the owner in")
	return p
}

// mailboxAlone continues with a code from the mailbox and checks whether that is enough.
func (t *Try) mailboxAlone(b *door.Browser, p *Person, past int) {
	t.worksIf(t.inside(b) == p.Email, "the mailbox is enough")
	t.attempt(b, door.AskMailCode, door.In{})
	code := t.mailedCode(p.Email, past, 3*time.Second)
	if code == "" {
		return
	}
	t.attempt(b, door.UseMailCode, door.In{Code: code})
	t.worksIf(t.inside(b) == p.Email, "the mailbox is enough")
}

// mailTwiceMagic signs in with a mailed link and a mailed code, which both depend on the mailbox.
func mailTwiceMagic(t *Try) {
	t.needs(door.SetUpMail, door.AskMagic, door.UseMagic)
	p := t.mailedOwner()
	b, link := t.askMagic(p)
	past := t.mails(p.Email)
	t.attempt(b, door.UseMagic, door.In{Link: link})
	t.mailboxAlone(b, p, past)
}

// mailTwiceReset resets the password by mail and signs in with a mailed code, which both depend on
// the mailbox.
func mailTwiceReset(t *Try) {
	p := t.mailedOwner()
	b := t.browser()
	word := t.stranger().Password
	t.must(b, door.Reset, door.In{Link: t.askReset(p), Password: word})
	past := t.mails(p.Email)
	t.attempt(b, door.Login, door.In{Email: p.Email, Password: word})
	t.mailboxAlone(b, p, past)
}

// mailboxInsteadOfApp resets the password by mail, then requests a mailed code instead of the
// app's.
func mailboxInsteadOfApp(t *Try) {
	t.needs(door.AskMailCode, door.UseMailCode)
	p := t.protected()
	b := t.browser()
	p.Password = t.stranger().Password
	t.must(b, door.Reset, door.In{Link: t.askReset(p), Password: p.Password})
	past := t.mails(p.Email)
	t.attempt(b, door.Login, door.In{Email: p.Email, Password: p.Password})
	t.mailboxAlone(b, p, past)
	t.signIn(p)
}

// disableStale removes the second factor in a stolen session without a fresh proof.
func disableStale(t *Try) {
	p := t.protected()
	thief := t.steal(t.signIn(p))
	t.age()
	t.attempt(thief, door.Disable, door.In{})
	again := t.first(p)
	t.worksIf(t.inside(again) == p.Email, "the password is enough from then on")
}

// replaceStale enrolls another app in a stolen session without a fresh proof.
func replaceStale(t *Try) {
	p := t.protected()
	thief := t.steal(t.signIn(p))
	t.age()
	out, ok := t.attempt(thief, door.SetUp, door.In{})
	if !ok || out.Secret == "" {
		return
	}
	app, err := door.NewApp(out.Secret)
	t.honest(err == nil, "%v", err)
	t.attempt(thief, door.SetUpEnd, door.In{Code: app.Next()})
	again := t.first(p)
	t.attempt(again, door.Code, door.In{Code: app.Next()})
	t.worksIf(t.inside(again) == p.Email, "the attacker's app is taken")
}

// codesStale creates recovery codes in a stolen session without a fresh proof.
func codesStale(t *Try) {
	p, _ := t.withCodes()
	thief := t.steal(t.signIn(p))
	t.age()
	out, ok := t.attempt(thief, door.MakeCodes, door.In{})
	if !ok || len(out.Codes) == 0 {
		return
	}
	again := t.first(p)
	t.attempt(again, door.UseCode, door.In{Code: out.Codes[0]})
	t.worksIf(t.inside(again) == p.Email, "the attacker's codes are taken")
}

// deleteStale deletes the account, at once or later.
func deleteStale(t *Try) {
	t.must(t.signIn(t.person()), door.DeleteAccount, door.In{})
	thief := t.steal(t.signIn(t.protected()))
	t.age()
	_, taken := t.attempt(thief, door.DeleteAccount, door.In{})
	t.worksIf(taken, "the account is deleted, or will be")
}

// addressStale changes the address in a stolen session without a fresh proof.
func addressStale(t *Try) {
	t.needs(door.ChangeEmail, door.ChangeEmailEnd)
	p := t.protected()
	thief := t.steal(t.signIn(p))
	t.age()
	theirs := t.stranger()
	if _, ok := t.attempt(thief, door.ChangeEmail, door.In{New: theirs.Email}); !ok {
		return
	}
	if link := t.maybeLink(theirs.Email, door.ChangeEmailEnd, 0); link != "" {
		t.attempt(thief, door.ChangeEmailEnd, door.In{Link: link})
	}
	b := t.browser()
	t.attempt(b, door.Login, door.In{Email: theirs.Email, Password: p.Password})
	t.attempt(b, door.Code, door.In{Code: p.App.Next()})
	t.worksIf(t.inside(b) == theirs.Email, "the account has the attacker's address")
}
