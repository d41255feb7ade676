package contract_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// withRefresh enables refresh tokens in the body.
func withRefresh(c *twofold.Config) { c.Tokens.Refresh, c.Tokens.RefreshInBody = true, true }

func inCookie(c *twofold.Config) { c.Tokens.Refresh = true }

// pair signs in and returns both tokens.
func (c *client) pair(user string) (header, refresh string) {
	c.T.Helper()
	r := c.post("/login?include_auth_token", m{"email": user + "@lp.com", "password": plain}).want(200)
	return r.pair()
}

func (r *reply) pair() (header, refresh string) {
	r.T.Helper()
	who, _ := r.want(200).JSON["user"].(m)
	header, _ = who["authentication_token"].(string)
	refresh, _ = who["refresh_token"].(string)
	return header, refresh
}

// exchange posts a refresh token as a program does.
func (s *site) exchange(refresh any) *reply {
	s.T.Helper()
	return s.client().post("/refresh-token", m{"refresh_token": refresh})
}

func (s *site) holds(token string) *client {
	c := s.client()
	c.Header["Authentication-Token"] = token
	return c
}

func badRefresh(why string) string { return "Refresh token is invalid (" + why + ")" }

// Row T1, refresh.
func TestARefreshTokenIsExchanged(t *testing.T) {
	s := newSite(t, withRefresh)
	c := s.client()
	header, refresh := c.pair("joe")
	s.holds(header).signedIn("joe", 1)
	s.Advance(15 * time.Minute)
	s.holds(header).stranger()
	r := s.exchange(refresh).want(200).has("csrf_token", absent)
	next, refresh2 := r.pair()
	if next == header || refresh2 == refresh || refresh2 == "" {
		t.Fatalf("the same again: %s", r.Body)
	}
	s.holds(next).signedIn("joe", 1)
	s.holds(next).get("/tf-setup").refusedFlat(401, reauthenticate) // it proves nothing again
	s.exchange(refresh2).want(200)
	if e := testkit.EventsOf[event.TokenMinted](s.Events); len(e) != 1 || e[0].Kind != "refresh" {
		t.Errorf("one family, told as %+v", e)
	}
}

// Row T2, errors.
func TestABadRefreshTokenIsRefused(t *testing.T) {
	s := newSite(t, withRefresh)
	c := s.client()
	_, refresh := c.pair("joe")
	c.post("/refresh-token", m{}).refused(400, "refresh_token", "This field is required.")
	s.exchange(nil).refused(400, "refresh_token", "This field is required.")
	for _, bad := range []string{"not-a-token", refresh + "x", strings.ToLower(refresh)} {
		s.exchange(bad).refused(400, "refresh_token", badRefresh("INVALID"))
	}
	s.client().do(http.MethodPost, "/refresh-token", testkit.Fields([]string{"refresh_token", refresh}), "Content-Type",
		testkit.TypeForm, "Accept", "application/json").want(400)
	c.post("/logout", m{}).want(200)
	s.exchange(refresh).refused(400, "refresh_token", badRefresh("NOT_FOUND"))
	off := anotherSite(t)
	off.exchange(refresh).want(404)
}

// Row T3, idle.
func TestAnIdleRefreshTokenExpires(t *testing.T) {
	s := newSite(t, withRefresh, func(c *twofold.Config) { c.Tokens.RefreshIdle = time.Hour })
	_, refresh := s.client().pair("joe")
	s.Advance(59 * time.Minute)
	_, refresh = s.exchange(refresh).pair()
	s.Advance(time.Hour)
	s.exchange(refresh).refused(400, "refresh_token", badRefresh("NOT_FOUND"))
}

// Row T4, reuse.
func TestAReusedRefreshTokenEndsItsFamily(t *testing.T) {
	s := newSite(t, withRefresh)
	_, first := s.client().pair("joe")
	header, second := s.exchange(first).pair()
	s.exchange(first).refused(400, "refresh_token", badRefresh("GEN_MISMATCH"))
	if e := testkit.EventsOf[event.TokenCopied](s.Events); len(e) != 1 || e[0].User.Email != "joe@lp.com" {
		t.Errorf("events %+v", e)
	}
	s.exchange(second).refused(400, "refresh_token", badRefresh("NOT_FOUND"))
	s.holds(header).stranger()
	s.mailed("notice_token_copied", "joe@lp.com")
}

