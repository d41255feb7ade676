package model_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/federated"
	"github.com/twofold-auth/twofold/federated/oidc"
	"github.com/twofold-auth/twofold/internal/federatedtest"
	"github.com/twofold-auth/twofold/internal/testkit"
)

const (
	oauthCookie  = "__Host-twofold-oauth"
	signUpCookie = "__Host-twofold-signup"
)

// siteUsers have accounts at the provider: those with an account here from the start, two without
// one, and an attacker.
var siteUsers = []string{"anna", "berta", "gina", "hugo", "eve"}

func init() {
	for what, fill := range map[string]func(*turn) *want{
		"leave for site": (*turn).leaveForSite, "come back": (*turn).comeBack,
		"sign up": (*turn).provesUp, "code of sign-up": (*turn).resendUp, "disconnect": (*turn).disconnect,
	} {
		asks[what] = fill
	}
	once = append(once, "come back")
	planted = append(planted, oauthCookie, signUpCookie)
	kinds = append(kinds, "oauth state", "sign-up")
}

// site is an OpenID provider that uses the clock of its world.
type site struct {
	*federatedtest.Provider
	clock atomic.Pointer[testkit.Clock]
}

// sites holds providers that worlds reuse, because creating a key is slow.
type sites struct {
	t    testing.TB
	idle chan *site
}

func newSites(t testing.TB) *sites { return &sites{t, make(chan *site, 100)} }

func (all *sites) lend(w *world) (federated.Provider, error) {
	select {
	case w.site = <-all.idle:
	default:
		s := &site{}
		s.Provider = federatedtest.New(all.t, func() time.Time { return s.clock.Load().Now() })
		w.site = s
	}
	s := w.site
	s.clock.Store(w.clock)
	w.closers = append(w.closers, func() { all.idle <- s })
	return oidc.New(oidc.Settings{
		Name: siteName, Issuer: s.URL, ClientID: s.ClientID, ClientSecret: s.Secret, Now: w.clock.Now,
		Domains: []string{siteDomain[1:]},
	})
}

// tells is the provider's answer: about a connected user or any other, with their own address or,
// verified or not, that of an account here.
func (t *turn) tells() told {
	user := siteUsers[t.n%len(siteUsers)]
	if t.n/8%2 == 0 && len(t.a.sites) > 0 {
		user = t.a.sites[t.n%len(t.a.sites)].name
	}
	email := []string{user + siteDomain, user + "@home.test", t.a.email}[t.v/8%3]
	return told{user: user, email: email, verified: t.v%7 > 0}
}

func (t *turn) leaveForSite() *want {
	intent, w := toSignIn, t.w
	if t.who != nil {
		intent = []int{toConnect, toConnect, toConnect, toVerify, toSignIn}[t.v%5]
	} else if t.v%12 == 0 {
		intent = toConnect + t.n%2
	}
	if intent == toVerify && lowers(t.who) {
		return nil
	}
	t.post([]string{"/login/oauthstart/", "/login/oauth-connect/", "/login/oauth-verify-start/"}[intent]+siteName, nil)
	t.q.form = false
	x := w.startOAuth(t, intent, t.tells())
	x.learn = func(a answer) error {
		if x.oauth == nil {
			return nil
		}
		w.site.SignIn(x.oauth.tells.user)
		back := w.site.Visit(either(a.body, "location"))
		x.oauth.back = back.RequestURI()
		if home := (&url.URL{Scheme: back.Scheme, Host: back.Host}).String(); home != origin {
			return wrong("the site sends a browser back to %s", home)
		}
		w.oauthStates = append(w.oauthStates, x.oauth)
		return nil
	}
	return x
}

// comeBack follows the provider's redirect, with a state of this browser, of another one, or an
// earlier one.
func (t *turn) comeBack() *want {
	w := t.w
	if len(w.oauthStates) == 0 {
		return nil
	}
	p := w.oauthStates[max(0, len(w.oauthStates)-1-t.n%4)]
	own := func(o *oauthState) bool { return o.cookie == t.b[oauthCookie] }
	if i := slices.IndexFunc(w.oauthStates, own); i >= 0 && t.flag {
		p = w.oauthStates[i]
	}
	if len(w.accounts) >= mostPeople && p.intent == toSignIn && p.tells.verified && w.holder(p.tells.email) == nil {
		return nil
	}
	w.site.Lie(func(claims map[string]any) {
		claims["email"], claims["email_verified"] = p.tells.email, p.tells.verified
	})
	t.q.form, t.q.method, t.q.path, t.q.fields = false, http.MethodGet, p.back, nil
	w.former = t.cookie
	return w.oauthCallback(t, p)
}

// provesUp enters the code that was mailed.
func (t *turn) provesUp() *want {
	up, w := t.w.signUps[t.b[signUpCookie]], t.w
	if up != nil && len(w.accounts) >= mostPeople {
		return nil
	}
	code := map[int]string{emptyCode: "", neverCode: "000001", anyCode: w.of("code", t.n%5)}[t.v]
	if c := (*challenge)(nil); t.v == rightCode || t.v == spacedCode {
		if code = "123456"; up != nil {
			c = w.codes[up.key]
		}
		if c != nil && c.code != "" {
			code = c.code
		}
	}
	t.post("/login/oauth-signup", map[string]any{"code": code})
	t.q.form = false
	w.former = t.cookie
	return w.proveUp(t, w.waitingUp(t.b[signUpCookie]), code)
}

func (t *turn) resendUp() *want {
	t.post("/login/oauth-signup", map[string]any{"resend": true})
	t.q.form = false
	return t.w.resendUp(t.who, t.w.waitingUp(t.b[signUpCookie]))
}

// disconnect removes a connection of the caller, of another user, or one that does not exist.
func (t *turn) disconnect() *want {
	all, id := t.a.sites, "AAAA"
	if t.who != nil && t.n%8 > 0 {
		all = t.who.of.sites
	}
	var f *factor
	if len(all) > 0 {
		f = all[t.v%len(all)]
		id = f.ref
	}
	t.post("/login/oauth-disconnect", map[string]any{"id": id})
	return t.w.disconnect(t.who, f)
}

// learnSites compares the connections of all accounts with the model.
func (w *world) learnSites() error {
	for _, a := range w.accounts {
		list, err := w.db.ConnectionsOf(context.Background(), a.id)
		if err != nil {
			return err
		}
		has, must := map[string]string{}, map[string]string{}
		for _, c := range list {
			has[c.Subject] = c.ID
		}
		for _, f := range a.sites {
			if f.ref == "" {
				f.ref = has[f.name]
			}
			must[f.name] = f.ref
		}
		if !maps.Equal(has, must) || strings.Contains(fmt.Sprint(must), ":]") {
			return wrong("%s is connected to %v, the model says %v", a.name, has, must)
		}
	}
	return nil
}

// siteStep returns the operation that continues this browser's flow with the provider, or nothing.
func (w *world) siteStep(b browser, who *session) string {
	i := slices.IndexFunc(w.oauthStates, func(o *oauthState) bool { return o.cookie == b[oauthCookie] })
	switch {
	case i >= 0 && !w.oauthStates[i].taken && (who == nil) == (w.oauthStates[i].intent == toSignIn):
		return "come back"
	case who == nil && w.waitingUp(b[signUpCookie]) != nil:
		return "sign up"
	}
	return ""
}
