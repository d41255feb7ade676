package security_test

import (
	"fmt"
	"maps"
	"strings"

	"github.com/twofold-auth/twofold/internal/testkit"
)

// browser is a browser of a world.
type browser struct {
	*testkit.Browser
	w *world
}

// browser returns a new browser in front of the first node.
func (w *world) browser() *browser { return &browser{w.NewBrowser(), w} }

// copy returns another browser with the same cookies, such as an attacker's or another tab.
func (b *browser) copy() *browser { return &browser{b.Copy(), b.w} }

// on moves a browser in front of another node.
func (b *browser) on(n *node) *browser { b.Origin = n.Origin; return b }

// only keeps the named cookies and drops the others.
func (b *browser) only(names ...string) *browser { b.Only(names...); return b }

// login sends the first factor.
func (b *browser) login(p *person, more ...m) *answer {
	b.T.Helper()
	body := m{"email": p.Email, "password": secret}
	for _, add := range more {
		maps.Copy(body, add)
	}
	return b.Post("/login", body)
}

func (b *browser) validate(code string) *answer {
	b.T.Helper()
	return b.Post("/tf-validate", m{"code": code})
}

// sees requests the pages behind all guards and returns the answers.
func (b *browser) sees() (user, two string) {
	b.T.Helper()
	for _, path := range []string{"/app/user", "/app/two"} {
		for _, accept := range []string{testkit.TypeJSON, "text/html", "*/*"} {
			a := b.Do("GET", path, "", "", "Accept", accept)
			_, who, ok := strings.Cut(a.Body, "signed in as ")
			if !ok {
				if a.Status == 200 || strings.Contains(a.Body, "@good.test") {
					b.T.Errorf("GET %s refuses with status %d and says %q", path, a.Status, a.Body)
				}
				continue
			}
			if path == "/app/user" {
				user = who
			} else {
				two = who
			}
		}
	}
	return user, two
}

// out checks that this browser cannot open any guarded page.
func (b *browser) out(why string) {
	b.T.Helper()
	if user, two := b.sees(); user != "" || two != "" {
		b.T.Errorf("%s: signed in (%q, %q)", why, user, two)
	}
}

// in checks that this browser is signed in as p, with both factors if level is 2.
func (b *browser) in(p *person, level int) {
	b.T.Helper()
	user, two := b.sees()
	want := fmt.Sprintf("%s level %d trusted false", p.Email, level)
	if user != want || (level == 2) != (two == want) {
		b.T.Errorf("signed in as (%q, %q), want %q", user, two, want)
	}
}
