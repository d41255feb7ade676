package twofoldtest

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twofold-auth/twofold/federated"
)

type provider = federated.Provider

// standIn wraps an identity provider of the configuration. While NoSideDoor runs, it answers for
// the users that NoSideDoor creates, without calling the provider.
type standIn struct {
	federated.Provider
	on *atomic.Bool
}

// madeUp is the prefix of the codes of a stand-in.
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
	id := federated.Identity{Issuer: "https://elsewhere.test/" + s.Name(), Subject: who, Label: who}
	if q.Address && strings.Contains(who, "@") { // users whose name is an address have verified it
		id.Email, id.Username = who, username(who)
	}
	return id, nil
}

// leave starts a sign-in at an identity provider and returns the path to which the provider
// redirects back, for a user with the given name there.
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

// siteStates returns the states of sign-ins with identity providers.
func siteStates(k *Kit) []state {
	var out []state
	for _, p := range k.config.Accounts.OAuth {
		out = append(out, statesOf(k, p)...)
	}
	return out
}

func statesOf(k *Kit, p federated.Provider) []state {
	site := p.Name()
	// connected returns a user who has connected an account with the same name.
	connected := func() (string, *Browser) {
		email, b := k.someone("site")
		b.must("connect", b.Get(b.leave(toConnect, fromSite, site, email)))
		return email, b
	}
	through := func(b *Browser, who string) Answer { return b.Get(b.leave(toSite, fromSite, site, who)) }
	states := append(signUpStates(k, site, through), []state{
		{name: site + ": an account there, and what is mailed to it", open: func() *Browser {
			email, _ := connected()
			b := k.NewBrowser()
			b.must("through "+site, through(b, email))
			return rescuedByMail(k, p, email, b)
		}},
		{name: site + ": an account that no one connected", open: func() *Browser {
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
			if k.mustEnroll() { // accounts can be connected only in a session
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
	}...)
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

// signUpStates returns the states of users who create an account through a provider.
func signUpStates(k *Kit, site string, through func(b *Browser, who string) Answer) []state {
	if !slices.Contains(k.config.Accounts.OAuthSignUp, site) {
		return nil
	}
	at := k.at("/login/oauth-signup")
	begun := func() (string, *Browser) {
		k.Clock.Move(time.Hour) // avoid the hourly limit
		email, b := k.address("sign-up"), k.NewBrowser()
		b.must("through "+site, through(b, email))
		return email, b
	}
	return []state{
		{name: site + ": an account that is being made, and no code", open: func() *Browser {
			_, b := begun()
			b.Page(at)
			b.Post(at, filledIn(k, fields{"code": "000000"}))
			return b
		}},
		{name: site + ": an account that was made there", open: func() *Browser {
			email, b := begun()
			b.must("code", b.Post(at, fields{"code": k.Mail.Code(k.t, email)}))
			b.Post(at, filledIn(k, fields{"username": username(email)}))
			return b
		}},
		{name: site + ": an account that was made there, and another visit", open: func() *Browser {
			email, b := begun()
			form := fields{"code": k.Mail.Code(k.t, email), "username": username(email)}
			b.must("code", b.Post(at, filledIn(k, form)))
			b = k.NewBrowser()
			b.must("through "+site, through(b, email))
			return b
		}},
		{name: site + ": the address of an account that is not connected", open: func() *Browser {
			email, _ := k.someone("sign-up")
			b := k.NewBrowser()
			through(b, email)
			b.Post(at, filledIn(k, fields{"code": "000000"}))
			return b
		}},
		{name: site + ": the address of an account of one factor that is not connected", open: func() *Browser {
			email := k.address("sign-up")
			k.User(email, k.Roles...)
			b := k.NewBrowser()
			through(b, email)
			b.Post(at, filledIn(k, fields{"code": "000000"}))
			return b
		}},
	}
}

// filledIn adds the required profile fields.
func filledIn(k *Kit, form fields) fields {
	for _, f := range k.config.Accounts.Fields {
		switch f.Kind {
		case "checkbox":
			form[f.Name] = true
		case "select":
			form[f.Name] = f.Options[0]
		default:
			form[f.Name] = strings.Repeat("x", max(f.Min, 1))
		}
	}
	return form
}

// siteNames returns the names of the identity providers.
func (n names) siteNames() []string {
	var out []string
	for _, p := range n.config.Accounts.OAuth {
		out = append(out, p.Name())
	}
	return slices.Compact(out)
}
