package security_test

import (
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestR178_EachChangeAsks covers a site where only a re-authentication is fresh: each change needs
// a new one.
func TestR178_EachChangeAsks(t *testing.T) {
	changes := map[string]func(b *browser) *answer{
		"a set-up": func(b *browser) *answer {
			r := b.Post("/tf-setup", m{"setup": "authenticator", "add": true})
			if r.Status != 200 {
				return r
			}
			key := testkit.ReadApp(b.w.T, r.Text("tf_authr_b32key"))
			return b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": testkit.App(key).At(b.w.Now().Unix() / 30)})
		},
		"recovery codes": func(b *browser) *answer { return b.Post("/mf-recovery-codes", m{}) },
		"a new name":     func(b *browser) *answer { return b.Post("/change-username", m{"username": "another"}) },
		"a new address":  func(b *browser) *answer { return b.Post("/change-email", m{"email": "another@good.test"}) },
		"a token":        func(b *browser) *answer { _, r := b.personal("read"); return r },
		"a factor's name": func(b *browser) *answer {
			f, err := b.w.Nodes[0].Auth.FindUser(b.w.T.Context(), "alice@good.test")
			b.w.Must(err)
			p := b.w.of(testkit.Person{ID: f.ID})
			return b.Post("/tf-factors/"+p.Factors()[0].ID, m{"name": "mine"})
		},
		"another password": func(b *browser) *answer {
			return b.Post("/change",
				m{"password": secret, "new_password": newSecret, "new_password_confirm": newSecret})
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, life, tokens, func(c *twofold.Config) { c.Accounts.Confirmable = false })
			p := w.withApp("alice")
			n := w.Restart(func(c *twofold.Config) { c.TwoFactor.FreshOnlyAfterVerify = true })
			b := w.browser().on(n)
			b.login(p).Want(200)
			b.validate(p.Next()).Want(200)
			w.Advance(61 * time.Second)
			change(b).Want(401)
			b.Post("/verify", m{"password": secret}).Want(200)
			b.validate(p.Next()).Want(200)
			change(b).Want(200)
			b.in(p, 2)
			b.Get("/tf-setup").Want(401)
			for other, again := range changes {
				if r := again(b); r.Status != 401 {
					t.Errorf("after %s, %s: status %d, want 401", name, other, r.Status)
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
		w.Advance(7 * time.Minute)
		r := b.Post("/tf-setup", m{"setup": "email", "add": true}).Want(200)
		b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": p.Mailed()}).Want(200)
	}
	w.Advance(2 * time.Minute)
	b.Post("/tf-setup", m{"setup": "email", "add": true}).Want(401)
	b.in(p, 2)
}

// TestR178_AnyAgeIsNotAnyProof checks that with a negative freshness a proof of any age counts, but
// all factors of the account are still required.
func TestR178_AnyAgeIsNotAnyProof(t *testing.T) {
	w := newWorld(t, plenty, remembering, func(c *twofold.Config) { c.TwoFactor.Freshness = -1 })
	p := w.withApp("alice")
	stays, trusted := w.staying(p), w.trusted(p)
	trusted.login(p).Want(200)
	for name, b := range map[string]*browser{"a browser that stays signed in": stays, "a trusted browser": trusted} {
		b.back(p)
		for _, change := range []m{{"setup": "disable"}, {"setup": "authenticator"}, {"setup": "email", "add": true}} {
			b.Post("/tf-setup", change).Want(401)
		}
		b.Post("/mf-recovery-codes", m{}).Want(401)
		if len(p.Factors()) != 1 {
			t.Fatalf("%s changed the second factors", name)
		}
	}
	full := w.browser()
	full.login(p).Want(200)
	full.validate(p.Next()).Want(200)
	w.Advance(59 * time.Minute)
	full.Post("/tf-setup", m{"setup": "disable"}).Want(200)
}

// TestR054_AProgramProvesBothFactorsAgain re-authenticates with a header token and no cookie. The
// token of the re-authentication is not accepted without that of the session.
func TestR054_AProgramProvesBothFactorsAgain(t *testing.T) {
	w := newWorld(t, open)
	a, v := w.withApp("alice"), w.withApp("victor")
	program := func(p *person) *browser {
		b := w.browser()
		b.Header["Authentication-Token"] = w.plantToken(p)
		return b
	}
	b := program(a)
	w.Advance(10 * time.Minute)
	w.write(`UPDATE twofold_sessions SET fresh_at = 1`)
	b.Get("/tf-setup").Want(401)
	r := b.Post("/verify", m{"password": secret}).Want(200)
	token := r.Text("tf_pending_token")
	if token == "" {
		t.Fatalf("no token of the re-authentication: %s", r.Body)
	}
	w.handedOut("pending token", token)
	b.Jar = map[string]string{} // it keeps none
	b.Header["Two-Factor-Pending"] = token
	b.validate(a.Wrong()).Want(400)
	b.validate(a.Next()).Want(200)
	b.Get("/tf-setup").Want(200)
	b.in(a, 2)
	b.copy().validate(a.Next()).Refused("a second time")

	b = program(a)
	token = b.Post("/verify", m{"password": secret}).Want(200).Text("tf_pending_token")
	for name, thief := range map[string]*browser{"nobody": w.browser(), "another": program(v),
		"another token of the same user": program(a), "a browser": w.plantSession(a)} {
		thief.Header["Two-Factor-Pending"] = token
		thief.Post("/tf-validate", m{"code": a.Code(1)}).Want(400).Refused(name)
	}
	if w.plantSession(a).Post("/verify", m{"password": secret}).Want(200).JSON["tf_pending_token"] != nil {
		t.Error("a browser is told the token that its cookie hides")
	}
}
