package security_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
)

func TestR094_RegistrationIsASecurityChange(t *testing.T) {
	w := newWorld(t)
	a, k := w.withKey("alice", storage.UseSecond, phoneKey)
	w.settled() // what is on its way while the clock moves on is sent again
	pending := w.plantPending(a)
	for _, path := range []string{"/wan-register", "/wan-delete", "/wan-register/x", "/wan-verify", "/wan-verify/x"} {
		body := m{"name": "planted"}
		if strings.HasSuffix(path, "/x") {
			body = m{"credential": "{}"}
		} else if path == "/wan-verify" {
			body = m{}
		}
		pending.Post(path, body).Want(401)
	}
	pending.Get("/wan-register").Want(401)

	stale := w.plantSession(a)
	options, state := stale.asks("/wan-register", m{"name": "two"})
	if o, err := softkey.Read(options); err != nil || len(o.Exclude) != 1 || o.Exclude[0].ID != softkey.Text(k.ID) {
		t.Errorf("excluded %+v, %v", o.Exclude, err)
	}
	made := w.creates(w.key(phoneKey), options)
	w.Advance(15 * time.Minute)
	stale.Post("/wan-register/"+state, m{"credential": made}).Want(401)
	stale.Post("/wan-register", m{"name": "two"}).Want(401)
	stale.Post("/wan-delete", m{"name": "key of alice"}).Want(401)
	level1 := w.plantSession(w.person("zoey"))
	level1.register(w.key(phoneKey), "one", "secondary").Want(200)

	// A session with only a password, of an account that has a second factor.
	token := w.plantSession(a)
	w.write(`UPDATE twofold_sessions SET level = 1`)
	token.Post("/wan-register", m{"name": "two"}).Want(401)

	// Everything issued before is invalid, except the session that made the change.
	b, others := w.plantSession(a), []*browser{w.plantSession(a), w.plantPending(a)}
	device := w.browser()
	device.login(a, m{"remember": true})
	b.register(w.key(phoneKey), "two", "secondary").Want(200)
	b.in(a, 2)
	others[0].out("another session after a change")
	others[1].Get("/wan-signin").Want(200).JSON = nil
	if others[1].Get("/wan-signin").JSON["is_secondary"] != false {
		t.Error("a pending sign-in lived on after a change")
	}
	w.settled()
	told := 0
	for _, mail := range w.Mail.To(a.Email) {
		if strings.Contains(mail.Text, "A passkey was added") && stopIn(mail.Text) != "" {
			told++
		}
	}
	if told != 2 {
		t.Errorf("%d mails of 2 added passkeys", told)
	}
	if n := len(happened[event.PasskeyRegistered](w)); n != 3 {
		t.Errorf("%d events of 3 registrations", n)
	}
	b.Post("/wan-delete", m{"name": "two"}).Want(200)
	if n := len(happened[event.PasskeyDeleted](w)); n != 1 {
		t.Errorf("%d events of a removal", n)
	}
}

func TestR095_UsageIsEnforced(t *testing.T) {
	w := newWorld(t)
	a, second := w.withKey("alice", storage.UseSecond, phoneKey)
	b := w.browser()
	b.signInBy(second).Refused("a second factor in the password's place")
	b.out("a second factor in the password's place")

	// The passkey of the first factor does not count as the second one, in this sign-in or in
	// others.
	first := w.key(phoneKey)
	w.plantSession(a).register(first, "first", "first").Want(200)
	b = w.browser()
	if r := b.signInBy(first, softkey.Clear(softkey.UV)).Want(200); r.JSON["tf_method"] != "webauthn" {
		t.Errorf("what comes next: %s", r.Body)
	}
	b.signInBy(first).Refused("the same passkey twice")
	b.out("the same passkey twice")
	b.signInBy(second).Want(200)
	b.in(a, 2)
	b = w.plantPending(a)
	b.signInBy(first).Refused("a first factor in the second's place")
	b.out("a first factor in the second's place")

	// A passkey for the first factor does not count as a second factor, so the account has none.
	z := w.person("zoey")
	w.plantSession(z).register(w.key(phoneKey), "first", "first").Want(200)
	b = w.browser()
	b.login(z).Want(200)
	b.in(z, 1)

	// A removed passkey fails at once.
	waiting := w.browser()
	options, state := waiting.asks("/wan-signin", m{})
	w.plantSession(a).Post("/wan-delete", m{"name": "first"}).Want(200)
	waiting.Post("/wan-signin/"+state, m{"credential": w.gets(first, options)}).Refused("removed meanwhile")
	waiting.out("removed meanwhile")
	w.browser().signInBy(first).Refused("removed")
	t.Run("second factors only", onlySecondFactors)
	t.Run("the last one", func(t *testing.T) {
		must := newWorld(t, func(c *twofold.Config) { c.TwoFactor.Required = true })
		p, _ := must.withKey("alice", storage.UseSecond, phoneKey)
		must.plantSession(p).Post("/wan-delete", m{"name": "key of alice"}).Want(400)
		if len(p.passkeys()) != 1 {
			t.Error("the last required factor is gone")
		}
	})
}