// Row T5, cleanup.
func TestASignOutEndsOnlyItsOwnRefreshTokens(t *testing.T) {
	s := newSite(t, withRefresh)
	one, two := s.client(), s.client()
	_, first := one.pair("joe")
	_, second := two.pair("joe") // another browser: both live
	s.exchange(first).want(200)
	_, second = s.exchange(second).pair()
	two.post("/logout", m{"refresh_token": second}).want(200)
	_, third := two.pair("joe")
	s.exchange(second).refused(400, "refresh_token", badRefresh("NOT_FOUND"))
	s.exchange(third).want(200)
}

// Row T6, admin_reset.
func TestResetAccessEndsRefreshTokens(t *testing.T) {
	s := newSite(t, withRefresh)
	header, refresh := s.client().pair("joe")
	if err := s.Auth.ResetAccess(t.Context(), s.id("joe")); err != nil {
		t.Fatal(err)
	}
	s.exchange(refresh).refused(400, "refresh_token", badRefresh("NOT_FOUND"))
	s.holds(header).stranger()
	_, refresh = s.client().pair("joe")
	if err := s.Auth.SetActive(t.Context(), s.id("joe"), false); err != nil {
		t.Fatal(err)
	}
	s.exchange(refresh).refused(400, "refresh_token", badRefresh("NOT_FOUND"))
}

// Row T7, password_change.
func TestANewPasswordEndsRefreshTokens(t *testing.T) {
	s := newSite(t, withRefresh, withLife)
	header, refresh := s.client().pair("joe")
	c := s.client()
	c.login("joe").want(200)
	c.post("/change", changes(plain, newPlain, newPlain)).want(200)
	s.holds(header).stranger()
	s.exchange(refresh).refused(400, "refresh_token", badRefresh("NOT_FOUND"))
}

// Row T8, logout.
func TestAProgramEndsItsRefreshTokenBySigningOut(t *testing.T) {
	s := newSite(t, withRefresh)
	c := s.client()
	header, refresh := c.pair("joe")
	s.client().post("/logout", m{"refresh_token": refresh}).want(200) // by a program without cookies
	s.exchange(refresh).refused(400, "refresh_token", badRefresh("NOT_FOUND"))
	s.holds(header).stranger()
	c.stranger()
}

// Row T9, cookie.
func TestARefreshTokenCanBeKeptInACookie(t *testing.T) {
	s := newSite(t, inCookie)
	c := s.client()
	header, refresh := c.pair("joe")
	k := c.Set["fs_refresh"]
	if refresh != "" || k == nil || !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || k.Path != "/" {
		t.Fatalf("in the body %q, cookie %+v", refresh, k)
	}
	s.Advance(15 * time.Minute)
	s.holds(header).stranger()
	next, refresh := c.post("/refresh-token", m{}).pair()
	if refresh != "" || c.Jar["fs_refresh"] == k.Value {
		t.Error("the cookie was not exchanged, or stands in the body too")
	}
	s.holds(next).signedIn("joe", 1)
	c.post("/logout", m{}).want(200)
	if _, ok := c.Set["fs_refresh"]; ok {
		t.Error("signing out leaves the cookie")
	}
	named := anotherSite(t, inCookie, func(c *twofold.Config) { c.Tokens.RefreshCookie = "my_refresh" })
	c = named.client()
	c.pair("joe")
	if _, ok := c.Jar["my_refresh"]; !ok {
		t.Errorf("cookies %v", c.Jar)
	}
}

// Row T10, csrf.
func TestAnotherSiteCannotExchangeARefreshToken(t *testing.T) {
	s := newSite(t, inCookie)
	c := s.client()
	c.pair("joe")
	before := c.Jar["fs_refresh"]
	c.do(http.MethodPost, "/refresh-token", "{}", "Content-Type", "application/json", "Accept", "application/json",
		"Origin", "https://evil.example").want(403)
	c.do(http.MethodPost, "/refresh-token", "{}", "Content-Type", "text/plain", "Accept", "application/json").want(415)
	if c.Jar["fs_refresh"] != before {
		t.Error("a request of another site exchanged the token")
	}
	c.post("/refresh-token", m{}).want(200)
}

// Row T11, token_max_age.
func TestAHeaderTokenExpires(t *testing.T) {
	s := newSite(t, func(c *twofold.Config) { c.Sessions.TokenLife = 5 * time.Minute })
	c := s.tokenClient("joe")
	s.Advance(5*time.Minute - time.Second)
	c.signedIn("joe", 1)
	s.Advance(time.Second)
	c.stranger()
	usual := anotherSite(t)
	c = usual.tokenClient("joe")
	usual.Advance(15*time.Minute - time.Second)
	c.signedIn("joe", 1)
	usual.Advance(time.Second)
	c.stranger()
}
