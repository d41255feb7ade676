package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/twofold-auth/twofold/gate"
	"github.com/twofold-auth/twofold/internal/auth"
	inner "github.com/twofold-auth/twofold/internal/gate"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// A browser signs in to a host behind the gate in four steps. An attacker cannot make any of them
// redirect elsewhere or sign in another browser:
//
//  1. /.twofold/start on that host sets a nonce cookie and signs what is needed.
//  2. /auth/gate on the host of the sign-in has the user prove it, and makes a ticket.
//  3. /.twofold/callback on that host takes the ticket, once, with the nonce, and sets
//     a cookie that names the session.
//  4. The page that was asked for.

// The purposes of signed data.
const (
	purposeIntent     = "gate intent"
	purposeDescendant = "gate descendant"
)

// intent is the reason why a browser is sent to the host of the sign-in.
type intent struct {
	Host    string           `json:"h"`
	To      string           `json:"t"` // path and query on that host
	Require gate.Requirement `json:"r"`
	Fresh   time.Duration    `json:"f,omitempty"`
	Bind    string           `json:"b,omitempty"` // hash of the nonce; empty on the host of the sign-in
}

// enterAt returns the URL of /auth/gate for an intent.
func (g *Gate) enterAt(i intent) string {
	raw, _ := json.Marshal(i) // cannot fail: strings and a number
	return g.s.home + g.paths.enter + "?request=" + g.s.c.Keys.Sign(purposeIntent, raw)
}

// serveStart handles the first step, on a host behind the gate.
func (g *Gate) serveStart(w http.ResponseWriter, r *http.Request) {
	host, ok := g.behind(w, r)
	if !ok {
		return
	}
	a, err := inner.AddressOf(g.s.c.Origin.Scheme, host, r.URL.Query().Get("to"))
	if err != nil {
		g.say(w, http.StatusBadRequest, err.Error())
		return
	}
	q := inner.Request{Address: a, Method: http.MethodGet, Client: g.client(r)}
	d, err := g.decide(r, q)
	switch {
	case err != nil:
		g.broken(w, r, err)
		return
	case d.outcome == inner.Passes:
		g.leadTo(w, q.Address.String())
		return
	case d.outcome == inner.Refused, d.outcome == inner.LacksRole, d.outcome == inner.LacksScope:
		g.say(w, http.StatusForbidden, d.outcome.String())
		return
	}
	nonce := g.s.jar.get(r, g.s.jar.gateNonce())
	if len(nonce) != len(seal.Token()) { // another tab may be using it
		nonce = seal.Token()
	}
	g.s.jar.set(w, g.s.jar.gateNonce(), nonce, 0)
	to := q.Address.URI
	if len(to) > maxReturn {
		to = "/"
	}
	g.leadTo(w, g.enterAt(intent{Host: host, To: to, Require: d.rule.Require, Fresh: d.rule.Fresh,
		Bind: seal.HashToken(nonce)}))
}

// behind returns the host of a request that the proxy of a host behind the gate has sent. It
// answers all other requests itself.
func (g *Gate) behind(w http.ResponseWriter, r *http.Request) (string, bool) {
	if !readOnly(w, r) {
		return "", false
	}
	a, err := inner.AddressOf(g.s.c.Origin.Scheme, r.Host, "/")
	if err != nil || a.Host == g.home || !g.rules.Knows(a.Host) {
		g.say(w, http.StatusForbidden, "no rule is for this host (the proxy must hand on the Host that was asked for)")
		return "", false
	}
	return a.Host, true
}

// leadTo redirects to one of our own URLs or to a page of a host in the rules.
func (g *Gate) leadTo(w http.ResponseWriter, to string) {
	h := w.Header()
	h.Set("Location", to)
	h.Set("Referrer-Policy", "no-referrer") // the URL may contain a ticket
	g.say(w, http.StatusSeeOther, "see the address in Location")
}

