package security_test

import (
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

// TestR178_EachChangeAsks covers a site where only a re-authentication is fresh: each change needs
// a new one.
func TestR178_EachChangeAsks(t *testing.T) {
	changes := map[string]func(b *browser) *answer{
		"a set-up": func(b *browser) *answer {
			r := b.post("/tf-setup", m{"setup": "authenticator", "add": true})
			if r.status != 200 {
				return r
			}
			key := decode(b.w, r.text("tf_authr_b32key"))
			return b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": totp(key, b.w.Now().Unix()/30)})
		},
		"recovery codes": func(b *browser) *answer { return b.post("/mf-recovery-codes", m{}) },
		"a new name":     func(b *browser) *answer { return b.post("/change-username", m{"username": "another"}) },
		"a new address":  func(b *browser) *answer { return b.post("/change-email", m{"email": "another@good.test"}) },
		"a token":        func(b *browser) *answer { _, r := b.personal("read"); return r },
		"a factor's name": func(b *browser) *answer {
			f, err := b.w.nodes[0].auth.FindUser(b.w.t.Context(), "alice@good.test")
			b.w.must(err)
			p := &person{w: b.w, id: f.ID}
			return b.post("/tf-factors/"+p.factors()[0].ID, m{"name": "mine"})
		},
		"another password": func(b *browser) *answer {
			return b.post("/change",
				m{"password": secret, "new_password": newSecret, "new_password_confirm": newSecret})
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, life, tokens, func(c *twofold.Config) { c.Accounts.Confirmable = false })
			p := w.withApp("alice")
			n := w.restart(func(c *twofold.Config) { c.TwoFactor.FreshOnlyAfterVerify = true })
			b := w.browser().on(n)
			b.login(p).want(200)
			b.validate(p.next()).want(200)
			w.advance(61 * time.Second)
			change(b).want(401)
			b.post("/verify", m{"password": secret}).want(200)
			b.validate(p.next()).want(200)
			change(b).want(200)
			b.in(p, 2)
			b.get("/tf-setup").want(401)
			for other, again := range changes {
				if r := again(b); r.status != 401 {
					t.Errorf("after %s, %s: status %d, want 401", name, other, r.status)
				}
			}
		})
	}
}

// TestR178_AChangeProvesNothing checks that a change does not update the time of the last proof.
func TestR178_AChangeProvesNothing(t *testing.T) {
	w := newWorld(t, plenty)
	p := w.withApp("alice")
	b := w.plantSession(p)
	for range 2 {
		w.advance(7 * time.Minute)
		r := b.post("/tf-setup", m{"setup": "email", "add": true}).want(200)
		b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": p.mailed()}).want(200)
	}
	w.advance(2 * time.Minute)
	b.post("/tf-setup", m{"setup": "email", "add": true}).want(401)
	b.in(p, 2)
}

// TestR178_AnyAgeIsNotAnyProof checks that with a negative freshness a proof of any age counts, but
// all factors of the account are still required.
func TestR178_AnyAgeIsNotAnyProof(t *testing.T) {
	w := newWorld(t, plenty, remembering, func(c *twofold.Config) { c.TwoFactor.Freshness = -1 })
	p := w.withApp("alice")
	stays, trusted := w.staying(p), w.trusted(p)
	trusted.login(p).want(200)
	for name, b := range map[string]*browser{"a browser that stays signed in": stays, "a trusted browser": trusted} {
		b.back(p)
		for _, change := range []m{{"setup": "disable"}, {"setup": "authenticator"}, {"setup": "email", "add": true}} {
			b.post("/tf-setup", change).want(401)
		}
		b.post("/mf-recovery-codes", m{}).want(401)
		if len(p.factors()) != 1 {
			t.Fatalf("%s changed the second factors", name)
		}
	}
	full := w.browser()
	full.login(p).want(200)
	full.validate(p.next()).want(200)
	w.advance(59 * time.Minute)
	full.post("/tf-setup", m{"setup": "disable"}).want(200)
}

// TestR054_AProgramProvesBothFactorsAgain re-authenticates with a header token and no cookie. The
// token of the re-authentication is not accepted without that of the session.
func TestR054_AProgramProvesBothFactorsAgain(t *testing.T) {
	w := newWorld(t, open)
	a, v := w.withApp("alice"), w.withApp("victor")
	program := func(p *person) *browser {
		b := w.browser()
		b.header["Authentication-Token"] = w.plantToken(p)
		return b
	}
	b := program(a)
	w.advance(10 * time.Minute)
	w.write(`UPDATE twofold_sessions SET fresh_at = 1`)
	b.get("/tf-setup").want(401)
	r := b.post("/verify", m{"password": secret}).want(200)
	token := r.text("tf_pending_token")
	if token == "" {
		t.Fatalf("no token of the re-authentication: %s", r.body)
	}
	w.handedOut("pending token", token)
	b.jar = map[string]string{} // it keeps none
	b.header["Two-Factor-Pending"] = token
	b.validate(a.wrong()).want(400)
	b.validate(a.next()).want(200)
	b.get("/tf-setup").want(200)
	b.in(a, 2)
	b.copy().validate(a.next()).refused("a second time")

	b = program(a)
	token = b.post("/verify", m{"password": secret}).want(200).text("tf_pending_token")
	for name, thief := range map[string]*browser{"nobody": w.browser(), "another": program(v),
		"another token of the same user": program(a), "a browser": w.plantSession(a)} {
		thief.header["Two-Factor-Pending"] = token
		thief.post("/tf-validate", m{"code": a.code(1)}).want(400).refused(name)
	}
	if w.plantSession(a).post("/verify", m{"password": secret}).want(200).json["tf_pending_token"] != nil {
		t.Error("a browser is told the token that its cookie hides")
	}
}
