package security_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
)

// tokens enables refresh tokens and personal access tokens.
func tokens(c *twofold.Config) {
	c.Tokens = twofold.Tokens{Refresh: true, RefreshInBody: true, Scopes: []string{"read", "write"}}
}

// program is a client without cookies that has a token.
func (w *world) program(header, token string) *browser {
	b := w.browser()
	b.bare = true
	b.header[header] = token
	return b
}

// pair signs a person in with both factors and returns the tokens that a program gets.
func (p *person) pair() (b *browser, header, refresh string) {
	p.w.t.Helper()
	b = p.w.browser()
	b.login(p).want(200)
	r := b.post("/tf-validate?include_auth_token", m{"code": p.next()}).want(200)
	user, _ := r.json["user"].(m)
	header, _ = user["authentication_token"].(string)
	refresh, _ = user["refresh_token"].(string)
	if header == "" || refresh == "" {
		p.w.t.Fatalf("no pair of tokens: %s", r.body)
	}
	p.w.handedOut("refresh token", refresh)
	return b, header, refresh
}

// exchange posts a refresh token as a program does.
func (w *world) exchange(refresh string) (r *answer, header, next string) {
	w.t.Helper()
	b := w.browser()
	b.bare = true
	r = b.post("/refresh-token", m{"refresh_token": refresh})
	user, _ := r.json["user"].(m)
	header, _ = user["authentication_token"].(string)
	next, _ = user["refresh_token"].(string)
	w.handedOut("refresh token", next)
	return r, header, next
}

// personal creates a personal access token in a browser.
func (b *browser) personal(scopes ...string) (string, *answer) {
	b.w.t.Helper()
	r := b.post("/access-tokens", m{"name": "backup", "scopes": scopes, "days": "30"})
	token, _ := r.json["token"].(string)
	b.w.handedOut("personal access token", token)
	return token, r
}

// TestR022_TokensObeyTheSecondFactor checks that tokens are issued only after all factors of the
// account, prove no more than these, and end with them.
func TestR022_TokensObeyTheSecondFactor(t *testing.T) {
	w := newWorld(t, tokens)
	p := w.withApp("alice")
	half := w.browser()
	r := half.post("/login?include_auth_token", m{"email": p.email, "password": secret}).want(200)
	if strings.Contains(r.body, "_token\":\"tf") || r.json["user"] != nil || w.count("tokens") != 0 {
		t.Errorf("the first factor alone got a token: %s", r.body)
	}
	half.post("/access-tokens", m{"name": "x", "scopes": []string{"read"}}).want(401)
	w.exchange("")
	_, header, refresh := p.pair()
	w.program("Authentication-Token", header).in(p, 2)
	for _, as := range []string{"Authentication-Token", "Authorization"} {
		w.program(as, refresh).out("a refresh token as a session")
		w.program(as, "Bearer "+refresh).out("a refresh token as a session")
	}
	b := w.browser()
	b.jar["twofold"] = refresh
	b.out("a refresh token as a cookie")

	answered, header2, refresh2 := w.exchange(refresh)
	if answered.want(200).json["csrf_token"] != nil || len(answered.header.Values("Set-Cookie")) != 0 {
		t.Errorf("an exchange has nothing to do with browsers: %s %v", answered.body, answered.header)
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
		prog.post(path, body).want(401)
	}
	// The token ends with the credentials for which it was issued.
	w.must(w.nodes[0].auth.SetPassword(t.Context(), p.id, secret+"!"))
	prog.out("after a new password")
	r, _, _ = w.exchange(refresh2)
	r.want(400).refused("a refresh token of former credentials")
	w.must(w.nodes[0].auth.SetPassword(t.Context(), p.id, secret))
}

// TestR084_ARefreshTokenThatComesBackEndsTheFamily checks that reuse revokes the token family. Of
// concurrent exchanges of one token, one succeeds at most.
func TestR084_ARefreshTokenThatComesBackEndsTheFamily(t *testing.T) {
	w := newWorld(t, tokens)
	p := w.withApp("alice")
	b, header, first := p.pair()
	_, header2, second := w.exchange(first)
	r, _, _ := w.exchange(first)
	if !strings.Contains(r.want(400).body, "GEN_MISMATCH") {
		t.Errorf("%s", r.body)
	}
	for what, it := range map[string]*browser{
		"the browser": b, "the first token": w.program("Authentication-Token", header),
		"the second": w.program("Authentication-Token", header2),
	} {
		it.out("a copied family: " + what)
	}
	if r, _, _ := w.exchange(second); !strings.Contains(r.want(400).body, "NOT_FOUND") {
		t.Errorf("%s", r.body)
	}
	w.settled()
	if len(happened[event.TokenCopied](w)) != 1 || !strings.Contains(w.mailTo(p), "copied") {
		t.Error("nobody was told of the copy")
	}
	// Malformed tokens and those of other users revoke nothing.
	_, _, third := p.pair()
	for _, bad := range []string{"x", third + "x", third[:len(third)-1], strings.ToUpper(third), "tfp_" + third,
		strings.Repeat("a", 3000)} {
		if r, _, _ := w.exchange(bad); r.status != 400 {
			t.Errorf("%.20s: %d %s", bad, r.status, r.body)
		}
	}
	r, _, fourth := w.exchange(third)
	r.want(200)
	// Of many concurrent exchanges one succeeds at most, and the family is revoked then.
	won := make([]string, 16)
	par(len(won), func(i int) { _, won[i], _ = w.exchange(fourth) })
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
	for _, mail := range w.mail.To(p.email) {
		all.WriteString(mail.Text)
	}
	return all.String()
}

