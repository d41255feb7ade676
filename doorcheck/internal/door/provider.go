package door

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Provider is an OpenID provider on loopback with one client, whose users may sign in to the
// checked site. It does not verify the addresses of its users, and accepts a code more than once,
// so that the site must check for itself.
type Provider struct {
	URL, ClientID, Secret string
	listener              net.Listener

	mu     sync.Mutex
	grants map[string]grant
}

// Visitor is a user of the provider.
type Visitor struct {
	Subject, Email string
	Verified       bool   // the provider says that the address is
	Client         string // whom the token is for; empty: the site that asks
}

// Claims are the provider's claims about a user.
type Claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Client   string `json:"aud"`
	Nonce    string `json:"nonce,omitempty"`
	Email    string `json:"email"`
	Verified bool   `json:"email_verified"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	AuthTime int64  `json:"auth_time"`
}

type grant struct {
	Claims
	challenge string
}

// signer is created once, because creating a key is slow.
var signer = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// OpenProvider starts one.
func OpenProvider() (*Provider, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Provider{
		URL: "http://" + l.Addr().String(), ClientID: "door", Secret: "not a real secret", listener: l,
		grants: map[string]grant{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.metadata)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("POST /token", p.token)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }()
	return p, nil
}

// Close stops it.
func (p *Provider) Close() { p.listener.Close() }

// Visit handles a user whom a site redirected here and who consents. It returns the callback.
func (p *Provider) Visit(location string, v Visitor) (string, error) {
	u, err := url.Parse(location)
	if err != nil {
		return "", err
	}
	q := u.Query()
	if !strings.HasPrefix(location, p.URL+"/authorize?") || q.Get("client_id") != p.ClientID {
		return "", errors.New("this is not the way to the provider: " + location)
	}
	now := time.Now()
	g := grant{challenge: q.Get("code_challenge"), Claims: Claims{
		Issuer: p.URL, Subject: v.Subject, Client: v.Client, Nonce: q.Get("nonce"), Email: v.Email,
		Verified: v.Verified,
		Issued:   now.Unix(), AuthTime: now.Unix(), Expires: now.Add(5 * time.Minute).Unix(),
	}}
	if g.Client == "" {
		g.Client = p.ClientID
	}
	code := rand.Text()
	p.mu.Lock()
	p.grants[code] = g
	p.mu.Unlock()
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}
	return q.Get("redirect_uri") + "?" + back.Encode(), nil
}

// Exchange returns the identity of a code. A site that sent a challenge must send its verifier
// (PKCE).
func (p *Provider) Exchange(code, verifier string) (Claims, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, ok := p.grants[code]
	sum := sha256.Sum256([]byte(verifier))
	return g.Claims, ok && (g.challenge == "" || g.challenge == base64.RawURLEncoding.EncodeToString(sum[:]))
}

func (p *Provider) metadata(w http.ResponseWriter, _ *http.Request) {
	tell(w, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"jwks_uri": p.URL + "/keys", "response_types_supported": []string{"code"},
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256"},
		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
	})
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	key, err := signer()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	tell(w, map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "door", "n": encoded(key.N.Bytes()),
		"e": encoded(big.NewInt(int64(key.E)).Bytes()),
	}}})
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	claims, ok := p.Exchange(r.PostFormValue("code"), r.PostFormValue("code_verifier"))
	id, err := signed(claims)
	if !ok || err != nil {
		w.WriteHeader(http.StatusBadRequest)
		tell(w, map[string]any{"error": "invalid_grant"})
		return
	}
	tell(w, map[string]any{
		"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 300, "id_token": id, "scope": "openid email",
	})
}

func tell(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func encoded(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// signed is an ID token (RFC 7519, RS256).
func signed(c Claims) (string, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	key, err := signer()
	if err != nil {
		return "", err
	}
	text := encoded([]byte(`{"alg":"RS256","typ":"JWT","kid":"door"}`)) + "." + encoded(body)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	return text + "." + encoded(signature), err
}
