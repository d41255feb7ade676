package target

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// Target is a kind of site.
type Target struct {
	Name   string
	Title  string
	Needs  string // what must be installed to start one
	Dress  func(*door.Site)
	asks   bool // it asks the former system of its accounts for passwords
	launch func(ctx context.Context, at place) (version string, err error)
}

// place holds the parameters with which a site is started.
type place struct {
	dir    string // temporary
	listen string // host:port
	origin string
	mail   *door.Mailbox
	// provider is an OAuth provider with which people may sign in.
	provider *door.Provider
	former   *door.Former // where its accounts come from
	operator *door.Operator
	ready    func(p *program, path string) error
}

// All returns the kinds of sites, in the order of the table.
func All() []Target { return []Target{twofold(), leaking(), flask(), betterAuth()} }

// Find returns the kind with a name.
func Find(name string) (Target, error) {
	list := All()
	if i := slices.IndexFunc(list, func(t Target) bool { return t.Name == name }); i >= 0 {
		return list[i], nil
	}
	return Target{}, fmt.Errorf("unknown target %q", name)
}

// Start starts a site of this kind on loopback, behind a proxy with TLS. It returns the site and a
// function that stops it.
func (t Target) Start(ctx context.Context) (*door.Site, func(), error) {
	dir, err := os.MkdirTemp("", "doorcheck-")
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ends := []func(){func() { os.RemoveAll(dir) }, cancel}
	end := func() {
		for _, f := range slices.Backward(ends) {
			f()
		}
	}
	fail := func(err error) (*door.Site, func(), error) {
		end()
		return nil, nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	mail, err := door.OpenMailbox("127.0.0.1:0")
	if err != nil {
		return fail(err)
	}
	ends = append(ends, mail.Close)
	provider, err := door.OpenProvider()
	if err != nil {
		return fail(err)
	}
	ends = append(ends, provider.Close)
	former, err := door.OpenFormer()
	if err != nil {
		return fail(err)
	}
	ends = append(ends, former.Close)
	listen, err := door.FreeAddress()
	if err != nil {
		return fail(err)
	}
	proxy, err := door.OpenProxy(&url.URL{Scheme: "http", Host: listen})
	if err != nil {
		return fail(err)
	}
	ends = append(ends, proxy.Close)
	at := place{dir: dir, listen: listen, origin: proxy.Origin, mail: mail, provider: provider, former: former}
	at.operator = &door.Operator{}
	at.ready = func(p *program, path string) error {
		ends = append(ends, func() { cancel(); <-p.end })
		return p.ready(door.NewBrowser(proxy.Origin, ""), path)
	}
	version, err := t.launch(ctx, at)
	if err != nil {
		return fail(err)
	}
	site := t.Site(proxy.Origin, mail)
	site.Version, site.Proxied, site.Provider = version, true, provider
	if at.operator.Invite != nil {
		site.Operator = at.operator
	}
	if t.asks {
		site.Former = former
	}
	return site, end, nil
}

// Site returns a site of this kind at an origin that sends mail to a mailbox.
func (t Target) Site(origin string, mail *door.Mailbox) *door.Site {
	u, err := url.Parse(origin)
	s := &door.Site{Name: t.Title, Origin: origin, Mail: mail, Secure: err == nil && u.Scheme == "https",
		MailedCode: sixDigits}
	t.Dress(s)
	return s
}

// root returns the root folder of the project.
func root() (string, error) {
	at, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(at, "cmd", "twofold")); missing == nil {
			return at, nil
		}
		up := filepath.Dir(at)
		if up == at {
			return "", fmt.Errorf("run this in the folder of the project: cmd/twofold was not found")
		}
		at = up
	}
	return "", err
}
