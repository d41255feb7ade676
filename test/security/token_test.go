package security_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// tokens enables refresh tokens and personal access tokens.
func tokens(c *twofold.Config) {
	c.Tokens = twofold.Tokens{Refresh: true, RefreshInBody: true, Scopes: []string{"read", "write"}}
}

// program is a client without cookies that has a token.
func (w *world) program(header, token string) *browser {
	b := w.browser()
	b.Bare = true
	b.Header[header] = token
	return b
}

// pair signs a person in with both factors and returns the tokens that a program gets.
func (p *person) pair() (b *browser, header, refresh string) {
	p.w.T.Helper()
	b = p.w.browser()
	b.login(p).Want(200)
	r := b.Post("/tf-validate?include_auth_token", m{"code": p.Next()}).Want(200)
	user, _ := r.JSON["user"].(m)
	header, _ = user["authentication_token"].(string)
	refresh, _ = user["refresh_token"].(string)
	if header == "" || refresh == "" {
		p.w.T.Fatalf("no pair of tokens: %s", r.Body)
	}
	p.w.handedOut("refresh token", refresh)
	return b, header, refresh
}

// exchange posts a refresh token as a program does.
func (w *world) exchange(refresh string) (r *answer, header, next string) {
	w.T.Helper()
	b := w.browser()
	b.Bare = true
	r = b.Post("/refresh-token", m{"refresh_token": refresh})
	user, _ := r.JSON["user"].(m)
	header, _ = user["authentication_token"].(string)
	next, _ = user["refresh_token"].(string)
	w.handedOut("refresh token", next)
	return r, header, next
}

// personal creates a personal access token in a browser.
func (b *browser) personal(scopes ...string) (string, *answer) {
	b.w.T.Helper()
	r := b.Post("/access-tokens", m{"name": "backup", "scopes": scopes, "days": "30"})
	token, _ := r.JSON["token"].(string)
	b.w.handedOut("personal access token", token)
	return token, r
}

// TestR022_TokensObeyTheSecondFactor checks that tokens are issued only after all factors of the
// account, prove no more than these, and end with them.
func TestR022_TokensObeyTheSecondFactor(t *testing.T) {
	w := newWorld(t, tokens)
	p := w.withApp("alice")
	half := w.browser()
	r := half.Post("/login?include_auth_token", m{"email": p.Email, "password": secret}).Want(200)
	if strings.Contains(r.Body, "_token\":\"tf") || r.JSON["user"] != nil || w.count("tokens") != 0 {
		t.Errorf("the first factor alone got a token: %s", r.Body)
	}
	half.Post("/access-tokens", m{"name": "x", "scopes": []string{"read"}}).Want(401)
	w.exchange("")
	_, header, refresh := p.pair()
	w.program("Authentication-Token", header).in(p, 2)
	for _, as := range []string{"Authentication-Token", "Authorization"} {
		w.program(as, refresh).out("a refresh token as a session")
		w.program(as, "Bearer "+refresh).out("a refresh token as a session")
	}
	b := w.browser()
	b.Jar["twofold"] = refresh
	b.out("a refresh token as a cookie")

	answered, header2, refresh2 := w.exchange(refresh)
	if answered.Want(200).JSON["csrf_token"] != nil || len(answered.Header.Values("Set-Cookie")) != 0 {
		t.Errorf("an exchange has nothing to do with browsers: %s %v", answered.Body, answered.Header)
	}
	prog := w.program("Authentication-Token", header2)
	prog.in(p, 2)
	if got := happened[event.TokenMinted](w); len(got) != 1 {
		t.Errorf("%d families were begun, want 1", len(got))
	}
	// The token does not count as a recent proof.
	for path, body := range map[string]m{
		"/tf-setup": {"setup": "disable"}, "/access-tokens": {"name": "x", "scopes": []string{"read"}},
	} {
		prog.Post(path, body).Want(401)
	}
	// The token ends with the credentials for which it was issued.
	w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), p.ID, secret+"!"))
	prog.out("after a new password")
	r, _, _ = w.exchange(refresh2)
	r.Want(400).Refused("a refresh token of former credentials")
	w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), p.ID, secret))
}

