package contract_test

import (
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

func remembers(c *twofold.Config) {
	c.Sessions.Remember = 30 * 24 * time.Hour
	c.TwoFactor.LoginValidity = 30 * 24 * time.Hour
}

// remembered keeps only the cookie of a remembered browser.
func (c *client) remembered() *client {
	c.T.Helper()
	if _, ok := c.Jar["remember_token"]; !ok {
		c.T.Fatal("there is no remember_token")
	}
	maps.DeleteFunc(c.Jar, func(name, _ string) bool { return name != "remember_token" })
	return c
}

// Row W37, remember_token.
func TestASignInByPasskeyIsRemembered(t *testing.T) {
	s := newSite(t, withPasskeys, remembers)
	_, k := s.owner("matt", "first")
	c := s.client()
	options, state := c.post("/wan-signin", m{"identity": "matt@lp.com", "remember": true}).want(200).has("remember",
		true).question()
	c.post("/wan-signin/"+state, m{"credential": s.made(k.Get(options)), "remember": true}).want(200)
	c.remembered().signedIn("matt", 1) // by the cookie alone
	c.logout()
	if _, ok := c.Jar["remember_token"]; ok {
		t.Error("signing out leaves the cookie")
	}
	c.stranger()
}

// Row W38, remember_token_tf.
func TestAPasskeyAsSecondFactorIsRemembered(t *testing.T) {
	s := newSite(t, withPasskeys, remembers)
	_, k := s.owner("matt", "secondary", plainKey)
	c := s.client()
	c.login("matt", "remember", true).want(200).has("tf_required", true)
	if _, ok := c.Jar["remember_token"]; ok {
		t.Error("remembered before the second factor")
	}
	c.useKey("/wan-signin", k, m{}).want(200)
	c.remembered().page("/profile").shows("level 1 trusted true")
}

// Row W45, remember_login_form.
func TestTheSignInPageHasTheRememberBox(t *testing.T) { theBoxOf(t, "/login") }

// Row U64, remember_login_form.
func TestThePageOfUnifiedSignInHasTheRememberBox(t *testing.T) { theBoxOf(t, "/us-signin") }

// theBoxOf checks whether the box of a page is ticked.
func theBoxOf(t *testing.T, path string) {
	t.Helper()
	t.Parallel()
	for _, ticked := range []bool{false, true} {
		s := anotherSite(t, withPasskeys, withUnified, remembers,
			func(c *twofold.Config) { c.Sessions.RememberByDefault = ticked })
		page := s.client().page(path).shows(`name="remember" type="checkbox" value="true"`)
		box := regexp.MustCompile(`<input[^>]*name="remember"[^>]*>`).FindString(page.text())
		if strings.Contains(box, " checked") != ticked {
			t.Errorf("%s: ticked %v", path, !ticked)
		}
	}
}

// Row H3, remember_cookie.
func TestANewPasswordEndsRememberMe(t *testing.T) {
	s := newSite(t, withLife, remembers)
	c, other := s.client(), s.client()
	for _, b := range []*client{c, other} {
		b.login("joe", "remember", true).want(200)
	}
	former := s.client()
	former.Jar["remember_token"] = c.Jar["remember_token"]
	c.post("/change", changes(plain, newPlain, newPlain)).want(200)
	c.signedIn("joe", 1)
	former.stranger()
	other.remembered().stranger()
}
