package security_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
)

// policies holds changes of the rule for what counts as two factors.
var policies = map[string]func(*twofold.Config){
	"nothing changed":           func(*twofold.Config) {},
	"passkeys are one factor":   func(c *twofold.Config) { c.Passkeys.MultiFactor = false },
	"texts and mail do not do":  func(c *twofold.Config) { c.TwoFactor.StrongOnly = true },
	"no browser may be trusted": func(c *twofold.Config) { c.TwoFactor.LoginValidity = 0 },
}

// TestR203_ATrustedBrowserReplacesOnlyWhatItProved checks that a trusted or remembered browser replaces the
// second factor only while its original proof counts as two factors under the current policy.
func TestR203_ATrustedBrowserReplacesOnlyWhatItProved(t *testing.T) {
	list := func(proofs ...string) string { return "[" + strings.Join(proofs, ",") + "]" }
	const (
		password = `{"method":"password","at":"2026-03-01T12:00:00Z"}`
		app      = `{"method":"authenticator","at":"2026-03-01T12:00:00Z"}`
		text     = `{"method":"sms","at":"2026-03-01T12:00:00Z"}`
		mail     = `{"method":"email","at":"2026-03-01T12:00:00Z"}`
		site     = `{"method":"oauth","at":"2026-03-01T12:00:00Z","rests":["elsewhere","elsewhere:corp"]}`
		both     = `{"method":"webauthn","at":"2026-03-01T12:00:00Z","both":true,"rests":["passkey:1"]}`
		one      = `{"method":"webauthn","at":"2026-03-01T12:00:00Z","rests":["passkey:1"]}`
	)
	stands := map[string][]string{
		list(password, app):  {"nothing changed", "passkeys are one factor", "texts and mail do not do"},
		list(password, text): {"nothing changed", "passkeys are one factor"},
		list(both):           {"nothing changed", "texts and mail do not do"},
		list(one):            nil,
		list(password):       nil,
		list(mail, mail):     nil,
		list(site, mail):     nil, // no provider is declared independent
		list():               nil, // of an earlier version
	}
	for policy, change := range policies {
		t.Run(policy, func(t *testing.T) {
			w := newWorld(t, tokens, remembering, plenty)
			p := w.withApp("alice")
			type made struct {
				proofs        string
				device, stays *browser
				refresh       string
			}
			var all []made
			w.Advance(time.Minute)
			for proofs := range stands {
				b := w.browser()
				b.login(p, m{"remember": true}).Want(200)
				b.validate(p.Next()).Want(200)
				v := made{proofs, b.copy().only("tf_validity"), b.copy().only(stayCookie), ""}
				// The same holds for a refresh token that depends on the trusted browser.
				heir := v.device.copy()
				fields := m{"email": p.Email, "password": secret}
				user, _ := heir.Post("/login?include_auth_token", fields).Want(200).JSON["user"].(m)
				v.refresh, _ = user["refresh_token"].(string)
				v.device = heir.only("tf_validity")
				if v.refresh == "" || v.device.Jar["tf_validity"] == "" || v.stays.Jar[stayCookie] == "" {
					t.Fatal("too little was handed out")
				}
				w.write(`UPDATE twofold_devices SET proofs = ?, address = 'done' WHERE address <> 'done'`, proofs)
				w.Advance(time.Minute)
				all = append(all, v)
			}
			n := w.Restart(change)
			for _, v := range all {
				want := false
				for _, name := range stands[v.proofs] {
					want = want || name == policy
				}
				_, header, _ := w.exchange(v.refresh)
				if got := header != ""; got != want {
					t.Errorf("%s: its refresh token: %v, want %v", v.proofs, got, want)
				}
				user, _ := v.stays.on(n).sees()
				if got := user != ""; got != want {
					t.Errorf("%s: it stays signed in: %v, want %v", v.proofs, got, want)
				}
				r := v.device.on(n).login(p).Want(200)
				if got := r.JSON["tf_required"] != true; got != want {
					t.Errorf("%s: it skips the second factor: %v, want %v", v.proofs, got, want)
				}
				again := v.device.copy().only("tf_validity").login(p).Want(200) // no alarm: nothing was copied
				if got := again.JSON["tf_required"] != true; got != want {
					t.Errorf("%s: it skips the second factor the next time: %v, want %v", v.proofs, got, want)
				}
			}
		})
	}
}

// TestR203_ARememberedPasskeyCountsAsThePolicySays checks that a browser remembered after a
// passkey that counted as both factors requires the second factor once passkeys no longer count as
// both.
func TestR203_ARememberedPasskeyCountsAsThePolicySays(t *testing.T) {
	for policy, change := range policies {
		t.Run(policy, func(t *testing.T) {
			w := newWorld(t, remembering, plenty)
			p, k := w.withKey("alice", storage.UseFirst, phoneKey)
			p.enrollApp()
			b := w.browser()
			options, state := b.asks("/wan-signin", m{"remember": true})
			b.Post("/wan-signin/"+state, m{"credential": w.gets(k, options), "remember": true}).Want(200)
			if b.Jar[stayCookie] == "" {
				t.Fatal("it does not stay signed in")
			}
			n := w.Restart(change)
			user, _ := b.only(stayCookie).on(n).sees()
			if in, want := user != "", policy == "nothing changed" || policy == "texts and mail do not do"; in != want {
				t.Errorf("it is still in: %v, want %v", in, want)
			}
		})
	}
}