// TestR084_ARefreshTokenThatComesBackEndsTheFamily checks that reuse revokes the token family. Of
// concurrent exchanges of one token, one succeeds at most.
func TestR084_ARefreshTokenThatComesBackEndsTheFamily(t *testing.T) {
	w := newWorld(t, tokens)
	p := w.withApp("alice")
	b, header, first := p.pair()
	_, header2, second := w.exchange(first)
	r, _, _ := w.exchange(first)
	if !strings.Contains(r.Want(400).Body, "GEN_MISMATCH") {
		t.Errorf("%s", r.Body)
	}
	for what, it := range map[string]*browser{
		"the browser": b, "the first token": w.program("Authentication-Token", header),
		"the second": w.program("Authentication-Token", header2),
	} {
		it.out("a copied family: " + what)
	}
	if r, _, _ := w.exchange(second); !strings.Contains(r.Want(400).Body, "NOT_FOUND") {
		t.Errorf("%s", r.Body)
	}
	w.settled()
	if len(happened[event.TokenCopied](w)) != 1 || !strings.Contains(w.mailTo(p), "copied") {
		t.Error("nobody was told of the copy")
	}
	// Malformed tokens and those of other users revoke nothing.
	_, _, third := p.pair()
	for _, bad := range []string{"x", third + "x", third[:len(third)-1], strings.ToUpper(third), "tfp_" + third,
		strings.Repeat("a", 3000)} {
		if r, _, _ := w.exchange(bad); r.Status != 400 {
			t.Errorf("%.20s: %d %s", bad, r.Status, r.Body)
		}
	}
	r, _, fourth := w.exchange(third)
	r.Want(200)
	// Of many concurrent exchanges one succeeds at most, and the family is revoked then.
	won := make([]string, 16)
	testkit.Par(len(won), func(i int) { _, won[i], _ = w.exchange(fourth) })
	n := 0
	for _, header := range won {
		if header != "" {
			n++
			w.program("Authentication-Token", header).out("the winner of a race for one token")
		}
	}
	if n > 1 || w.count("tokens") != 0 {
		t.Errorf("%d of %d exchanges won, %d families are left", n, len(won), w.count("tokens"))
	}
}

func (w *world) mailTo(p *person) string {
	w.settled()
	var all strings.Builder
	for _, mail := range w.Mail.To(p.Email) {
		all.WriteString(mail.Text)
	}
	return all.String()
}

// TestR082_RefreshTokensExpire covers the idle and the absolute limit, whatever the clock.
func TestR082_RefreshTokensExpire(t *testing.T) {
	w := newWorld(t, tokens)
	p := w.withApp("alice")
	_, _, idle := p.pair()
	w.Advance(7*24*time.Hour + time.Second)
	r, _, _ := w.exchange(idle)
	r.Want(400).Refused("idle for a week")
	_, _, old := p.pair()
	for range 15 {
		w.Advance(6 * 24 * time.Hour)
		if r, _, old = w.exchange(old); r.Status != 200 {
			break
		}
	}
	r.Want(400).Refused("ninety days old")
}

// TestR082_NoRenewalExtendsRefreshTokens checks that tokens which a re-authentication returns expire with
// those of the sign-in.
func TestR082_NoRenewalExtendsRefreshTokens(t *testing.T) {
	w := newWorld(t, tokens)
	p := w.withApp("alice")
	b, _, _ := p.pair()
	signedIn := w.Now()
	for range 20 {
		w.Advance(30 * time.Minute)
		b.in(p, 2)
	}
	b.Post("/verify", m{"password": secret}).Want(200)
	user, _ := b.Post("/tf-validate?include_auth_token", m{"code": p.Next()}).Want(200).JSON["user"].(m)
	refresh, _ := user["refresh_token"].(string)
	for w.Now().Sub(signedIn) < 85*24*time.Hour {
		w.Advance(5 * 24 * time.Hour)
		var r *answer
		r, _, refresh = w.exchange(refresh)
		r.Want(200)
	}
	w.Advance(90*24*time.Hour + time.Minute - w.Now().Sub(signedIn))
	r, _, _ := w.exchange(refresh)
	r.Want(400).Refused("ninety days after the sign-in")
}

