package crash_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/federated/oidc"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/federatedtest"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/store"
)

// waysIn lists the sign-ins without a password.
var waysIn = []flow{
	{name: "sign-in by a mailed code", site: unified, start: mailed, step: (*person).entersCode,
		effect: (*person).sessions},
	{name: "sign-in by a mailed code and app", site: unified, start: mailedAndApp, step: (*person).entersCode,
		effect: (*person).sessions, few: true},
	{name: "sign-in by the link alongside a code", site: unified, start: mailedAndApp, step: (*person).followsLink,
		effect: (*person).sessions},
	{name: "sign-in by a mailed link", site: byLink, start: wanting, step: (*person).followsLink,
		effect: (*person).sessions},
	{name: "sign-in by a passkey", start: withPasskey, step: (*person).touches,
		effect: (*person).sessions},
	{name: "sign-in through another site", site: elsewhere, start: connected, step: (*person).comesThrough,
		effect: (*person).sessions},
	{name: "sign-up through another site", site: elsewhere, start: newcomer, step: (*person).comesThrough,
		effect: (*person).connection},
}

// unified, byLink and elsewhere are sites with other first factors.
func unified(s *site) { s.Unified = true }
func byLink(s *site)  { s.ByLink = true }
func elsewhere(s *site) {
	s.corp = federatedtest.New(s.T, s.now)
	s.Corp, s.ClientID, s.ClientSecret = s.corp.URL, s.corp.ClientID, s.corp.Secret
}

// adds enables the first factors of a place in its configuration.
func (p place) adds(c *twofold.Config) error {
	if p.Unified {
		c.Passwordless = &twofold.Passwordless{}
	}
	c.Accounts.MagicLink = p.ByLink
	if p.Corp == "" {
		return nil
	}
	corp, err := oidc.New(oidc.Settings{
		Name: "corp", Issuer: p.Corp, ClientID: p.ClientID, ClientSecret: p.ClientSecret, Now: c.Advanced.Now,
	})
	c.Accounts.OAuth, c.Accounts.OAuthSignUp = []federated.Provider{corp}, []string{"corp"}
	return err
}

// entersCode starts with a mailed code. An observer of the code tries it too.
func (p *person) entersCode() {
	p.s.pass(p.s.gap())
	code := p.s.coded(p.email, func() *testkit.Answer {
		return p.b.post("/us-signin/send-code", m{"identity": p.email, "chosen_method": storage.Email})
	})
	if code == "" {
		return
	}
	p.beginsBy(func(b *browser) { b.post("/us-signin", m{"identity": p.email, "passcode": code}) })
}

// followsLink starts with a mailed link.
func (p *person) followsLink() {
	p.s.pass(p.s.gap())
	link := p.s.linked(p.email, "", func() *testkit.Answer {
		if p.s.ByLink {
			return p.b.post("/login", m{"email": p.email})
		}
		return p.b.post("/us-signin/send-code", m{"identity": p.email, "chosen_method": storage.Email})
	})
	if link != "" {
		p.beginsBy(func(b *browser) { b.post(link, m{"meant": true}) })
	}
}

// beginsBy starts a sign-in and continues with the app if there is one. The first factor is tried
// again in another browser, with another code of the app.
func (p *person) beginsBy(first func(b *browser)) {
	whole := func(b *browser) {
		if first(b); p.app != nil {
			b.post("/tf-validate", m{"code": p.next()})
		}
	}
	p.again = func() {
		p.b.copy().last()
		whole(p.s.browser())
	}
	whole(p.b)
}

// mailed returns a person whose sign-ins may start with a mailed code. mailedAndApp returns one who
// also has an app.
func mailed(s *site) *person { return s.person().begins() }

func mailedAndApp(s *site) *person { return s.withApp().begins() }

func (p *person) begins() *person {
	p.s.Helper()
	b := p.in()
	var r *testkit.Answer
	code := p.s.coded(p.email, func() *testkit.Answer {
		r = b.post("/us-setup", m{"chosen_method": storage.Email})
		return r
	})
	if r = b.post("/us-setup/"+r.Field("state"), m{"passcode": code}); r.Status != 200 {
		p.s.Fatalf("no sign-in by mail: %d %s", r.Status, r.Body)
	}
	b.post("/logout", m{})
	return p
}

func wanting(s *site) *person {
	p := s.person()
	p.comesIn = func(b *browser) *testkit.Answer {
		s.pass(s.gap())
		link := s.linked(p.email, "", func() *testkit.Answer { return b.post("/login", m{"email": p.email}) })
		return b.post(link, m{"meant": true})
	}
	return p
}

