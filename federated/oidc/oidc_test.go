package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/federated/oidc"
	"github.com/twofold-auth/twofold/internal/federatedtest"
)

const redirect = "http://localhost:1/login/oauthresponse/corp"

func question() federated.Question {
	return federated.Question{Redirect: redirect, State: rand.Text(), Nonce: rand.Text(),
		Verifier: strings.Repeat(rand.Text(), 2)}
}

func setUp(t *testing.T) (*federatedtest.Provider, federated.Provider) {
	t.Helper()
	t.Parallel()
	site := federatedtest.New(t, time.Now)
	p, err := oidc.New(oidc.Settings{Name: "corp", Issuer: site.URL, ClientID: site.ClientID,
		ClientSecret: site.Secret})
	if err != nil {
		t.Fatal(err)
	}
	return site, p
}

// journey follows the redirect to the provider and back. change may manipulate the callback.
func journey(t *testing.T, site *federatedtest.Provider, p federated.Provider, q federated.Question,
	change func(*federated.Question, *federated.Answer)) (federated.Identity, error) {
	t.Helper()
	address, err := p.Begin(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	back := site.Visit(address).Query()
	if back.Get("state") != q.State {
		t.Fatal("the state was not sent")
	}
	a := federated.Answer{Code: back.Get("code"), Issuer: back.Get("iss"), Error: back.Get("error")}
	if change != nil {
		change(&q, &a)
	}
	return p.Finish(t.Context(), q, a)
}

func TestATrueAnswerNamesIssuerAndSubject(t *testing.T) {
	site, p := setUp(t)
	id, err := journey(t, site, p, question(), nil)
	if err != nil || id != (federated.Identity{Issuer: site.URL, Subject: "alice", Label: "alice@corp.test"}) {
		t.Fatal(id, err)
	}
	asked := site.Asked()
	if asked.Get("code_challenge_method") != "S256" || asked.Get("scope") != "openid" || asked.Get("prompt") != "" {
		t.Fatalf("asked %v", asked)
	}
}

func TestAFalseAnswerIsRefused(t *testing.T) {
	site, p := setUp(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(site.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	hour := time.Now().Add(-time.Hour).Unix()
	for name, lie := range map[string]func(map[string]any){
		"nonce of another":          func(c map[string]any) { c["nonce"] = rand.Text() },
		"no nonce":                  func(c map[string]any) { delete(c, "nonce") },
		"audience of another":       func(c map[string]any) { c["aud"] = "somebody" },
		"no audience":               func(c map[string]any) { delete(c, "aud") },
		"several, no party":         func(c map[string]any) { c["aud"] = []string{site.ClientID, "somebody"} },
		"party of another":          func(c map[string]any) { c["azp"] = "somebody" },
		"issuer of another":         func(c map[string]any) { c["iss"] = "https://accounts.google.com" },
		"issuer with a slash":       func(c map[string]any) { c["iss"] = site.URL + "/" },
		"no issuer":                 func(c map[string]any) { delete(c, "iss") },
		"expired":                   func(c map[string]any) { c["exp"] = hour },
		"no expiry":                 func(c map[string]any) { delete(c, "exp") },
		"not yet":                   func(c map[string]any) { c["nbf"] = time.Now().Add(time.Hour).Unix() },
		"no subject":                func(c map[string]any) { delete(c, "sub") },
		"empty subject":             func(c map[string]any) { c["sub"] = "" },
		"a number as subject":       func(c map[string]any) { c["sub"] = 7 },
		"a subject beyond all size": func(c map[string]any) { c["sub"] = strings.Repeat("a", 256) },
	} {
		site.Lie(lie)
		if id, err := journey(t, site, p, question(), nil); !errors.Is(err, federated.ErrRefused) {
			t.Errorf("%s: %v %v", name, id, err)
		}
	}
	site.Lie(nil)
	for name, sign := range map[string]func(map[string]any) string{
		"unsigned":    federatedtest.Unsigned,
		"no token":    func(map[string]any) string { return "" },
		"no JWT":      func(map[string]any) string { return "a.b.c" },
		"another key": func(c map[string]any) string { return site.Signed(jose.RS256, other, c) },
		"client secret as key": func(c map[string]any) string {
			return site.Signed(jose.HS256, []byte(strings.Repeat(site.Secret, 2)), c)
		},
		"public key as secret": func(c map[string]any) string { return site.Signed(jose.HS256, public, c) },
		"a signature of other words": func(c map[string]any) string {
			return swap(site.RS256(c), site.RS256(map[string]any{"sub": "x"}))
		},
	} {
		site.Sign(sign)
		if id, err := journey(t, site, p, question(), nil); !errors.Is(err, federated.ErrRefused) {
			t.Errorf("%s: %v %v", name, id, err)
		}
	}
	site.Sign(nil)
	if _, err := journey(t, site, p, question(), nil); err != nil {
		t.Fatal("the truth after all that:", err)
	}
}

// swap returns a with the signature of b.
func swap(a, b string) string {
	return a[:strings.LastIndexByte(a, '.')] + b[strings.LastIndexByte(b, '.'):]
}

func TestAnAnswerThatIsNotOfThisQuestionIsRefused(t *testing.T) {
	site, p := setUp(t)
	for name, change := range map[string]func(*federated.Question, *federated.Answer){
		"no code":        func(_ *federated.Question, a *federated.Answer) { a.Code = "" },
		"a made up code": func(_ *federated.Question, a *federated.Answer) { a.Code = rand.Text() },
		"an error":       func(_ *federated.Question, a *federated.Answer) { a.Error = "access_denied" },
		"another issuer": func(_ *federated.Question, a *federated.Answer) { a.Issuer = "https://evil.test" },
		"no issuer":      func(_ *federated.Question, a *federated.Answer) { a.Issuer = "" },
		"verifier of another": func(q *federated.Question, _ *federated.Answer) {
			q.Verifier = strings.Repeat("v", 43)
		},
		"no verifier":      func(q *federated.Question, _ *federated.Answer) { q.Verifier = "" },
		"nonce of another": func(q *federated.Question, _ *federated.Answer) { q.Nonce = rand.Text() },
		"no nonce":         func(q *federated.Question, _ *federated.Answer) { q.Nonce = "" },
		"another redirect": func(q *federated.Question, _ *federated.Answer) { q.Redirect += "x" },
	} {
		if id, err := journey(t, site, p, question(), change); !errors.Is(err, federated.ErrRefused) {
			t.Errorf("%s: %v %v", name, id, err)
		}
	}
	q := question()
	var used federated.Answer
	if _, err := journey(t, site, p, q, func(_ *federated.Question, a *federated.Answer) { used = *a }); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Finish(t.Context(), q, used); !errors.Is(err, federated.ErrRefused) {
		t.Fatal("a code a second time:", err)
	}
}

func TestAskingAgainNeedsAProofSinceThen(t *testing.T) {
	site, p := setUp(t)
	q := question()
	q.Since = time.Now()
	if _, err := journey(t, site, p, q, nil); err != nil {
		t.Fatal(err)
	}
	if asked := site.Asked(); asked.Get("prompt") != "login" || asked.Get("max_age") != "0" {
		t.Fatalf("asked %v", asked)
	}
	for name, lie := range map[string]func(map[string]any){
		"proven an hour ago": func(c map[string]any) { c["auth_time"] = time.Now().Add(-time.Hour).Unix() },
		"not said when":      func(c map[string]any) { delete(c, "auth_time") },
	} {
		site.Lie(lie)
		if _, err := journey(t, site, p, q, nil); !errors.Is(err, federated.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAProviderThatIsDownIsNotARefusal(t *testing.T) {
	site, p := setUp(t)
	site.Down(true)
	if _, err := p.Begin(t.Context(), question()); !errors.Is(err, federated.ErrUnreachable) {
		t.Fatal(err)
	}
	site.Down(false)
	q := question()
	address, err := p.Begin(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	back := site.Visit(address).Query()
	site.Down(true)
	_, err = p.Finish(t.Context(), q, federated.Answer{Code: back.Get("code"), Issuer: back.Get("iss")})
	if !errors.Is(err, federated.ErrUnreachable) || errors.Is(err, federated.ErrRefused) {
		t.Fatal(err)
	}
}

func TestTheLabelIsTidyAndProvesNothing(t *testing.T) {
	site, p := setUp(t)
	for _, email := range []any{"a\x00\u202eb\r\n@corp.test", strings.Repeat("a", 5000), 7, nil, true} {
		site.Lie(func(c map[string]any) { c["email"] = email })
		id, err := journey(t, site, p, question(), nil)
		if err != nil || id.Subject != "alice" || len(id.Label) > 100 ||
			strings.ContainsAny(id.Label, "\x00\r\n\u202e") {
			t.Errorf("%v: %+v %v", email, id, err)
		}
	}
}

// TestOnlyAVerifiedAddressIsTold checks that only the boolean true marks an address as verified,
// and that an address is returned only if it was requested.
func TestOnlyAVerifiedAddressIsTold(t *testing.T) {
	site := federatedtest.New(t, time.Now)
	p, err := oidc.New(oidc.Settings{
		Name: "corp", Issuer: site.URL, ClientID: site.ClientID, ClientSecret: site.Secret,
		Domains: []string{"corp.test"},
	})
	if err != nil {
		t.Fatal(err)
	}
	q := question()
	q.Address = true
	is := func(email any) func(map[string]any) { return func(c map[string]any) { c["email"] = email } }
	for name, c := range map[string]struct {
		lie   func(map[string]any)
		email string
		owns  bool
	}{
		"verified, of its own domain": {nil, "alice@corp.test", true},
		"of another domain":           {is("alice@example.org"), "alice@example.org", false},
		"of a domain below":           {is("a@x.corp.test"), "a@x.corp.test", false},
		"of a domain that ends so":    {is("a@notcorp.test"), "a@notcorp.test", false},
		"with two at signs":           {is("a@corp.test@evil.test"), "a@corp.test@evil.test", false},
		"in capitals":                 {is("Alice@CORP.test"), "Alice@CORP.test", true},
		"not verified":                {func(c map[string]any) { c["email_verified"] = false }, "", false},
		"the text true":               {func(c map[string]any) { c["email_verified"] = "true" }, "", false},
		"the number one":              {func(c map[string]any) { c["email_verified"] = 1 }, "", false},
		"not said":                    {func(c map[string]any) { delete(c, "email_verified") }, "", false},
		"no text":                     {is([]string{"a@corp.test"}), "", false},
		"invisible characters":        {is("a\u202e@corp.test"), "", false},
		"without end":                 {is(strings.Repeat("a", 300) + "@corp.test"), "", false},
	} {
		site.Lie(c.lie)
		id, err := journey(t, site, p, q, nil)
		if err != nil || id.Email != c.email || id.Authoritative != c.owns || id.Subject != "alice" {
			t.Errorf("%s: %+v %v", name, id, err)
		}
	}
	if asked := site.Asked(); asked.Get("scope") != "openid email profile" {
		t.Errorf("asked for %q", asked.Get("scope"))
	}
	site.Lie(nil)
	if id, err := journey(t, site, p, question(), nil); err != nil || id.Email != "" || id.Authoritative {
		t.Errorf("told without being asked: %+v %v", id, err)
	}
}

// TestUserInfoIsOfTheSameUser checks that claims missing in an ID token are requested, and used
// only if they are about the user of the token.
func TestUserInfoIsOfTheSameUser(t *testing.T) {
	site, p := setUp(t)
	q := question()
	q.Address = true
	site.Lie(func(c map[string]any) { delete(c, "email"); delete(c, "email_verified") })
	of := func(sub, email string, verified any) func() map[string]any {
		return func() map[string]any {
			return m{"sub": sub, "email": email, "email_verified": verified, "name": "Alice"}
		}
	}
	for name, c := range map[string]struct {
		info  func() map[string]any
		email string
	}{
		"no answer": {nil, ""},
		"the same":  {of("alice", "a@corp.test", true), "a@corp.test"},
		"another":   {of("bob", "b@corp.test", true), ""},
		"no one":    {of("", "b@corp.test", true), ""},
		"a text":    {of("alice", "a@corp.test", "true"), ""},
	} {
		site.UserInfo(c.info)
		id, err := journey(t, site, p, q, nil)
		if err != nil || id.Email != c.email || id.Subject != "alice" || c.email != "" && id.Name != "Alice" {
			t.Errorf("%s: %+v %v", name, id, err)
		}
	}
}

type m = map[string]any

func TestSettingsThatAreWrongAreNamed(t *testing.T) {
	good := oidc.Settings{Name: "corp", Issuer: "https://corp.test", ClientID: "id"}
	for want, change := range map[string]func(*oidc.Settings){
		"lower-case letters":     func(s *oidc.Settings) { s.Name = "Corp/.." },
		"client id":              func(s *oidc.Settings) { s.ClientID = "" },
		"is not https":           func(s *oidc.Settings) { s.Issuer = "http://corp.test" },
		"is not a valid address": func(s *oidc.Settings) { s.Issuer = "https://corp.test?x=1" },
		"GitHub":                 func(s *oidc.Settings) { s.Name = "github" },
		"is not a domain":        func(s *oidc.Settings) { s.Domains = []string{"@Corp.test"} },
	} {
		s := good
		change(&s)
		if _, err := oidc.New(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", s, err, want)
		}
	}
	for _, make := range []func(string, string) (federated.Provider, error){oidc.Google, oidc.GitHub} {
		if p, err := make("id", "secret"); err != nil || p.Reauthenticates() || p.Title() == "" {
			t.Error(p, err)
		}
		if _, err := make("", "secret"); err == nil {
			t.Error("no client id, no error")
		}
	}
}

func TestGitHubIsAskedOverTLSWithPKCE(t *testing.T) {
	p, err := oidc.GitHub("id", "secret")
	if err != nil {
		t.Fatal(err)
	}
	address, err := p.Begin(t.Context(), question())
	u, err2 := url.Parse(address)
	if err != nil || err2 != nil || u.Scheme != "https" || u.Host != "github.com" ||
		u.Query().Get("code_challenge") == "" {
		t.Fatal(address, err, err2)
	}
}
