package attack

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// Try is a running attack.
type Try struct {
	Site *door.Site
}

// Person is an account with the credentials of its owner.
type Person struct {
	Email, Password string
	App             *door.App
	Secret          string
	Key             *door.Passkey
	KeyName         string // to remove it by
	magic           bool   // mailed links sign them in
}

var addresses atomic.Uint32

// finish ends the attack with an outcome.
func (t *Try) finish(o Outcome, format string, args ...any) {
	panic(stop{Outcome: o, Detail: fmt.Sprintf(format, args...)})
}

// worksIf ends the attack if it succeeded.
func (t *Try) worksIf(worked bool, format string, args ...any) {
	if worked {
		t.finish(Works, format, args...)
	}
}

// refused ends the attack with a reason.
func (t *Try) refused(format string, args ...any) { t.finish(Refused, format, args...) }

// honest ends the attack if a regular step failed.
func (t *Try) honest(worked bool, format string, args ...any) {
	if !worked {
		t.finish(NotChecked, "honest use failed: "+format, args...)
	}
}

// browser returns a browser with its own client address.
func (t *Try) browser() *door.Browser { return door.NewBrowser(t.Site.Origin, t.address()) }

// address returns an unused client address. 198.18.0.0/15 is reserved for tests; each browser has
// its own network.
func (t *Try) address() string {
	if !t.Site.Proxied {
		return ""
	}
	n := addresses.Add(1)
	return fmt.Sprintf("198.%d.%d.%d", 18+n/256%2, n%256, 1+n/512%250)
}

// steal returns another browser with the same cookies.
func (t *Try) steal(b *door.Browser) *door.Browser {
	thief := b.Clone()
	thief.From = t.address()
	return thief
}

// visit opens the sign-in page, if there is one.
func (t *Try) visit(b *door.Browser) {
	if t.Site.Steps[door.LoginPage] != nil {
		t.attempt(b, door.LoginPage, door.In{})
	}
}

// needs ends the attack if the site does not offer a step.
func (t *Try) needs(verbs ...door.Verb) {
	for _, v := range verbs {
		if why := t.Site.Unwired[v]; why != "" {
			t.finish(NotChecked, "%s", why)
		}
		if t.Site.Steps[v] == nil {
			t.finish(NotOffered, "no %s", v)
		}
	}
}

// must runs a regular step.
func (t *Try) must(b *door.Browser, v door.Verb, in door.In) door.Out {
	t.needs(v)
	out, err := t.Site.Steps[v](b, in)
	if err != nil {
		t.finish(NotChecked, "honest use failed: %s: %v", v, err)
	}
	return out
}

// attempt runs a step of an attacker and reports whether the site accepted it.
func (t *Try) attempt(b *door.Browser, v door.Verb, in door.In) (door.Out, bool) {
	t.needs(v)
	out, err := t.Site.Steps[v](b, in)
	if err != nil && !door.Refused(err) {
		t.finish(NotChecked, "%s: %v", v, err)
	}
	return out, err == nil
}

// inside returns the address of the user on the protected page.
func (t *Try) inside(b *door.Browser) string {
	out, _ := t.attempt(b, door.Who, door.In{})
	return strings.ToLower(out.Email)
}

// stranger returns the data of an account that does not exist yet.
func (t *Try) stranger() *Person {
	return &Person{Email: "p" + strings.ToLower(rand.Text()[:16]) + "@example.org",
		Password: "quiet harbor " + rand.Text()[:10] + " lantern"}
}

// person registers and confirms an account without a second factor.
func (t *Try) person() *Person {
	p := t.stranger()
	b := t.browser()
	t.must(b, door.Register, door.In{Email: p.Email, Password: p.Password})
	if t.Site.Steps[door.Confirm] != nil {
		t.must(b, door.Confirm, door.In{Link: t.link(p.Email, door.Confirm, 0)})
	}
	return p
}

// protected returns a person whose account has an authenticator app.
func (t *Try) protected() *Person {
	p := t.person()
	b := t.signIn(p)
	t.addApp(b, p)
	return p
}

// addApp enrolls an app.
func (t *Try) addApp(b *door.Browser, p *Person) door.Out {
	out := t.must(b, door.SetUp, door.In{Password: p.Password})
	app, err := door.NewApp(out.Secret)
	t.honest(err == nil, "%v", err)
	p.App, p.Secret = app, out.Secret
	t.must(b, door.SetUpEnd, door.In{Code: app.Next(), Password: p.Password})
	return out
}

// first sends the password in a new browser.
func (t *Try) first(p *Person) *door.Browser {
	b := t.browser()
	t.must(b, door.Login, door.In{Email: p.Email, Password: p.Password})
	return b
}

// signIn signs in with all required factors and checks the protected page.
func (t *Try) signIn(p *Person) *door.Browser {
	b := t.browser()
	t.signInAt(b, p, door.In{})
	return b
}

func (t *Try) signInAt(b *door.Browser, p *Person, in door.In) {
	in.Email, in.Password = p.Email, p.Password
	t.must(b, door.Login, in)
	if p.App != nil {
		t.must(b, door.Code, door.In{Code: p.App.Next(), Remember: in.Remember})
	}
	t.honest(t.inside(b) == p.Email, "the owner is not let in")
}

// link waits for the newest link of a kind in the mails to an address, skipping the first mails.
func (t *Try) link(to string, v door.Verb, past int) string {
	found := ""
	t.await(func() bool {
		for _, m := range t.Site.Mail.To(to)[min(past, len(t.Site.Mail.To(to))):] {
			if got := t.Site.Links[v].FindString(m.Text); got != "" {
				found = got
			}
		}
		return found != ""
	}, 10*time.Second)
	t.honest(found != "", "no mail with a link for %s", v)
	return found
}

// maybeLink is like link for an attacker. It returns "" if there is none.
func (t *Try) maybeLink(to string, v door.Verb, past int) (found string) {
	t.await(func() bool {
		list := t.Site.Mail.To(to)
		for _, m := range list[min(past, len(list)):] {
			found = max(found, t.Site.Links[v].FindString(m.Text))
		}
		return found != ""
	}, 3*time.Second)
	return found
}

// mailedCode returns the newest mailed code, or "".
func (t *Try) mailedCode(to string, past int, patience time.Duration) (code string) {
	t.await(func() bool {
		list := t.Site.Mail.To(to)
		for _, m := range list[min(past, len(list)):] {
			if got := t.Site.MailedCode.FindStringSubmatch(m.Text); got != nil {
				code = got[1]
			}
		}
		return code != ""
	}, patience)
	return code
}

// await polls until a condition holds or the time is over.
func (t *Try) await(so func() bool, patience time.Duration) {
	for until := time.Now().Add(patience); !so() && time.Now().Before(until); {
		time.Sleep(50 * time.Millisecond)
	}
}

func (t *Try) mails(to string) int { return len(t.Site.Mail.To(to)) }

// together runs n steps concurrently and counts those that were accepted.
func (t *Try) together(browsers []*door.Browser, v door.Verb, in func(i int) door.In) int {
	t.needs(v)
	begin, done := make(chan struct{}), make(chan error, len(browsers))
	for i, b := range browsers {
		go func() {
			<-begin
			_, err := t.Site.Steps[v](b, in(i))
			done <- err
		}()
	}
	close(begin)
	taken := 0
	var broken error
	for range browsers {
		if err := <-done; err == nil {
			taken++
		} else if !door.Refused(err) {
			broken = errors.Join(broken, err)
		}
	}
	if broken != nil {
		t.finish(NotChecked, "%s: %v", v, broken)
	}
	return taken
}
