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
		pending.post(path, body).want(401)
	}
	pending.get("/wan-register").want(401)

	stale := w.plantSession(a)
	options, state := stale.asks("/wan-register", m{"name": "two"})
	if o, err := softkey.Read(options); err != nil || len(o.Exclude) != 1 || o.Exclude[0].ID != softkey.Text(k.ID) {
		t.Errorf("excluded %+v, %v", o.Exclude, err)
	}
	made := w.creates(w.key(phoneKey), options)
	w.advance(15 * time.Minute)
	stale.post("/wan-register/"+state, m{"credential": made}).want(401)
	stale.post("/wan-register", m{"name": "two"}).want(401)
	stale.post("/wan-delete", m{"name": "key of alice"}).want(401)
	level1 := w.plantSession(w.person("zoey"))
	level1.register(w.key(phoneKey), "one", "secondary").want(200)

	// A session with only a password, of an account that has a second factor.
	token := w.plantSession(a)
	w.write(`UPDATE twofold_sessions SET level = 1`)
	token.post("/wan-register", m{"name": "two"}).want(401)

	// Everything issued before is invalid, except the session that made the change.
	b, others := w.plantSession(a), []*browser{w.plantSession(a), w.plantPending(a)}
	device := w.browser()
	device.login(a, m{"remember": true})
	b.register(w.key(phoneKey), "two", "secondary").want(200)
	b.in(a, 2)
	others[0].out("another session after a change")
	others[1].get("/wan-signin").want(200).json = nil
	if others[1].get("/wan-signin").json["is_secondary"] != false {
		t.Error("a pending sign-in lived on after a change")
	}
	w.settled()
	told := 0
	for _, mail := range w.mail.To(a.email) {
		if strings.Contains(mail.Text, "A passkey was added") && notMe.MatchString(mail.Text) {
			told++
		}
	}
	if told != 2 {
		t.Errorf("%d mails of 2 added passkeys", told)
	}
	if n := len(happened[event.PasskeyRegistered](w)); n != 3 {
		t.Errorf("%d events of 3 registrations", n)
	}
	b.post("/wan-delete", m{"name": "two"}).want(200)
	if n := len(happened[event.PasskeyDeleted](w)); n != 1 {
		t.Errorf("%d events of a removal", n)
	}
}

func TestR095_UsageIsHonoured(t *testing.T) {
	w := newWorld(t)
	a, second := w.withKey("alice", storage.UseSecond, phoneKey)
	b := w.browser()
	b.signInBy(second).refused("a second factor in the password's place")
	b.out("a second factor in the password's place")

	// The passkey of the first factor does not count as the second one, in this sign-in or in
	// others.
	first := w.key(phoneKey)
	w.plantSession(a).register(first, "first", "first").want(200)
	b = w.browser()
	if r := b.signInBy(first, softkey.Clear(softkey.UV)).want(200); r.json["tf_method"] != "webauthn" {
		t.Errorf("what comes next: %s", r.body)
	}
	b.signInBy(first).refused("the same passkey twice")
	b.out("the same passkey twice")
	b.signInBy(second).want(200)
	b.in(a, 2)
	b = w.plantPending(a)
	b.signInBy(first).refused("a first factor in the second's place")
	b.out("a first factor in the second's place")

	// A passkey for the first factor does not count as a second factor, so the account has none.
	z := w.person("zoey")
	w.plantSession(z).register(w.key(phoneKey), "first", "first").want(200)
	b = w.browser()
	b.login(z).want(200)
	b.in(z, 1)

	// A removed passkey fails at once.
	waiting := w.browser()
	options, state := waiting.asks("/wan-signin", m{})
	w.plantSession(a).post("/wan-delete", m{"name": "first"}).want(200)
	waiting.post("/wan-signin/"+state, m{"credential": w.gets(first, options)}).refused("removed meanwhile")
	waiting.out("removed meanwhile")
	w.browser().signInBy(first).refused("removed")
	t.Run("second factors only", onlySecondFactors)
	t.Run("the last one", func(t *testing.T) {
		must := newWorld(t, func(c *twofold.Config) { c.TwoFactor.Required = true })
		p, _ := must.withKey("alice", storage.UseSecond, phoneKey)
		must.plantSession(p).post("/wan-delete", m{"name": "key of alice"}).want(400)
		if len(p.passkeys()) != 1 {
			t.Error("the last required factor is gone")
		}
	})
}