// getEnter lets a signed-in user prove the factors that a host behind the gate requires, and
// redirects back to it.
func (g *Gate) getEnter(c *call) (*answer, error) {
	var i intent
	raw, err := g.s.c.Keys.Verify(purposeIntent, c.r.URL.Query().Get("request"))
	if err != nil || json.Unmarshal(raw, &i) != nil {
		return nil, badRequest()
	}
	if !g.rules.Knows(i.Host) {
		return nil, fail(http.StatusForbidden, "", "UNAUTHORIZED").flat()
	}
	if err := g.prove(c.r.Context(), i, c.who); err != nil {
		return nil, g.s.Guards.whyNot(c, err)
	}
	if i.Host == g.home {
		return &answer{to: i.To}, nil
	}
	ticket, err := g.s.c.Login.Tickets.Seal(c.r.Context(), *c.who, i.Host, i.To, i.Bind)
	if err != nil {
		return nil, err
	}
	to := g.s.c.Origin.Scheme + "://" + i.Host + g.paths.callback + "?ticket=" + url.QueryEscape(ticket)
	return &answer{away: to, page: "gate_away", view: func() any { return AwayPage{Title: i.Host, Address: to} }}, nil
}

// prove returns the error of a requirement of an intent that is not met, like the guards.
func (g *Gate) prove(ctx context.Context, i intent, who *auth.Principal) error {
	rule := gate.Rule{Require: i.Require, Fresh: i.Fresh}
	caller, err := g.caller(ctx, rule, who)
	if err != nil {
		return err
	}
	switch inner.Judge(rule, 1, caller) {
	case inner.Passes:
		return nil
	case inner.NeedsSecond:
		return errNeedsFactor
	case inner.NeedsFresh:
		return auth.ErrReauthenticate
	case inner.NeedsStrong:
		return needsStrong(ctx, g.s.c.Login, who.User)
	}
	return errRole
}

// serveCallback uses a ticket and sets the cookie of a host behind the gate.
func (g *Gate) serveCallback(w http.ResponseWriter, r *http.Request) {
	host, ok := g.behind(w, r)
	if !ok {
		return
	}
	text, jar := r.URL.Query().Get("ticket"), g.s.jar
	bind := ""
	if nonce := jar.get(r, jar.gateNonce()); nonce != "" {
		bind = seal.HashToken(nonce)
	}
	t, err := g.s.c.Login.Tickets.Take(r.Context(), text, host, bind)
	if err == nil {
		_, err = g.s.c.Login.Sessions.Descendant(r.Context(), t.UserID, t.SessionID) // it may have ended since
	}
	switch {
	case errors.Is(err, storage.ErrNotFound):
		// This is the second of two equal requests, or the user went back.
		if _, err := g.descendant(r, host); err == nil {
			if t, err := g.s.c.Login.Tickets.Read(text, host); err == nil {
				g.leadTo(w, g.s.c.Origin.Scheme+"://"+host+t.To)
				return
			}
		}
		g.say(w, http.StatusForbidden, "This way in has been used, has expired, or was made for another browser. "+
			"Open the page again that you wanted to see.")
		return
	case err != nil:
		g.broken(w, r, err)
		return
	}
	// cannot fail: strings only
	raw, _ := json.Marshal(descendant{Host: host, UserID: t.UserID, SessionID: t.SessionID})
	jar.set(w, jar.gate(), g.s.c.Keys.Sign(purposeDescendant, raw), 0)
	jar.clear(w, r, jar.gateNonce())
	g.leadTo(w, g.s.c.Origin.Scheme+"://"+host+t.To)
}

// descendant is the cookie of a host behind the gate. It is not a session but refers to one of the
// same browser. It gives the same access on this host, as long as that session is valid.
type descendant struct {
	Host      string `json:"h"`
	UserID    string `json:"u"`
	SessionID string `json:"s"`
}

// descendant returns the caller with the cookie of a host behind the gate, or storage.ErrNotFound.
func (g *Gate) descendant(r *http.Request, host string) (*auth.Principal, error) {
	text := g.s.jar.get(r, g.s.jar.gate())
	if text == "" {
		return nil, storage.ErrNotFound
	}
	raw, err := g.s.c.Keys.Verify(purposeDescendant, text)
	var d descendant
	if err != nil || json.Unmarshal(raw, &d) != nil || d.Host != host {
		return nil, storage.ErrNotFound
	}
	return g.s.c.Login.Sessions.Descendant(r.Context(), d.UserID, d.SessionID)
}
