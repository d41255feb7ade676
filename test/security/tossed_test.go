package security_test

import (
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
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
		b.host = "good.test"
		return b
	}
	first := at()
	first.login(stranger).want(200)
	s := first.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	stranger.app = decode(w, s.text("tf_authr_b32key"))
	first.post("/tf-setup/"+s.text("tf_state_token"), m{"code": stranger.code(0)}).want(200)
	own := at()
	own.login(stranger, m{"remember": true}).want(200)
	own.post("/tf-validate?include_auth_token", m{"code": stranger.next()}).want(200)
	for name := range own.jar {
		if !strings.HasPrefix(name, "__Host-") {
			t.Errorf("cookie %s has no __Host-", name)
		}
	}
	for _, name := range []string{"__Host-twofold", "__Host-remember_token", "__Host-tf_validity",
		"__Host-fs_refresh"} {
		if own.jar[name] == "" {
			t.Errorf("no cookie %s: this test looks in the wrong place", name)
		}
	}
	// The attacker's cookies, under every name that a sibling host can set.
	for name, value := range own.jar {
		for _, as := range []string{strings.TrimPrefix(name, "__Host-"),
			"__Secure-" + strings.TrimPrefix(name, "__Host-"), "session"} {
			b := at()
			b.jar[as] = value
			b.out("tossed as " + as)
			if r := b.post("/refresh-token", m{}); r.status < 400 {
				t.Errorf("%s: a refresh token was taken: %s", as, r.body)
			}
			// The attack does not prevent the victim from signing in to their own account.
			b.login(victim).want(200)
			b.in(victim, 1)
		}
	}
	// It does not replace the victim's own session either.
	v := at()
	v.login(victim, m{"remember": true}).want(200)
	v = v.only("__Host-remember_token")
	v.jar["remember_token"] = own.jar["__Host-remember_token"]
	v.in(victim, 1)

	// A browser that was trusted under the name without a prefix stays trusted and gets the new
	// name.
	old := at()
	old.jar["tf_validity"] = own.jar["__Host-tf_validity"]
	if r := old.login(stranger).want(200); r.json["tf_required"] != false || old.jar["__Host-tf_validity"] == "" ||
		old.jar["tf_validity"] != "" {
		t.Errorf("%v %s", old.jar, r.body)
	}
}