func onlySecondFactors(t *testing.T) {
	only := newWorld(t, func(c *twofold.Config) { c.Passkeys.FirstFactor = false })
	p := only.person("alice")
	k := only.key(phoneKey)
	only.plantSession(p).register(k, "one", "first").Want(200)
	if list := p.passkeys(); len(list) != 1 || list[0].Usage != storage.UseSecond {
		t.Errorf("where passkeys are second factors only: %+v", list)
	}
	only.browser().Post("/wan-signin", m{}).Want(404)
	only.browser().Get("/wan-signin").Want(404)
	only.browser().Post("/wan-signin/x", m{"credential": "{}"}).Refused("off")
}

func TestR096_NoUserOracle(t *testing.T) {
	w := newWorld(t)
	_, k := w.withKey("alice", storage.UseFirst, phoneKey)
	w.withKey("second", storage.UseSecond, phoneKey)
	w.person("none")
	off, _ := w.withKey("gone", storage.UseFirst, phoneKey)
	w.Must(w.Nodes[0].Auth.SetActive(w.T.Context(), off.ID, false))
	var optionNames []string // fields of the question besides the passkeys
	shape := func(identity string) (keys []string, ids []string) {
		options, _ := w.browser().asks("/wan-signin", m{"identity": identity})
		var o m
		w.Must(json.Unmarshal(options, &o))
		for _, c := range o["allowCredentials"].([]any) {
			c := c.(m)
			ids = append(ids, c["id"].(string))
			keys = append(keys, slices.Sorted(maps.Keys(c))...)
		}
		optionNames = slices.Sorted(maps.Keys(o))
		return append(keys, optionNames...), ids
	}
	wantKeys, wantIDs := shape("alice@good.test")
	if len(wantIDs) != 1 || wantIDs[0] != softkey.Text(k.ID) {
		t.Fatalf("alice's ids %v", wantIDs)
	}
	keysOfOne := wantKeys[:len(wantKeys)-len(optionNames)]
	seen := map[string]string{wantIDs[0]: "alice"}
	for _, identity := range []string{"nobody@good.test", "none@good.test", "second@good.test", "gone@good.test",
		"no-name", "@", "nobody2@good.test"} {
		for range 3 {
			keys, ids := shape(identity)
			want := append(slices.Repeat(keysOfOne, len(ids)), optionNames...)
			if !slices.Equal(keys, want) || len(ids) < 1 || len(ids) > 2 {
				t.Errorf("%s: %v %v, want the shape %v", identity, keys, ids, want)
				continue
			}
			if who := seen[ids[0]]; who != "" && who != identity {
				t.Errorf("%s and %s have one id", identity, who)
			}
			seen[ids[0]] = identity
		}
	}
	if len(seen) != 8 {
		t.Errorf("the answers for unknown names change: %v", seen)
	}
	_, one := shape("Nobody@GOOD.test")
	if _, two := shape("nobody@good.test"); one[0] != two[0] {
		t.Error("another spelling of an unknown name has another answer")
	}
	// Decoys vary in number and length as real ids do, and a newer key changes neither decoys nor
	// real ids.
	number, length := map[int]bool{}, map[int]bool{}
	before := map[string][]string{}
	for i := range 40 {
		identity := fmt.Sprintf("unknown%d@good.test", i)
		_, before[identity] = shape(identity)
		number[len(before[identity])] = true
		for _, id := range before[identity] {
			length[len(id)] = true
		}
	}
	if len(number) != 2 || len(length) < 4 {
		t.Errorf("40 unknown names have %d numbers and %d lengths of ids", len(number), len(length))
	}
	w.Restart(func(c *twofold.Config) { c.Key = twofold.KeyText(firstKey, twofold.NewKey()) })
	for identity, ids := range before {
		if _, now := shape(identity); !slices.Equal(now, ids) {
			t.Errorf("%s: a newer key changes the answer", identity)
		}
	}

	// All refusals have the same answer.
	stranger := w.key(phoneKey)
	stranger.RPID, stranger.Handle = "127.0.0.1", make([]byte, 64)
	second, _ := w.withKey("other", storage.UseSecond, phoneKey)
	_ = second
	refusals := map[string]string{}
	for what, r := range map[string]*answer{
		"unknown": w.browser().signInBy(stranger), "signature": w.browser().signInBy(k, softkey.SignedBy(stranger)),
		"handle": w.browser().signInBy(k, softkey.SendAs("userHandle", softkey.Text(make([]byte, 64)))),
		"origin": w.browser().signInBy(k, softkey.Say("origin", "https://evil.test")),
	} {
		refusals[r.Want(400).Body] += what + " "
	}
	if len(refusals) != 1 {
		t.Errorf("refusals differ: %v", refusals)
	}
}