// TestR101_SigningOutEndsRefreshTokens checks that only tokens of the same sign-in end.
func TestR101_SigningOutEndsRefreshTokens(t *testing.T) {
	w := newWorld(t, tokens)
	p := w.withApp("alice")
	b, _, mine := p.pair()
	_, _, other := p.pair()
	b.Post("/logout", m{}).Want(200)
	r, _, _ := w.exchange(mine)
	r.Want(400).Refused("signed out")
	r, header, other := w.exchange(other)
	r.Want(200)
	prog := w.program("Authentication-Token", header)
	prog.in(p, 2)
	w.browser().Post("/logout", m{"refresh_token": other}).Want(200)
	prog.out("signed out by the refresh token")
	r, _, _ = w.exchange(other)
	r.Want(400)

	t.Run("in a cookie", func(t *testing.T) {
		w := newWorld(t, tokens, func(c *twofold.Config) { c.Tokens.RefreshInBody = false })
		p := w.withApp("alice")
		b := w.browser()
		b.login(p).Want(200)
		r := b.Post("/tf-validate?include_auth_token", m{"code": p.Next()}).Want(200)
		line := strings.Join(w.cookies["fs_refresh"], " ")
		if b.Jar["fs_refresh"] == "" || strings.Contains(r.Body, "refresh_token") ||
			!strings.Contains(line, "HttpOnly") || !strings.Contains(line, "SameSite=Strict") {
			t.Errorf("%s %s", line, r.Body)
		}
		old := b.Jar["fs_refresh"]
		b.Post("/refresh-token", m{}).Want(200)
		if b.Jar["fs_refresh"] == old || b.Jar["fs_refresh"] == "" {
			t.Error("the cookie was not renewed")
		}
		b.Do("POST", "/refresh-token", testkit.TypeForm, "refresh_token=x", "Accept", testkit.TypeJSON).Want(400)
		b.Post("/refresh-token", m{}, "Sec-Fetch-Site", "cross-site").Want(403)
		last := b.Jar["fs_refresh"]
		b.Post("/logout", m{}).Want(200)
		if b.Jar["fs_refresh"] != "" {
			t.Error("signing out leaves the cookie")
		}
		b = w.browser()
		b.Jar["fs_refresh"] = last
		b.Post("/refresh-token", m{}).Want(400)
	})
}

// scopedPages serves an application's pages for programs.
func scopedPages(n *node) http.Handler {
	mux := http.NewServeMux()
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := twofold.UserOf(r)
		_, _ = w.Write([]byte("for " + u.Email + " by " + u.Program))
	})
	mux.Handle("/api/read", n.Auth.RequireScope("read")(n.Auth.RequireTwoFactor(page)))
	mux.Handle("/api/write", n.Auth.RequireScope("read", "write")(n.Auth.RequireTwoFactor(page)))
	mux.Handle("/api/fresh", n.Auth.RequireScope("read")(n.Auth.RequireFresh(-1)(page)))
	mux.Handle("/api/one", n.Auth.RequireScope("read")(page))
	mux.Handle("/api/none", n.Auth.RequireScope()(page))
	mux.Handle("/api/user", n.Auth.RequireUser(n.Auth.RequireScope("read")(page)))
	return mux
}