func onlySecondFactors(t *testing.T) {
	only := newWorld(t, func(c *twofold.Config) { c.Passkeys.FirstFactor = false })
	p := only.person("alice")
	k := only.key(phoneKey)
	only.plantSession(p).register(k, "one", "first").want(200)
	if list := p.passkeys(); len(list) != 1 || list[0].Usage != storage.UseSecond {
		t.Errorf("where passkeys are second factors only: %+v", list)
	}
	only.browser().post("/wan-signin", m{}).want(404)
	only.browser().get("/wan-signin").want(404)
	only.browser().post("/wan-signin/x", m{"credential": "{}"}).refused("off")
}

func TestR096_NoUserOracle(t *testing.T) {
	w := newWorld(t)
	_, k := w.withKey("alice", storage.UseFirst, phoneKey)
	w.withKey("second", storage.UseSecond, phoneKey)
	w.person("none")
	off, _ := w.withKey("gone", storage.UseFirst, phoneKey)
	w.must(w.nodes[0].auth.SetActive(w.t.Context(), off.id, false))
	var optionNames []string // fields of the question besides the passkeys
	shape := func(identity string) (keys []string, ids []string) {
		options, _ := w.browser().asks("/wan-signin", m{"identity": identity})
		var o m
		w.must(json.Unmarshal(options, &o))
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
	w.restart(func(c *twofold.Config) { c.Key = twofold.KeyText(firstKey, twofold.NewKey()) })
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
		refusals[r.want(400).body] += what + " "
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
		b.register(w.key(phoneKey), "one", "first", lie).refused(what)
	}
	if len(a.passkeys()) != 0 {
		t.Fatal("something was registered")
	}
	b.register(w.key(phoneKey), "self", "first", softkey.Packed(nil)).want(200)
	b.register(w.key(phoneKey), "none", "first").want(200)
}

// TestR119_PasskeysWorkWhileGuessesArePaused checks that passkeys have their own budgets.
func TestR119_PasskeysWorkWhileGuessesArePaused(t *testing.T) {
	w := newWorld(t)
	a, first := w.withKey("alice", storage.UseFirst, phoneKey)
	second := w.key(simpleKey)
	w.plantSession(a).register(second, "second", "secondary").want(200)
	a.enrollApp()
	waiting := w.plantPending(a)
	waiting.post("/tf-select", m{"which": "authenticator"}).want(200)
	for range 5 {
		waiting.validate(a.wrong())
	}
	waiting.validate(a.next()).want(429)
	waiting.post("/tf-select", m{"which": "webauthn"}).want(200)
	waiting.signInBy(second).want(200)
	waiting.in(a, 2)
	for range 12 {
		w.browser().post("/login", m{"email": a.email, "password": "wrong horse 71 battery"})
	}
	w.browser().login(a).want(429)
	b := w.browser()
	b.signInBy(first).want(200)
	b.in(a, 2)
	// Refused assertions lock passkeys of that sign-in, but not its codes.
	w.advance(time.Hour)
	waiting = w.plantPending(a)
	waiting.post("/tf-select", m{"which": "webauthn"}).want(200)
	for range 10 {
		waiting.signInBy(second, softkey.SignedBy(first)).want(400)
	}
	waiting.signInBy(second).want(429)
	waiting.post("/tf-select", m{"which": "authenticator"}).want(200)
	waiting.validate(a.next()).want(200)
}
