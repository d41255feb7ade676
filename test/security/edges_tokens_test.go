package security_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
)

// More of edges_test.go: tokens of programs, lists, and codes that are resent.

// revoke revokes a token of the account.
func (b *browser) revoke(id string) *answer {
	b.w.T.Helper()
	return b.del("/access-tokens/" + id)
}

// tokensOf returns the stored ids of an account's tokens by their kind.
func (w *world) tokensOf(p *person) (personal, families []string) {
	w.T.Helper()
	all, err := w.Nodes[0].Store.TokensOf(w.T.Context(), p.ID, w.Now())
	w.Must(err)
	for _, t := range all {
		if t.Personal {
			personal = append(personal, t.ID)
		} else {
			families = append(families, t.ID)
		}
	}
	return personal, families
}

// TestR083_ARevokedTokenEndsItsFamily checks that revoking a token revokes the tokens
// derived from the same sign-in and no others.
func TestR083_ARevokedTokenEndsItsFamily(t *testing.T) {
	w := newWorld(t, tokens, func(c *twofold.Config) { open(c) })
	p := w.withApp("alice")
	paired, _, refresh := p.pair()
	own, header, _ := p.pair()
	own.personal("read")
	own.personal("write")
	personal, families := w.tokensOf(p)
	if len(personal) != 2 || len(families) != 2 {
		t.Fatalf("tokens %v, families %v", personal, families)
	}
	own.revoke("AAAA").Want(404)
	own.revoke(personal[0]).Want(200)
	if left, _ := w.tokensOf(p); !slices.Equal(left, personal[1:]) {
		t.Errorf("left %v of %v", left, personal)
	}
	paired.in(p, 2)
	// Families are listed newest first: the second one belongs to the other browser.
	own.revoke(families[1]).Want(200)
	paired.out("the session beside a family that was revoked")
	if r, _, _ := w.exchange(refresh); r.Status == 200 {
		t.Error("the family goes on")
	}
	own.in(p, 2)
	own.revoke(families[0]).Want(200)
	own.in(p, 2) // who revokes stays signed in
	w.program("Authentication-Token", header).Get("/app/user").Want(200)
	if rows := w.rowsNamed("token-revoked"); len(rows) != 3 {
		t.Errorf("rows %q", rows)
	}
}

// TestR064_FiftyTokensAndNoMore also checks that a token does not live longer than allowed, and
// that each scope is stored once.
func TestR064_FiftyTokensAndNoMore(t *testing.T) {
	w := newWorld(t, tokens, open, func(c *twofold.Config) { c.Tokens.PersonalLife = 30 * 24 * time.Hour })
	p := w.withApp("alice")
	b := w.plantSession(p)
	for days, status := range map[string]int{"0": 400, "31": 400, "1": 200, "30": 200} {
		if r := b.Post("/access-tokens",
			m{"name": "x", "scopes": []string{"write", "read", "write"}, "days": days}); r.Status != status {
			t.Errorf("%s days: %d", days, r.Status)
		}
	}
	all, err := w.Nodes[0].Store.TokensOf(t.Context(), p.ID, w.Now())
	w.Must(err)
	for _, token := range all {
		if !slices.Equal(token.Scopes, []string{"read", "write"}) {
			t.Errorf("scopes %q", token.Scopes)
		}
	}
	for range 48 {
		b.Post("/access-tokens", m{"name": "x", "scopes": []string{"read"}, "days": "1"}).Want(200)
	}
	b.Post("/access-tokens", m{"name": "x", "scopes": []string{"read"}, "days": "1"}).Want(400).Refused("one more")
	if personal, _ := w.tokensOf(p); len(personal) != 50 {
		t.Errorf("%d tokens", len(personal))
	}
}

