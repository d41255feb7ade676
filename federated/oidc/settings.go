package oidc

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/federated"
)

// Settings say where a provider is and who we are there. Its redirect
// addresses to register there are <origin>/login/oauthresponse/<Name> and, to
// have it authenticate its users again, <origin>/login/oauth-verify-response/<Name>.
type Settings struct {
	// Name stands in paths: small letters, digits, "-" and "_".
	Name string
	// Title is shown on buttons; Name if empty.
	Title string
	// Issuer is the provider's, exactly as its metadata spell it, e.g.
	// "https://login.example.org". Plain http is for loopback hosts only.
	Issuer string
	// ClientID and ClientSecret were given by the provider. The secret may be
	// empty for a public client: PKCE is always used.
	ClientID     string
	ClientSecret string
	// Scopes besides openid: none if empty. "email" or "profile" make the list of
	// connected accounts easier to read; nothing is looked up by them.
	Scopes []string
	// Domains are those of which the provider itself runs every mailbox, such as the
	// domain of its company. Where sign-up through the provider is on, an address of
	// these domains that it says is verified counts as proven. All other addresses
	// are mailed a code. Trade-off: if a mailbox there is not the provider's to give,
	// an account is made for the wrong person.
	Domains []string
	// NoReauthentication says that the provider cannot tell when its user last
	// authenticated (no auth_time). It is then not offered for that.
	NoReauthentication bool
	// Client reaches the provider; one with a time-out of 10 seconds if nil.
	Client *http.Client
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// Google returns the sign-in with Google accounts.
func Google(clientID, clientSecret string) (federated.Provider, error) {
	return New(Settings{
		Name: "google", Title: "Google", Issuer: "https://accounts.google.com", ClientID: clientID, ClientSecret: clientSecret,
		Scopes: []string{"email"}, Domains: []string{"gmail.com", "googlemail.com"}, NoReauthentication: true,
	})
}

// reserved are names that mean something of their own.
var reserved = []string{"github"}

var domain = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z0-9]$`)

var name = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// New returns the sign-in with an OpenID Connect provider. It asks nothing yet.
func New(s Settings) (federated.Provider, error) {
	if slices.Contains(reserved, s.Name) {
		return nil, fmt.Errorf("oidc: %q is GitHub's: take another name, or GitHub()", s.Name)
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	for _, d := range s.Domains {
		if !domain.MatchString(d) {
			return nil, fmt.Errorf("oidc: %s: %q is not a domain such as example.org in small letters", s.Name, d)
		}
	}
	if err := secureAddress(s.Issuer); err != nil {
		return nil, fmt.Errorf("oidc: %s: the issuer %w", s.Name, err)
	}
	return &provider{s: s.withDefaults()}, nil
}

func (s Settings) check() error {
	switch {
	case !name.MatchString(s.Name):
		return errors.New("oidc: a name is up to 32 small letters, digits, - and _")
	case s.ClientID == "":
		return fmt.Errorf("oidc: %s: the client id is missing", s.Name)
	}
	return nil
}

func (s Settings) withDefaults() Settings {
	if s.Title == "" {
		s.Title = s.Name
	}
	if s.Client == nil {
		s.Client = &http.Client{}
	}
	client := *s.Client
	if client.Timeout == 0 {
		client.Timeout = 10 * time.Second
	}
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	client.Transport = bounded{client.Transport}
	s.Client = &client
	if s.Now == nil {
		s.Now = time.Now
	}
	return s
}

// secureAddress wants https: client secret, codes and keys travel there.
func secureAddress(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.RawQuery != "":
		return errors.New("is not a valid address")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return errors.New("is not https")
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }
