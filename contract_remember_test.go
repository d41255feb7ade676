package twofold_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store"
)

func remembers(c *twofold.Config) {
	c.Session.Remember = 30 * 24 * time.Hour
	c.TwoFactor.LoginValidity = 30 * 24 * time.Hour
}

// remembered keeps the cookie of who stays signed in and no other.
func (c *client) remembered() *client {
	c.s.t.Helper()
	if _, ok := c.cookies["remember_token"]; !ok {
		c.s.t.Fatal("there is no remember_token")
	}
	maps.DeleteFunc(c.cookies, func(name string, _ kept) bool { return name != "remember_token" })
	return c
}

func TestContractW37_remember_token(t *testing.T) {
	s := newSite(t, withPasskeys, remembers)
	_, k := s.owner("matt", "first")
	c := s.client()
	options, state := c.post("/wan-signin", m{"identity": "matt@lp.com", "remember": true}).want(200).has("remember", true).question()
	c.post("/wan-signin/"+state, m{"credential": s.made(k.Get(options)), "remember": true}).want(200)
	c.remembered().signedIn("matt", 1) // by the cookie alone
	c.logout()
	if _, ok := c.cookies["remember_token"]; ok {
		t.Error("signing out leaves the cookie")
	}
	c.stranger()
}

func TestContractW38_remember_token_tf(t *testing.T) {
	s := newSite(t, withPasskeys, remembers)
	_, k := s.owner("matt", "secondary", plainKey)
	c := s.client()
	c.login("matt", "remember", true).want(200).has("tf_required", true)
	if _, ok := c.cookies["remember_token"]; ok {
		t.Error("remembered before the second factor")
	}
	c.useKey("/wan-signin", k, m{}).want(200)
	c.remembered().page("/profile").shows("level 1 trusted true")
}

func TestContractW45_remember_login_form(t *testing.T) {
	everything := func(c *twofold.Config) {
		c.Unified = twofold.Unified{Enabled: true, EnabledMethods: []string{"password", store.Email}}
	}
	pages := []string{"/login", "/us-signin"} // the second is row 64 of the suite of unified sign-in
	for name, ticked := range map[string]bool{"as it is": false, "ticked": true} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, withPasskeys, remembers, everything, func(c *twofold.Config) { c.Session.RememberByDefault = ticked })
			for _, path := range pages {
				page := s.client().page(path).shows(`name="remember" type="checkbox" value="true"`)
				if strings.Contains(page.text(), " checked") != ticked {
					t.Errorf("%s: ticked %v", path, !ticked)
				}
			}
		})
	}
}

// Of the suite of unified sign-in, rows 1 and 34: a sign-in that asks gets the
// cookie, by password or code, and signing out takes it away.
func TestContractUnifiedRemembers(t *testing.T) {
	s := newSite(t, remembers, func(c *twofold.Config) {
		c.Unified = twofold.Unified{Enabled: true, EnabledMethods: []string{"password", store.Email}}
	})
	for _, remember := range []bool{false, true} {
		c := s.client()
		c.post("/us-signin", m{"identity": "matt@lp.com", "passcode": plain, "remember": remember}).want(200)
		if _, ok := c.cookies["remember_token"]; ok != remember {
			t.Errorf("asked %v, remembered %v", remember, ok)
		}
		if remember {
			c.remembered().signedIn("matt", 1)
		}
		c.logout()
		if _, ok := c.cookies["remember_token"]; ok {
			t.Error("signing out leaves the cookie")
		}
	}
}
