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

// Settings describes a provider and our registration with it. Register two redirect URLs with the
// provider: <origin>/login/oauthresponse/<Name> and, for authenticating users again,
// <origin>/login/oauth-verify-response/<Name>.
type Settings struct {
	// Name is used in paths. It consists of lower-case letters, digits, "-" and "_".
	Name string
	// Title is shown on buttons. The default is Name.
	Title string
	// Issuer is the provider's issuer, exactly as spelled in its metadata, e.g.
	// "https://login.example.org". Plain http is accepted for loopback hosts only.
	Issuer string
	// ClientID and ClientSecret are issued by the provider. The secret may be empty for a public
	// client: PKCE is always used.
	ClientID     string
	ClientSecret string
	// Scopes lists scopes to request in addition to openid. "email" and "profile" make the list of
	// connected accounts easier to read; they are not used to look up accounts.
	Scopes []string
	// Domains lists the domains whose mailboxes the provider itself runs, such as the domain of its
	// company. If sign-up through the provider is on, an address of these domains that the provider
	// marks as verified counts as proven. For all other addresses a code is mailed. Trade-off: if
	// someone else runs a mailbox of these domains, an account may be created for the wrong person.
	Domains []string
	// NoReauthentication must be set if the provider does not report when its user last
	// authenticated (auth_time). It is then not offered for authenticating users again.
	NoReauthentication bool
	// Client makes requests to the provider. If it is nil or has no Timeout, the timeout is 10
	// seconds.
	Client *http.Client
	// Now returns the current time. The default is time.Now.
	Now func() time.Time
}

// Google returns a provider for Google accounts.
func Google(clientID, clientSecret string) (federated.Provider, error) {
	return New(Settings{
		Name: "google", Title: "Google", Issuer: "https://accounts.google.com", ClientID: clientID,
		ClientSecret: clientSecret,
		Scopes:       []string{"email"}, Domains: []string{"gmail.com", "googlemail.com"}, NoReauthentication: true,
	})
}

// reserved lists names that cannot be used for a provider of New.
var reserved = []string{"github"}

var domain = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z0-9]$`)

var name = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// New returns an OpenID Connect provider. It makes no request.
func New(s Settings) (federated.Provider, error) {
	if slices.Contains(reserved, s.Name) {
		return nil, fmt.Errorf("oidc: the name %q is reserved: use another name, or GitHub()", s.Name)
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	for _, d := range s.Domains {
		if !domain.MatchString(d) {
			return nil, fmt.Errorf("oidc: %s: %q is not a domain in lower-case letters, such as example.org", s.Name, d)
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
		return errors.New("oidc: a name must be 1 to 32 lower-case letters, digits, - and _")
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

// secureAddress returns an error if the URL is not https, because the client secret, codes and keys
// are sent to it.
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