// TestR053_PersonalTokensAreMintedFresh checks that a token requires a fresh proof of all factors,
// and cannot change anything in its account.
func TestR053_PersonalTokensAreMintedFresh(t *testing.T) {
	w := newWorld(t, tokens)
	p := w.withApp("alice")
	b := w.plantSession(p)
	w.Advance(15*time.Minute + time.Second)
	_, r := b.personal("read")
	r.Want(401)
	b = w.plantSession(p)
	for why, body := range map[string]m{
		"no name": {"name": " ", "scopes": []string{"read"}}, "no scope": {"name": "x"},
		"an empty scope":  {"name": "x", "scopes": []string{""}},
		"another scope":   {"name": "x", "scopes": []string{"read", "admin"}},
		"for ever":        {"name": "x", "scopes": []string{"read"}, "days": "100000"},
		"no time":         {"name": "x", "scopes": []string{"read"}, "days": "0"},
		"a negative time": {"name": "x", "scopes": []string{"read"}, "days": "-1"},
		"another type":    {"name": "x", "scopes": m{"read": true}},
	} {
		if r := b.Post("/access-tokens", body); r.Status != 400 {
			t.Errorf("%s: %d %s", why, r.Status, r.Body)
		}
	}
	token, r := b.personal("read")
	r.Want(200)
	if w.count("tokens") != 1 || !strings.HasPrefix(token, "tfp_") {
		t.Fatalf("%d tokens; %s", w.count("tokens"), r.Body)
	}
	w.settled()
	if !strings.Contains(w.mailTo(p), "An access token was created") {
		t.Error("the owner was not told")
	}
	before := w.rows("users", "factors", "tokens", "devices")
	for _, as := range []string{"Authentication-Token", "Authorization"} {
		prog := w.program(as, token)
		if as == "Authorization" {
			prog = w.program(as, "Bearer "+token)
		}
		prog.out("a personal token where no scope was asked for")
		for _, path := range w.Nodes[0].Auth.Paths() {
			path = strings.ReplaceAll(path, "{token}", "AAAA")
			if path == "/token-check" || path == "/tf-static/" {
				continue
			}
			for _, method := range []string{"GET", "POST", "DELETE"} {
				r := prog.Do(method, path, testkit.TypeJSON, "{}", "Accept", testkit.TypeJSON)
				nobody := w.browser()
				nobody.Bare = true
				if as := nobody.Do(method, path, testkit.TypeJSON, "{}", "Accept",
					testkit.TypeJSON); r.JSON["user"] != nil || strings.Contains(r.Body, p.Email) ||
					r.Status != as.Status {
					t.Errorf("%s %s takes a personal token: %d %s", method, path, r.Status, r.Body)
				}
			}
		}
	}
	if w.rows("users", "factors", "tokens", "devices") != before {
		t.Error("a personal token changed something")
	}
}

