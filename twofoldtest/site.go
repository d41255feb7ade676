package twofoldtest

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/twofold-auth/twofold/federated"
)

type provider = federated.Provider

// standIn is another site as the configuration has it. While NoSideDoor runs it
// answers for the people that NoSideDoor makes up, and asks nobody.
type standIn struct {
	federated.Provider
	on *atomic.Bool
}

// madeUp begins the answers of a stand-in.
const madeUp = "made-up-"

// Begin implements federated.Provider.
func (s standIn) Begin(ctx context.Context, q federated.Question) (string, error) {
	if !s.on.Load() {
		return s.Provider.Begin(ctx, q)
	}
	return "https://elsewhere.test/?state=" + url.QueryEscape(q.State), nil
}

// Finish implements federated.Provider.
func (s standIn) Finish(ctx context.Context, q federated.Question, a federated.Answer) (federated.Identity, error) {
	if !s.on.Load() {
		return s.Provider.Finish(ctx, q, a)
	}
	who, ok := strings.CutPrefix(a.Code, madeUp)
	if !ok {
		return federated.Identity{}, federated.ErrRefused
	}
	return federated.Identity{Issuer: "https://elsewhere.test/" + s.Name(), Subject: who, Label: who}, nil
}

// leave goes to the other site and returns the path that it sends back to, for
// somebody who is known by a name there.
func (b *Browser) leave(errand, back, site, who string) string {
	b.k.t.Helper()
	a := b.do(http.MethodPost, b.k.at(errand)+"/"+site, nil, nil)
	away, err := url.Parse(a.Header.Get("Location"))
	if a.Status != http.StatusFound || err != nil {
		b.k.t.Fatalf("%s: %d %s", errand, a.Status, a.Body)
	}
	q := url.Values{"state": {away.Query().Get("state")}, "code": {madeUp + who}}
	return b.k.at(back) + "/" + site + "?" + q.Encode()
}

const (
	toSite, fromSite   = "/login/oauthstart", "/login/oauthresponse"
	toProof, fromProof = "/login/oauth-verify-start", "/login/oauth-verify-response"
	toConnect          = "/login/oauth-connect"
)

// siteStates are the ways through other sites.
func (k *Kit) siteStates() []state {
	var out []state
	for _, p := range k.config.OAuth {
		out = append(out, k.statesOf(p)...)
	}
	return out
}

func (k *Kit) statesOf(p federated.Provider) []state {
	site := p.Name()
	// connected is somebody whose account there has the same name.
	connected := func() (string, *Browser) {
		email, b := k.someone("site")
		b.must("connect", b.Get(b.leave(toConnect, fromSite, site, email)))
		return email, b
	}
	through := func(b *Browser, who string) Answer { return b.Get(b.leave(toSite, fromSite, site, who)) }
	states := []state{
		{name: site + ": an account there, and what is mailed to it", open: func() *Browser {
			email, _ := connected()
			b := k.NewBrowser()
			b.must("through "+site, through(b, email))
			return k.rescuedByMail(p, email, b)
		}},
		{name: site + ": an account that nobody connected", open: func() *Browser {
			b := k.NewBrowser()
			through(b, "nobody")
			return b
		}},
		{name: site + ": an account there, and the second factor not proven", open: func() *Browser {
			email, _ := connected()
			b := k.NewBrowser()
			b.must("through "+site, through(b, email))
			return b
		}},
		{name: site + ": an account there, and no second factor", open: func() *Browser {
			email := k.address("site-one")
			b := k.oneFactor(email)
			if k.mustEnrol() { // nothing is connected before there is a session
				b.do(http.MethodPost, k.at(toConnect)+"/"+site, nil, nil)
				return b
			}
			b.must("connect", b.Get(b.leave(toConnect, fromSite, site, email)))
			b = k.NewBrowser()
			b.must("through "+site, through(b, email))
			return b
		}},
		{name: site + ": the answer to another browser", open: func() *Browser {
			email, _ := connected()
			path := k.NewBrowser().leave(toSite, fromSite, site, email)
			b := k.NewBrowser()
			b.Get(path)
			return b
		}},
		{name: site + ": asked to connect while the second factor was not proven", open: func() *Browser {
			email, _ := k.someone("site")
			b := k.firstFactor(email)
			b.do(http.MethodPost, k.at(toConnect)+"/"+site, nil, nil)
			b.Get(k.at(fromSite) + "/" + site + "?state=AAAA&code=" + madeUp + "friend")
			return b
		}},
	}
	if !p.Reauthenticates() {
		return states
	}
	return append(states, state{name: site + ": proven again there, and signed out", open: func() *Browser {
		email, b := connected()
		b.must("proof at "+site, b.Get(b.leave(toProof, fromProof, site, email)))
		b.Post(k.at("/tf-validate"), map[string]any{"code": k.Code(email)})
		return b.signedOut()
	}})
}

// siteNames are the names of the other sites.
func (k *Kit) siteNames() []string {
	var out []string
	for _, p := range k.config.OAuth {
		out = append(out, p.Name())
	}
	return slices.Compact(out)
}
