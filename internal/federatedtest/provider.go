package federatedtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Provider is an OpenID provider on a loopback address with one client.
type Provider struct {
	URL              string // also its issuer
	ClientID, Secret string

	t      testing.TB
	key    *rsa.PrivateKey
	server *httptest.Server

	mu     sync.Mutex
	now    func() time.Time
	user   string
	auth   time.Time
	lie    func(claims map[string]any)
	info   func() map[string]any
	sign   func(claims map[string]any) string
	answer func(url.Values)
	down   bool
	grants map[string]grant
	asked  url.Values
}

type grant struct {
	redirect, challenge, nonce, user string
	auth                             time.Time
}

// New starts a provider whose user is "alice".
func New(t testing.TB, now func() time.Time) *Provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{t: t, key: key, ClientID: "twofold-client", Secret: "not a real secret", now: now, user: "alice",
		grants: map[string]grant{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.metadata)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userInfo)
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.down {
			http.Error(w, "down", http.StatusInternalServerError)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	p.URL = p.server.URL
	t.Cleanup(p.server.Close)
	return p
}

// SignIn changes the user who is signed in at the provider and sets the time of the last
// authentication to now.
func (p *Provider) SignIn(user string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.user, p.auth = user, p.now()
}

// Lie changes the claims of later tokens; nil restores the correct ones.
func (p *Provider) Lie(f func(claims map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lie = f
}

// UserInfo sets the answer of the UserInfo endpoint; nil means an error.
func (p *Provider) UserInfo(f func() map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.info = f
}

func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	if p.info == nil || r.Header.Get("Authorization") == "" {
		reply(w, http.StatusForbidden, map[string]any{"error": "insufficient_scope"})
		return
	}
	reply(w, http.StatusOK, p.info())
}

// Sign sets the function that signs later tokens; nil restores the correct one.
func (p *Provider) Sign(f func(claims map[string]any) string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sign = f
}

// Answer changes the parameters of callbacks; nil restores the correct ones.
func (p *Provider) Answer(f func(url.Values)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = f
}

// Down makes every answer an error.
func (p *Provider) Down(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// Asked returns the parameters of the last authorization request.
func (p *Provider) Asked() url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.asked)
}

// Visit follows an authorization request as a browser and returns the callback.
func (p *Provider) Visit(address string) *url.URL {
	p.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(address)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		p.t.Fatalf("the provider sends no one back from %s: %d %v", address, resp.StatusCode, err)
	}
	return back
}

func (p *Provider) metadata(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"jwks_uri":                 p.URL + "/keys",
		"userinfo_endpoint":        p.URL + "/userinfo",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256", "HS256", "none"},
		"authorization_response_iss_parameter_supported": true,
	})
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, jose.JSONWebKeySet{
		Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "k", Algorithm: "RS256", Use: "sig"}}})
}

// authorize is the authorization endpoint for a user who is signed in and consents.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p.asked = q
	for name, want := range map[string]string{"client_id": p.ClientID, "response_type": "code",
		"code_challenge_method": "S256"} {
		if q.Get(name) != want {
			http.Error(w, name, http.StatusBadRequest)
			return
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge", "redirect_uri", "scope"} {
		if q.Get(name) == "" {
			http.Error(w, name, http.StatusBadRequest)
			return
		}
	}
	auth := p.auth
	if q.Get("prompt") == "login" {
		auth = p.now()
	}
	code := rand.Text()
	p.grants[code] = grant{q.Get("redirect_uri"), q.Get("code_challenge"), q.Get("nonce"), p.user, auth}
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}
	if p.answer != nil {
		p.answer(back)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != p.ClientID || secret != p.Secret {
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	code := r.PostFormValue("code")
	g, ok := p.grants[code]
	delete(p.grants, code)
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || g.redirect != r.PostFormValue("redirect_uri") ||
		g.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	now := p.now()
	claims := map[string]any{
		"iss": p.URL, "sub": g.user, "aud": p.ClientID, "nonce": g.nonce, "iat": now.Unix(),
		"exp":       now.Add(5 * time.Minute).Unix(),
		"auth_time": g.auth.Unix(), "email": g.user + "@corp.test", "email_verified": true,
	}
	if p.lie != nil {
		p.lie(claims)
	}
	sign := p.sign
	if sign == nil {
		sign = p.RS256
	}
	reply(w, http.StatusOK, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 300,
		"id_token": sign(claims)})
}

// RS256 signs claims correctly.
func (p *Provider) RS256(claims map[string]any) string {
	return p.Signed(jose.RS256, p.key, claims)
}

// Signed signs claims with the given algorithm and key.
func (p *Provider) Signed(alg jose.SignatureAlgorithm, key any, claims map[string]any) string {
	raw, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", "k"))
	if err != nil {
		panic(err)
	}
	object, err := signer.Sign(raw)
	if err != nil {
		panic(err)
	}
	text, err := object.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}

// Unsigned returns a token with the algorithm "none".
func Unsigned(claims map[string]any) string {
	raw, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf("%s.%s.", encode([]byte(`{"alg":"none","typ":"JWT"}`)), encode(raw))
}

// PublicKey returns the key that verifies signatures.
func (p *Provider) PublicKey() *rsa.PublicKey { return &p.key.PublicKey }

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