// TestR082_RefreshTokensExpire covers the idle and the absolute limit, whatever the clock.
func TestR082_RefreshTokensExpire(t *testing.T) {
	w := newWorld(t, tokens)
	p := w.withApp("alice")
	_, _, idle := p.pair()
	w.advance(7*24*time.Hour + time.Second)
	r, _, _ := w.exchange(idle)
	r.want(400).refused("idle for a week")
	_, _, old := p.pair()
	for range 15 {
		w.advance(6 * 24 * time.Hour)
		if r, _, old = w.exchange(old); r.status != 200 {
			break
		}
	}
	r.want(400).refused("ninety days old")
}

// TestR101_SigningOutEndsRefreshTokens checks that only tokens of the same sign-in end.
func TestR101_SigningOutEndsRefreshTokens(t *testing.T) {
	w := newWorld(t, tokens)
	p := w.withApp("alice")
	b, _, mine := p.pair()
	_, _, other := p.pair()
	b.post("/logout", m{}).want(200)
	r, _, _ := w.exchange(mine)
	r.want(400).refused("signed out")
	r, header, other := w.exchange(other)
	r.want(200)
	prog := w.program("Authentication-Token", header)
	prog.in(p, 2)
	w.browser().post("/logout", m{"refresh_token": other}).want(200)
	prog.out("signed out by the refresh token")
	r, _, _ = w.exchange(other)
	r.want(400)

	t.Run("in a cookie", func(t *testing.T) {
		w := newWorld(t, tokens, func(c *twofold.Config) { c.Tokens.RefreshInBody = false })
		p := w.withApp("alice")
		b := w.browser()
		b.login(p).want(200)
		r := b.post("/tf-validate?include_auth_token", m{"code": p.next()}).want(200)
		line := strings.Join(w.cookies["fs_refresh"], " ")
		if b.jar["fs_refresh"] == "" || strings.Contains(r.body, "refresh_token") ||
			!strings.Contains(line, "HttpOnly") || !strings.Contains(line, "SameSite=Strict") {
			t.Errorf("%s %s", line, r.body)
		}
		old := b.jar["fs_refresh"]
		b.post("/refresh-token", m{}).want(200)
		if b.jar["fs_refresh"] == old || b.jar["fs_refresh"] == "" {
			t.Error("the cookie was not renewed")
		}
		b.do("POST", "/refresh-token", typeForm, "refresh_token=x", "Accept", typeJSON).want(400)
		b.post("/refresh-token", m{}, "Sec-Fetch-Site", "cross-site").want(403)
		last := b.jar["fs_refresh"]
		b.post("/logout", m{}).want(200)
		if b.jar["fs_refresh"] != "" {
			t.Error("signing out leaves the cookie")
		}
		b = w.browser()
		b.jar["fs_refresh"] = last
		b.post("/refresh-token", m{}).want(400)
	})
}

// scopedPages serves an application's pages for programs.
func scopedPages(n *node) http.Handler {
	mux := http.NewServeMux()
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := twofold.UserOf(r)
		_, _ = w.Write([]byte("for " + u.Email + " by " + u.Program))
	})
	mux.Handle("/api/read", n.auth.RequireScope("read")(n.auth.RequireTwoFactor(page)))
	mux.Handle("/api/write", n.auth.RequireScope("read", "write")(n.auth.RequireTwoFactor(page)))
	mux.Handle("/api/fresh", n.auth.RequireScope("read")(n.auth.RequireFresh(-1)(page)))
	mux.Handle("/api/one", n.auth.RequireScope("read")(page))
	mux.Handle("/api/none", n.auth.RequireScope()(page))
	mux.Handle("/api/user", n.auth.RequireUser(n.auth.RequireScope("read")(page)))
	return mux
}