func withPasskey(s *site) *person {
	p := signedIn(s)
	r := p.b.post("/wan-register", m{"name": "key", "usage": storage.UseFirst})
	options, err := json.Marshal(r.JSON["credential_options"])
	s.must(err)
	p.key, err = softkey.New(s.Origin, softkey.ES256)
	s.must(err)
	said, err := p.key.Create(options)
	s.must(err)
	if r = p.b.post("/wan-register/"+r.Field("wan_state"), m{"credential": said}); r.Status != 200 {
		s.Fatalf("no passkey: %d %s", r.Status, r.Body)
	}
	p.b.post("/logout", m{})
	p.b = nil
	return p
}

// touches signs in with the passkey. Its response is tried again, here and in another browser.
func (p *person) touches() {
	r := p.b.post("/wan-signin", m{})
	if r.Status != 200 {
		return
	}
	options, err := json.Marshal(r.JSON["credential_options"])
	p.s.must(err)
	said, err := p.key.Get(options)
	p.s.must(err)
	before, path := p.b.copy(), "/wan-signin/"+r.Field("wan_state")
	p.again = func() {
		p.s.pass(p.s.gap())
		before.copy().post(path, m{"credential": said})
		p.s.browser().post(path, m{"credential": said})
	}
	p.b.post(path, m{"credential": said})
}

// goes follows the redirect to the provider and returns the path of the callback.
func (p *person) goes(b *browser, start string) string {
	p.s.corp.SignIn(strings.TrimSuffix(p.email, "@good.test"))
	p.s.corp.Lie(func(c map[string]any) { c["email"], c["email_verified"] = p.email, true })
	away := b.send(http.MethodPost, start, nil)
	if away.Header.Get("Location") == "" {
		return ""
	}
	back := p.s.corp.Visit(away.Header.Get("Location"))
	return (&url.URL{Path: back.Path, RawQuery: back.RawQuery}).String()
}

func connected(s *site) *person {
	p := signedIn(s)
	if r := p.b.send(http.MethodGet, p.goes(p.b, "/login/oauth-connect/corp"), nil); r.Status != 200 {
		s.Fatalf("not connected: %d %s", r.Status, r.Body)
	}
	p.b.post("/logout", m{})
	p.b = nil
	return p
}

// comesThrough signs in through the provider, which creates an account if there is none. The
// callback is tried again, here and in another browser.
func (p *person) comesThrough() {
	back := p.goes(p.b, "/login/oauthstart/corp")
	if back == "" {
		return
	}
	before := p.b.copy()
	p.again = func() {
		p.s.pass(p.s.gap())
		for _, b := range []*browser{before.copy(), p.s.browser()} {
			if b.send(http.MethodGet, back, nil); p.app != nil {
				b.post("/tf-validate", m{"code": p.next()})
			}
		}
	}
	var r *testkit.Answer
	code := p.s.coded(p.email, func() *testkit.Answer {
		if r = p.b.send(http.MethodGet, back, nil); r.Field("oauth_signup") != "code" {
			return &testkit.Answer{} // nothing is mailed
		}
		return r
	})
	if code != "" {
		p.proven("/login/oauth-signup", code)
	} else if p.app != nil && r.Status == 200 {
		p.b.post("/tf-validate", m{"code": p.next()})
	}
}

// joined returns the account of an invitation, which is used up by then.
func (p *person) joined() string {
	p.s.Helper()
	id := p.account()
	if id == "" {
		return ""
	}
	waiting, err := p.s.auth.Invitations().List(p.s.Context())
	p.s.must(err)
	if slices.ContainsFunc(waiting, func(i store.Invitation) bool { return i.Email == p.email }) {
		p.s.Errorf("%s has an account, and the invitation still works", p.email)
	}
	return id
}

func newcomer(s *site) *person {
	p := s.stranger()
	p.comesIn = func(b *browser) *testkit.Answer {
		return b.send(http.MethodGet, p.goes(b, "/login/oauthstart/corp"), nil)
	}
	return p
}

// connection returns the account and its first factors.
func (p *person) connection() string {
	u, there := p.user()
	if !there {
		return ""
	}
	list, err := p.s.db.ConnectionsOf(p.s.Context(), u.ID)
	p.s.must(err)
	return u.ID + " " + joined(list, func(c storage.Connection) string { return c.ID })
}
