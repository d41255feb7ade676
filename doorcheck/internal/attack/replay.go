package attack

import (
	"fmt"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// The number of rounds and concurrent requests of a race, which succeeds only by chance.
const (
	rounds = 3
	racers = 8
)

// replays lists attacks that reuse single-use values, later or concurrently.
func replays() []Attack {
	const g = "Replay and races"
	return []Attack{
		{"totp-replay", g, "uses a code of the app that the owner has used, in another browser", totpReplay},
		{"totp-replay-same-browser", g, "uses it again in the same browser after signing out", totpReplaySameBrowser},
		{"totp-race", g, "gives one code in eight browsers at the same moment", totpRace},
		{"recovery-replay", g, "uses a recovery code twice", recoveryReplay},
		{"recovery-race", g, "gives one recovery code in eight browsers at the same moment", recoveryRace},
		{"recovery-old-set", g, "uses a recovery code of a set that was replaced", recoveryOldSet},
		{"mailcode-replay", g, "uses a mailed code twice", mailCodeTwice},
		{"reset-replay", g, "uses a link for a new password twice", resetReplay},
		{"reset-race", g, "uses one link for a new password eight times at the same moment", resetRace},
		{"magic-replay", g, "uses a link that signs in twice", magicReplay},
		{"magic-race", g, "opens one such link eight times at the same moment", magicRace},
		{"link-scanner", g, "lets a mail scanner (GET and HEAD) use up the owner's link", linkScanner},
	}
}

// mailCodeTwice uses a mailed code for two sign-ins.
func mailCodeTwice(t *Try) {
	t.needs(door.SetUpMail, door.UseMailCode)
	p := t.withMail()
	past := t.mails(p.Email)
	owner := t.first(p)
	t.must(owner, door.AskMailCode, door.In{})
	code := t.mailedCode(p.Email, past, 10*time.Second)
	t.honest(code != "", "no code was mailed")
	thief := t.steal(owner)
	t.must(owner, door.UseMailCode, door.In{Code: code})
	t.honest(t.inside(owner) == p.Email, "the mailed code does not let the owner in")
	t.must(owner, door.Logout, door.In{})
	t.must(thief, door.Login, door.In{Email: p.Email, Password: p.Password})
	t.attempt(thief, door.UseMailCode, door.In{Code: code})
	t.worksIf(t.inside(thief) == p.Email, "the code opened a second session")
}

// race sends one code concurrently from many browsers that are in the second step.
func (t *Try) race(p *Person, v door.Verb, next func() string) {
	var browsers []*door.Browser
	for range racers {
		browsers = append(browsers, t.first(p))
	}
	code := next()
	t.together(browsers, v, func(int) door.In { return door.In{Code: code} })
	t.countInside(browsers, p)
}

func (t *Try) countInside(browsers []*door.Browser, p *Person) {
	n := 0
	for _, b := range browsers {
		if t.inside(b) == p.Email {
			n++
		}
	}
	t.honest(n > 0, "none of %d browsers is let in", len(browsers))
	t.worksIf(n > 1, "%d of %d browsers are signed in", n, len(browsers))
}

// withCodes returns a protected person with recovery codes.
func (t *Try) withCodes() (*Person, []string) {
	t.needs(door.MakeCodes, door.UseCode)
	p := t.person()
	b := t.signIn(p)
	codes := t.addApp(b, p).Codes
	if len(codes) == 0 {
		codes = t.must(b, door.MakeCodes, door.In{Password: p.Password}).Codes
	}
	t.honest(len(codes) > 0, "no recovery codes were shown")
	return p, codes
}

// withMail returns a person whose second factor is a mailed code.
func (t *Try) withMail() *Person {
	t.needs(door.SetUpMail)
	p := t.person()
	b := t.signIn(p)
	t.setUpMagic(b, p)
	past := t.mails(p.Email)
	t.must(b, door.SetUpMail, door.In{Email: p.Email, Password: p.Password})
	if t.Site.Steps[door.SetUpMailEnd] != nil {
		code := t.mailedCode(p.Email, past, 10*time.Second)
		t.must(b, door.SetUpMailEnd, door.In{Code: code, Password: p.Password})
	}
	return p
}

func (t *Try) askReset(p *Person) string {
	t.needs(door.AskReset, door.Reset)
	past := t.mails(p.Email)
	t.must(t.browser(), door.AskReset, door.In{Email: p.Email})
	return t.link(p.Email, door.Reset, past)
}

func (t *Try) askMagic(p *Person) (*door.Browser, string) {
	t.needs(door.AskMagic, door.UseMagic)
	if !p.magic {
		t.setUpMagic(t.signIn(p), p)
	}
	past := t.mails(p.Email)
	b := t.browser()
	t.must(b, door.AskMagic, door.In{Email: p.Email})
	return b, t.link(p.Email, door.UseMagic, past)
}

// setUpMagic enables sign-in with mailed links, where the site has such an option.
func (t *Try) setUpMagic(b *door.Browser, p *Person) {
	p.magic = true
	if t.Site.Steps[door.SetUpMagic] == nil {
		return
	}
	past := t.mails(p.Email)
	t.must(b, door.SetUpMagic, door.In{})
	t.must(b, door.SetUpMagicEnd, door.In{Code: t.mailedCode(p.Email, past, 10*time.Second)})
}

// used is an owner who has signed in with a code, and that code.
func (t *Try) used(p *Person, v door.Verb, code string) *door.Browser {
	owner := t.first(p)
	t.must(owner, v, door.In{Code: code})
	t.honest(t.inside(owner) == p.Email, "a right code does not let the owner in")
	return owner
}

// again uses a code in the second step of a browser.
func (t *Try) again(b *door.Browser, p *Person, v door.Verb, code, what string) {
	t.attempt(b, v, door.In{Code: code})
	t.worksIf(t.inside(b) == p.Email, "%s opened a second session", what)
}

// totpReplay uses a code of the app again in another browser.
func totpReplay(t *Try) {
	p := t.protected()
	code := p.App.Next()
	t.used(p, door.Code, code)
	t.again(t.first(p), p, door.Code, code, "the code")
}

// totpReplaySameBrowser uses the code again in the same browser after signing out.
func totpReplaySameBrowser(t *Try) {
	p := t.protected()
	code := p.App.Next()
	b := t.used(p, door.Code, code)
	t.must(b, door.Logout, door.In{})
	t.honest(t.inside(b) == "", "signing out does nothing")
	t.must(b, door.Login, door.In{Email: p.Email, Password: p.Password})
	t.again(b, p, door.Code, code, "the code")
}

// totpRace sends one code concurrently from eight browsers.
func totpRace(t *Try) {
	p := t.protected()
	t.race(p, door.Code, p.App.Next)
}

// recoveryReplay uses a recovery code twice.
func recoveryReplay(t *Try) {
	p, codes := t.withCodes()
	t.used(p, door.UseCode, codes[0])
	t.again(t.first(p), p, door.UseCode, codes[0], "the recovery code")
}

// recoveryRace sends one recovery code concurrently from eight browsers.
func recoveryRace(t *Try) {
	for range rounds {
		p, codes := t.withCodes()
		t.race(p, door.UseCode, func() string { return codes[0] })
	}
}

// recoveryOldSet uses a recovery code of a set that was replaced.
func recoveryOldSet(t *Try) {
	p, old := t.withCodes()
	b := t.signIn(p)
	fresh := t.must(b, door.MakeCodes, door.In{Password: p.Password}).Codes
	thief := t.first(p)
	t.attempt(thief, door.UseCode, door.In{Code: old[0]})
	t.worksIf(t.inside(thief) == p.Email, "a code of the old set opened a session")
	t.used(p, door.UseCode, fresh[0])
}

// resetReplay uses a reset link twice.
func resetReplay(t *Try) {
	p := t.person()
	link := t.askReset(p)
	fresh := &Person{Email: p.Email, Password: t.stranger().Password}
	t.must(t.browser(), door.Reset, door.In{Link: link, Password: fresh.Password})
	t.signIn(fresh)
	theirs := &Person{Email: p.Email, Password: t.stranger().Password}
	t.attempt(t.browser(), door.Reset, door.In{Link: link, Password: theirs.Password})
	thief := t.browser()
	t.attempt(thief, door.Login, door.In{Email: p.Email, Password: theirs.Password})
	t.worksIf(t.inside(thief) == p.Email, "the link set a second password")
}

// resetRace uses one reset link eight times concurrently.
func resetRace(t *Try) {
	for range rounds {
		p := t.person()
		link := t.askReset(p)
		var browsers []*door.Browser
		for range racers {
			browsers = append(browsers, t.browser())
		}
		word := t.stranger().Password
		n := t.together(browsers, door.Reset, func(i int) door.In {
			return door.In{Link: link, Password: fmt.Sprintf("%s %d", word, i)}
		})
		t.honest(n > 0, "no reset was taken")
		t.worksIf(n > 1, "%d of %d were taken", n, racers)
	}
}

// magicReplay uses a sign-in link twice.
func magicReplay(t *Try) {
	p := t.person()
	b, link := t.askMagic(p)
	thief := t.steal(b)
	t.must(b, door.UseMagic, door.In{Link: link})
	t.honest(t.inside(b) == p.Email, "the link does not let the owner in")
	t.attempt(thief, door.UseMagic, door.In{Link: link})
	t.worksIf(t.inside(thief) == p.Email, "the link opened a second session")
}

// magicRace opens one sign-in link eight times concurrently.
func magicRace(t *Try) {
	for range rounds {
		p := t.person()
		b, link := t.askMagic(p)
		var browsers []*door.Browser
		for range racers {
			browsers = append(browsers, t.steal(b))
		}
		t.together(browsers, door.UseMagic, func(int) door.In { return door.In{Link: link} })
		t.countInside(browsers, p)
	}
}

// linkScanner checks whether a mail scanner (GET and HEAD) uses up the owner's link.
func linkScanner(t *Try) {
	p := t.person()
	b, link := t.askMagic(p)
	scanner := t.browser()
	for _, method := range []string{"HEAD", "GET"} {
		_, err := scanner.Do(method, link, nil)
		t.honest(err == nil, "%v", err)
	}
	t.worksIf(t.inside(scanner) == p.Email, "the scanner is signed in")
	t.attempt(b, door.UseMagic, door.In{Link: link})
	t.worksIf(t.inside(b) != p.Email, "the owner's link is used up")
}
