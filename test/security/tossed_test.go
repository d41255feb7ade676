package security_test

import (
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestR171_NoCookieOfASiblingHostCounts covers cookie tossing: over https a page of a sibling host
// can set cookies of any name for the whole domain, except those with the prefix __Host-. So
// cookies with other names are not trusted.
func TestR171_NoCookieOfASiblingHostCounts(t *testing.T) {
	https := func(c *twofold.Config) { c.Origin = "https://good.test" }
	w := newWorld(t, plenty, remembering, tokens, https, func(c *twofold.Config) { c.Tokens.RefreshInBody = false })
	stranger, victim := w.person("stranger"), w.person("victim")
	at := func() *browser {
		b := w.browser()
		b.Host = "good.test"
		return b
	}
	first := at()
	first.login(stranger).Want(200)
	s := first.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	stranger.App = testkit.ReadApp(w.T, s.Text("tf_authr_b32key"))
	first.Post("/tf-setup/"+s.Text("tf_state_token"), m{"code": stranger.Code(0)}).Want(200)
	own := at()
	own.login(stranger, m{"remember": true}).Want(200)
	own.Post("/tf-validate?include_auth_token", m{"code": stranger.Next()}).Want(200)
	for name := range own.Jar {
		if !strings.HasPrefix(name, "__Host-") {
			t.Errorf("cookie %s has no __Host-", name)
		}
	}
	for _, name := range []string{"__Host-twofold", "__Host-remember_token", "__Host-tf_validity",
		"__Host-fs_refresh"} {
		if own.Jar[name] == "" {
			t.Errorf("no cookie %s: this test looks in the wrong place", name)
		}
	}
	// The attacker's cookies, under every name that a sibling host can set.
	for name, value := range own.Jar {
		for _, as := range []string{strings.TrimPrefix(name, "__Host-"),
			"__Secure-" + strings.TrimPrefix(name, "__Host-"), "session"} {
			b := at()
			b.Jar[as] = value
			b.out("tossed as " + as)
			if r := b.Post("/refresh-token", m{}); r.Status < 400 {
				t.Errorf("%s: a refresh token was taken: %s", as, r.Body)
			}
			// The attack does not prevent the victim from signing in to their own account.
			b.login(victim).Want(200)
			b.in(victim, 1)
		}
	}
	// It does not replace the victim's own session either.
	v := at()
	v.login(victim, m{"remember": true}).Want(200)
	v = v.only("__Host-remember_token")
	v.Jar["remember_token"] = own.Jar["__Host-remember_token"]
	v.in(victim, 1)

	// A browser that was trusted under the name without a prefix stays trusted and gets the new
	// name.
	old := at()
	old.Jar["tf_validity"] = own.Jar["__Host-tf_validity"]
	if r := old.login(stranger).Want(200); r.JSON["tf_required"] != false || old.Jar["__Host-tf_validity"] == "" ||
		old.Jar["tf_validity"] != "" {
		t.Errorf("%v %s", old.Jar, r.Body)
	}
}