// TestR136_PersonalTokensOpenTheirScopes checks that tokens open only what their scopes allow,
// where the application accepts them. Values that look like tokens open nothing.
func TestR136_PersonalTokensOpenTheirScopes(t *testing.T) {
	w := newWorld(t, tokens)
	p, q := w.withApp("alice"), w.withApp("robert")
	pages := scopedPages(w.Nodes[0])
	w.Nodes[0].Server.Handler = both(w.Nodes[0].Server.Handler, pages)
	b := w.plantSession(p)
	read, _ := b.personal("read")
	all, _ := b.personal("write", "read")
	want := func(token, path string, status int) {
		t.Helper()
		for as, value := range map[string]string{"Authentication-Token": token, "Authorization": "Bearer " + token} {
			r := w.program(as, value).Get(path)
			if r.Status != status || (status == 200) != strings.Contains(r.Body, p.Email) {
				t.Errorf("%s as %s: %d %.100s, want %d", path, as, r.Status, r.Body, status)
			}
		}
	}
	want(read, "/api/read", 200)
	want(read, "/api/write", 403)
	want(all, "/api/write", 200)
	want(all, "/api/fresh", 401)
	want(all, "/api/none", 403)
	want(all, "/api/user", 401)
	want(read, "/token-check?scope=read", 200)
	want(read, "/token-check?scope=read&scope=write", 403)
	want(read, "/token-check", 403)
	if r := b.Get("/api/read"); r.Status != 200 || strings.Contains(r.Body, "backup") {
		t.Errorf("a person has all scopes: %d %s", r.Status, r.Body)
	}
	// Values that are not tokens fail, even with a valid cookie.
	for _, bad := range []string{read[:len(read)-1], read + "x", strings.ToUpper(read), read[4:], "tfp_",
		"tfp_" + b.Jar["twofold"]} {
		prog := w.program("Authentication-Token", bad)
		prog.Jar["twofold"] = b.Jar["twofold"]
		if r := prog.Get("/api/read"); r.Status != 401 {
			t.Errorf("%.12q: %d", bad, r.Status)
		}
	}
	cookie := w.browser()
	cookie.Jar["twofold"] = read
	if r := cookie.Get("/api/read"); r.Status != 401 {
		t.Errorf("as a cookie: %d", r.Status)
	}
	// Only the owner can list and revoke tokens.
	list := b.Get("/access-tokens").Want(200)
	if strings.Contains(list.Body, read) || strings.Count(list.Body, `"kind":"personal"`) != 2 {
		t.Errorf("%s", list.Body)
	}
	_, made := b.personal("read")
	id := made.Text("id")
	other := w.plantSession(q)
	if strings.Contains(other.Get("/access-tokens").Want(200).Body, id) {
		t.Error("tokens of another account are listed")
	}
	foreign, unknown := other.Do("DELETE", "/access-tokens/"+id, "", "", "Accept", testkit.TypeJSON),
		other.Do("DELETE", "/access-tokens/AAAA", "", "", "Accept", testkit.TypeJSON)
	if foreign.Status != 404 || foreign.Body != unknown.Body {
		t.Errorf("another's token: %d %s", foreign.Status, foreign.Body)
	}
	want(made.Text("token"), "/api/read", 200)
	b.Do("DELETE", "/access-tokens/"+id, "", "", "Accept", testkit.TypeJSON).Want(200)
	want(made.Text("token"), "/api/read", 401)
	// Tokens expire, and end with the credentials for which they were issued.
	w.Advance(30*24*time.Hour + time.Second)
	want(read, "/api/read", 401)
	for why, end := range map[string]func() error{
		"a new password":     func() error { return w.Nodes[0].Auth.SetPassword(t.Context(), p.ID, secret) },
		"factors taken away": func() error { return w.Nodes[0].Auth.ResetAccess(t.Context(), p.ID) },
		"switched off":       func() error { return w.Nodes[0].Auth.SetActive(t.Context(), p.ID, false) },
	} {
		w.Must(w.Nodes[0].Auth.SetActive(t.Context(), p.ID, true))
		token, r := w.plantSession(p).personal("read")
		r.Want(200)
		w.Must(end())
		if r := w.program("Authentication-Token", token).Get("/api/read"); r.Status != 401 {
			t.Errorf("%s: %d", why, r.Status)
		}
	}
}

// both sends requests below /api/ to the second handler.
func both(a, b http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") {
			b.ServeHTTP(w, r)
			return
		}
		a.ServeHTTP(w, r)
	})
}

// TestR134_TokensAreHashesInTheDatabase.
func TestR134_TokensAreHashesInTheDatabase(t *testing.T) {
	w := newWorld(t, tokens)
	p := w.withApp("alice")
	_, _, refresh := p.pair()
	_, _, next := w.exchange(refresh)
	token, _ := w.plantSession(p).personal("read")
	for _, c := range w.dump() {
		for _, value := range []string{refresh, next, token, token[4:]} {
			if strings.Contains(c.Text, value) {
				t.Errorf("%s.%s holds a token", c.Table, c.Column)
			}
		}
		if c.Table == "twofold_tokens" && len(c.Text) > 20 {
			w.program("Authentication-Token", "tfp_"+c.Text).out("a value of the database as a token")
		}
	}
	if strings.Contains(w.Log.String(), token) || strings.Contains(w.Log.String(), next) {
		t.Error("the log holds a token")
	}
}