// TestR102_ASessionAndItsProgramAreOneEntry checks that an entry is listed as a program only if it
// has no browser, and that it shows the last use of either. Ending an entry writes an audit row.
func TestR102_ASessionAndItsProgramAreOneEntry(t *testing.T) {
	w := newWorld(t, tokens, open)
	p := w.withApp("alice")
	b, header, _ := p.pair()
	other := w.plantSession(p)
	w.Advance(2 * time.Minute)
	b.Get("/app/user").Want(200)
	all, current := b.list("sessions")
	if len(all) != w.number(`SELECT COUNT(DISTINCT id) FROM twofold_sessions`) || current["token"] != false ||
		current["last_seen"] == current["created"] {
		t.Errorf("sessions %v, the present one %v", all, current)
	}
	w.program("Authentication-Token", header).Get("/app/user").Want(200)
	for _, entry := range all {
		if entry["current"] != true {
			b.del("/tf-sessions/" + fmt.Sprint(entry["id"])).Want(200)
		}
	}
	other.out("ended")
	if rows := w.rowsNamed("session-ended"); len(rows) != len(all)-1 {
		t.Errorf("rows %q", rows)
	}
}

// TestR042_ACodeIsSentAgainInASetUp checks that only the newest code of an enrollment is valid, and
// that no code is sent for an app.
func TestR042_ACodeIsSentAgainInASetUp(t *testing.T) {
	w := newWorld(t, required)
	for _, asks := range []func(p *person) *browser{
		func(p *person) *browser { return w.plantPending(p) },
	} {
		p := w.person("alice")
		b := asks(p)
		p.Phone = "+16505551212"
		b.Post("/tf-setup", m{"setup": "sms", "phone": p.Phone}).Want(200)
		first := p.Texted()
		w.Advance(31 * time.Second)
		b.Post("/tf-resend", m{}).Want(200)
		if second := p.Texted(); second == first {
			t.Error("no other code came") // once in a million runs, the same
		}
		again := b.copy()
		again.validate(first).Want(400).Refused("the former code")
		b.Jar["twofold-pending"] = again.Jar["twofold-pending"]
		b.validate(p.Texted()).Want(200)
		b.in(p, 2)
	}
	q := w.person("bobby")
	b := w.plantPending(q)
	b.Post("/tf-setup", m{"setup": storage.Authenticator}).Want(200)
	b.Post("/tf-resend", m{}).Want(400).Refused("nothing is sent for an app")
}

// TestR019_TheMailboxIsProvenOnce checks that a wrong code does not lead to enrollment, and that a
// correct code does.
func TestR019_ACodeOfTheMailboxIsAGuessLikeOthers(t *testing.T) {
	w := newWorld(t, proofFirst, func(c *twofold.Config) { c.Advanced.Limits.SecondFailures = 3 })
	p := w.person("alice")
	b := w.browser()
	b.login(p).Want(200)
	code := p.Mailed()
	for range 3 {
		b.validate(other(code)).Want(400).Refused("wrong")
	}
	b.validate(code).Want(429).Refused("paused")
	w.Advance(16 * time.Minute)
	b = w.browser()
	b.login(p).Want(200)
	if r := b.validate(p.Mailed()).Want(200); r.JSON["tf_state"] != "setup_from_login" {
		t.Errorf("after the code: %s", r.Body)
	}
	b.Post("/tf-setup", m{"setup": storage.Authenticator}).Want(200)
}

// TestR020_AMethodThatIsOffIsNotAskedFor covers accounts that have another factor.
func TestR020_AMethodThatIsOffIsNotAskedFor(t *testing.T) {
	w := newWorld(t, open, func(c *twofold.Config) { c.TwoFactor.EnabledMethods = []string{storage.Authenticator} })
	p := w.withApp("alice")
	w.plantFactor(p, storage.SMS, "+16505551212")
	if r := w.browser().login(p).Want(200); r.JSON["tf_state"] != "ready" || r.JSON["tf_method"] != "authenticator" {
		t.Errorf("asked for %s", r.Body)
	}
}