func TestR097_AttestationPolicy(t *testing.T) {
	w := newWorld(t)
	a := w.person("alice")
	b := w.plantSession(a)
	other := w.key(phoneKey)
	options, _ := b.asks("/wan-register", m{"name": "look"})
	if !strings.Contains(string(options), `"attestation":"none"`) {
		t.Errorf("options %s", options)
	}
	for what, lie := range map[string]softkey.Lie{
		"packed by another key": softkey.Packed(other), "packed with a chain": softkey.Certified("packed"),
		"fido-u2f": softkey.Certified("fido-u2f"),
		"tpm":      softkey.Certified("tpm"), "unknown": softkey.Format("house-brand"),
		"none with a statement": softkey.Statement(),
		"algorithm not offered": func(d *softkey.Draft) {
			d.PublicKey = softkey.KeyOf(2, -47, 8, make([]byte, 32), make([]byte, 32))
		},
	} {
		b.register(w.key(phoneKey), "one", "first", lie).Refused(what)
	}
	if len(a.passkeys()) != 0 {
		t.Fatal("something was registered")
	}
	b.register(w.key(phoneKey), "self", "first", softkey.Packed(nil)).Want(200)
	b.register(w.key(phoneKey), "none", "first").Want(200)
}

// TestR119_PasskeysWorkWhileGuessesArePaused checks that passkeys have their own budgets.
func TestR119_PasskeysWorkWhileGuessesArePaused(t *testing.T) {
	w := newWorld(t)
	a, first := w.withKey("alice", storage.UseFirst, phoneKey)
	second := w.key(simpleKey)
	w.plantSession(a).register(second, "second", "secondary").Want(200)
	a.enrollApp()
	waiting := w.plantPending(a)
	waiting.Post("/tf-select", m{"which": "authenticator"}).Want(200)
	for range 5 {
		waiting.validate(a.Wrong())
	}
	waiting.validate(a.Next()).Want(429)
	waiting.Post("/tf-select", m{"which": "webauthn"}).Want(200)
	waiting.signInBy(second).Want(200)
	waiting.in(a, 2)
	for range 12 {
		w.browser().Post("/login", m{"email": a.Email, "password": "wrong horse 71 battery"})
	}
	w.browser().login(a).Want(429)
	b := w.browser()
	b.signInBy(first).Want(200)
	b.in(a, 2)
	// Refused assertions lock passkeys of that sign-in, but not its codes.
	w.Advance(time.Hour)
	waiting = w.plantPending(a)
	waiting.Post("/tf-select", m{"which": "webauthn"}).Want(200)
	for range 10 {
		waiting.signInBy(second, softkey.SignedBy(first)).Want(400)
	}
	waiting.signInBy(second).Want(429)
	waiting.Post("/tf-select", m{"which": "authenticator"}).Want(200)
	waiting.validate(a.Next()).Want(200)
}
