package clients

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/client"
	"github.com/twofold-auth/twofold/twofoldtest"
)

const email = "ada@example.org"

// newSite starts a sign-in with a page behind two factors, and an account with an authenticator
// app.
func newSite(t *testing.T) *twofoldtest.Kit {
	t.Helper()
	k := twofoldtest.New(t, twofold.Config{
		Pages:  twofold.Pages{AccountPage: true},
		Tokens: twofold.Tokens{Refresh: true, RefreshInBody: true},
	})
	k.Serve(k.Auth.RequireTwoFactor(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := twofold.UserOf(r)
		_, _ = w.Write([]byte("hello, " + user.Email))
	})))
	k.LoginAs(email, 2)
	return k
}

// signedIn returns a session of that account.
func signedIn(t *testing.T, k *twofoldtest.Kit) *session {
	t.Helper()
	s, err := newSession(k.URL)
	if err != nil {
		t.Fatal(err)
	}
	asked := ""
	err = s.signIn(t.Context(), email, twofoldtest.Password, func(method string) string {
		asked = method
		return k.Code(email)
	})
	if err != nil || asked != "authenticator" || s.token == "" || s.refresh == "" || s.pending != "" {
		t.Fatalf("%v: asked for %q: %+v", err, asked, s)
	}
	return s
}

// TestSignInListFactorsSignOut uses the typed client for every step: password, second factor, a
// list, sign-out.
func TestSignInListFactorsSignOut(t *testing.T) {
	ctx, k := t.Context(), newSite(t)
	s := signedIn(t, k)
	me, err := s.api.GetMeWithResponse(ctx)
	if err != nil || me.JSON200 == nil {
		t.Fatalf("%v: %+v", err, me)
	}
	if user := me.JSON200.Response.User; user.Email != email || user.Level != 2 {
		t.Errorf("the user is %+v", user)
	}
	factors, err := s.api.GetTfFactorsWithResponse(ctx)
	if err != nil || factors.JSON200 == nil {
		t.Fatalf("%v: %+v", err, factors)
	}
	list := factors.JSON200.Response.TfFactors
	if len(list) != 1 || list[0].Method != "authenticator" || !list[0].Default || list[0].Added.IsZero() {
		t.Errorf("the factors are %+v", list)
	}
	page, err := s.get(ctx, k.URL+"/")
	if err != nil || page != http.StatusOK {
		t.Errorf("the page behind two factors answers %d, %v", page, err)
	}
	out, err := s.api.PostLogoutWithResponse(ctx, client.LogoutFields{RefreshToken: s.refresh})
	if err != nil || out.JSON200 == nil {
		t.Fatalf("%v: %+v", err, out)
	}
	again, err := s.api.GetMeWithResponse(ctx)
	if err != nil || again.StatusCode() != http.StatusUnauthorized || again.JSON4XX == nil {
		t.Fatalf("after signing out: %v: %+v", err, again)
	}
	if len(again.JSON4XX.Response.Errors) == 0 {
		t.Errorf("the refusal has no reason: %s", again.Body)
	}
	refresh, err := s.api.PostRefreshTokenWithResponse(ctx, client.RefreshTokenFields{RefreshToken: s.refresh})
	if err != nil || refresh.StatusCode() != http.StatusBadRequest {
		t.Errorf("the refresh token after signing out: %v: %+v", err, refresh)
	}
}

// TestWrongCode checks that the refusal has its reason and that there is no token.
func TestWrongCode(t *testing.T) {
	k := newSite(t)
	s, err := newSession(k.URL)
	if err != nil {
		t.Fatal(err)
	}
	err = s.signIn(t.Context(), email, twofoldtest.Password, func(string) string { return "000000" })
	if err == nil || !strings.Contains(err.Error(), "400") || s.token != "" || s.pending == "" {
		t.Errorf("%v: %+v", err, s)
	}
	s, err = newSession(k.URL)
	if err != nil {
		t.Fatal(err)
	}
	err = s.signIn(t.Context(), email, "wrong horse", nil)
	if err == nil || !strings.Contains(err.Error(), "Authentication failed") {
		t.Errorf("a wrong password: %v", err)
	}
}

// TestExchange checks that the header token expires after 15 minutes, and that the refresh token
// returns the next one.
func TestExchange(t *testing.T) {
	ctx, k := t.Context(), newSite(t)
	s := signedIn(t, k)
	k.Clock.Move(16 * time.Minute)
	if page, err := s.get(ctx, k.URL+"/"); err != nil || page != http.StatusUnauthorized {
		t.Errorf("with the old token: %d, %v", page, err)
	}
	used := s.refresh
	if err := s.exchange(ctx); err != nil || s.refresh == used {
		t.Fatal(err)
	}
	if page, err := s.get(ctx, k.URL+"/"); err != nil || page != http.StatusOK {
		t.Errorf("with the new token: %d, %v", page, err)
	}
}

// get returns the application's answer to a request with the session's token.
func (s *session) get(ctx context.Context, address string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err == nil {
		err = s.sign(ctx, r)
	}
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}