// TestR053_PersonalTokensAreMintedFresh checks that a token requires a fresh proof of all factors,
// and cannot change anything in its account.
func TestR053_PersonalTokensAreMintedFresh(t *testing.T) {
	w := newWorld(t, tokens)
	p := w.withApp("alice")
	b := w.plantSession(p)
	w.advance(15*time.Minute + time.Second)
	_, r := b.personal("read")
	r.want(401)
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
		if r := b.post("/access-tokens", body); r.status != 400 {
			t.Errorf("%s: %d %s", why, r.status, r.body)
		}
	}
	token, r := b.personal("read")
	r.want(200)
	if w.count("tokens") != 1 || !strings.HasPrefix(token, "tfp_") {
		t.Fatalf("%d tokens; %s", w.count("tokens"), r.body)
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
		for _, path := range w.nodes[0].auth.Paths() {
			path = strings.ReplaceAll(path, "{token}", "AAAA")
			if path == "/token-check" || path == "/tf-static/" {
				continue
			}
			for _, method := range []string{"GET", "POST", "DELETE"} {
				r := prog.do(method, path, typeJSON, "{}", "Accept", typeJSON)
				nobody := w.browser()
				nobody.bare = true
				if as := nobody.do(method, path, typeJSON, "{}", "Accept", typeJSON); r.json["user"] != nil ||
					strings.Contains(r.body, p.email) || r.status != as.status {
					t.Errorf("%s %s takes a personal token: %d %s", method, path, r.status, r.body)
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
	pages := scopedPages(w.nodes[0])
	w.nodes[0].server.Handler = both(w.nodes[0].server.Handler, pages)
	b := w.plantSession(p)
	read, _ := b.personal("read")
	all, _ := b.personal("write", "read")
	want := func(token, path string, status int) {
		t.Helper()
		for as, value := range map[string]string{"Authentication-Token": token, "Authorization": "Bearer " + token} {
			r := w.program(as, value).get(path)
			if r.status != status || (status == 200) != strings.Contains(r.body, p.email) {
				t.Errorf("%s as %s: %d %.100s, want %d", path, as, r.status, r.body, status)
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
	if r := b.get("/api/read"); r.status != 200 || strings.Contains(r.body, "backup") {
		t.Errorf("a person has all scopes: %d %s", r.status, r.body)
	}
	// Values that are not tokens fail, even with a valid cookie.
	for _, bad := range []string{read[:len(read)-1], read + "x", strings.ToUpper(read), read[4:], "tfp_",
		"tfp_" + b.jar["twofold"]} {
		prog := w.program("Authentication-Token", bad)
		prog.jar["twofold"] = b.jar["twofold"]
		if r := prog.get("/api/read"); r.status != 401 {
			t.Errorf("%.12q: %d", bad, r.status)
		}
	}
	cookie := w.browser()
	cookie.jar["twofold"] = read
	if r := cookie.get("/api/read"); r.status != 401 {
		t.Errorf("as a cookie: %d", r.status)
	}
	// Only the owner can list and revoke tokens.
	list := b.get("/access-tokens").want(200)
	if strings.Contains(list.body, read) || strings.Count(list.body, `"kind":"personal"`) != 2 {
		t.Errorf("%s", list.body)
	}
	_, made := b.personal("read")
	id := made.text("id")
	other := w.plantSession(q)
	if strings.Contains(other.get("/access-tokens").want(200).body, id) {
		t.Error("tokens of another account are listed")
	}
	foreign, unknown := other.do("DELETE", "/access-tokens/"+id, "", "", "Accept", typeJSON),
		other.do("DELETE", "/access-tokens/AAAA", "", "", "Accept", typeJSON)
	if foreign.status != 404 || foreign.body != unknown.body {
		t.Errorf("another's token: %d %s", foreign.status, foreign.body)
	}
	want(made.text("token"), "/api/read", 200)
	b.do("DELETE", "/access-tokens/"+id, "", "", "Accept", typeJSON).want(200)
	want(made.text("token"), "/api/read", 401)
	// Tokens expire, and end with the credentials for which they were issued.
	w.advance(30*24*time.Hour + time.Second)
	want(read, "/api/read", 401)
	for why, end := range map[string]func() error{
		"a new password":     func() error { return w.nodes[0].auth.SetPassword(t.Context(), p.id, secret) },
		"factors taken away": func() error { return w.nodes[0].auth.ResetAccess(t.Context(), p.id) },
		"switched off":       func() error { return w.nodes[0].auth.SetActive(t.Context(), p.id, false) },
	} {
		w.must(w.nodes[0].auth.SetActive(t.Context(), p.id, true))
		token, r := w.plantSession(p).personal("read")
		r.want(200)
		w.must(end())
		if r := w.program("Authentication-Token", token).get("/api/read"); r.status != 401 {
			t.Errorf("%s: %d", why, r.status)
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
			if strings.Contains(c.text, value) {
				t.Errorf("%s.%s holds a token", c.table, c.column)
			}
		}
		if c.table == "twofold_tokens" && len(c.text) > 20 {
			w.program("Authentication-Token", "tfp_"+c.text).out("a value of the database as a token")
		}
	}
	if strings.Contains(w.log.String(), token) || strings.Contains(w.log.String(), next) {
		t.Error("the log holds a token")
	}
}
