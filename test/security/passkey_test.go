package security_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

func TestR086_ChallengeIsRandomOnceAndShort(t *testing.T) {
	everyUse(t, func(t *testing.T, w *world, u use, k *softkey.Key) {
		seen := map[string]bool{}
		for range 5 {
			options, _ := u.open().asks(u.ask, m{})
			o, err := softkey.Read(options)
			if err != nil || len(softkey.Bytes(o.Challenge)) != 32 || seen[o.Challenge] {
				t.Fatalf("challenge %q, %v", o.Challenge, err)
			}
			seen[o.Challenge] = true
		}
		w.forgive()
		for at, alive := range map[time.Duration]bool{5*time.Minute - time.Second: true, 5 * time.Minute: false,
			6 * time.Minute: false} {
			b := u.open()
			options, state := b.asks(u.ask, m{})
			w.Advance(at)
			if r := b.Post(u.ask+"/"+state, m{"credential": w.gets(k, options)}); u.done(b, r) != alive {
				t.Errorf("after %v: %d %s", at, r.Status, r.Body)
			}
		}
		b := u.open()
		options, state := b.asks(u.ask, m{})
		good := w.gets(k, options)
		if r := b.Post(u.ask+"/"+state, m{"credential": good}); !u.done(b, r) {
			t.Fatalf("the truth: %d %s", r.Status, r.Body)
		}
		again := b.copy()
		if u.name != "fresh proof" {
			again.Jar = map[string]string{"twofold-asked": b.Jar["twofold-asked"],
				"twofold-pending": b.Jar["twofold-pending"]}
			again.Post(u.ask+"/"+state, m{"credential": good}).Refused("the same body again")
			again.out("the same body again")
			return
		}
		again.Post(u.ask+"/"+state, m{"credential": good}).Refused("the same body again")
	})
	t.Run("registration", func(t *testing.T) {
		w := newWorld(t)
		a, k := w.person("alice"), w.key(phoneKey)
		b := w.plantSession(a)
		options, state := b.asks("/wan-register", m{"name": "one"})
		b.Post("/wan-register/"+state,
			m{"credential": w.creates(k, options, softkey.Say("challenge", "AAAA"))}).Refused("own challenge")
		options, state = b.asks("/wan-register", m{"name": "one"})
		w.Advance(5 * time.Minute)
		b.Post("/wan-register/"+state, m{"credential": w.creates(k, options)}).Refused("too late")
		options, state = b.asks("/wan-register", m{"name": "one"})
		b.Post("/wan-register/"+state, m{"credential": w.creates(k, options)}).Want(200)
		b.Post("/wan-register/"+state, m{"credential": w.creates(w.key(phoneKey), options)}).Refused("twice")
		if n := len(a.passkeys()); n != 1 {
			t.Errorf("%d passkeys", n)
		}
	})
}

// passkeys returns a person's stored passkeys.
func (p *person) passkeys() []storage.Factor {
	p.w.T.Helper()
	list, err := p.w.Nodes[0].Store.PasskeysOf(p.w.T.Context(), p.ID)
	p.w.Must(err)
	return list
}

func TestR087_ChallengeIsForOneCeremonyUserAndBrowser(t *testing.T) {
	everyUse(t, func(t *testing.T, w *world, u use, k *softkey.Key) {
		u.refuses(t, w, k, "a creation's type", softkey.Say("type", "webauthn.create"))
		u.refuses(t, w, k, "own challenge", softkey.Say("challenge", softkey.Text(make([]byte, 32))))
		// An assertion for the challenge of one place is sent to each of the others.
		for _, other := range []struct {
			path string
			in   func() *browser
		}{
			{"/wan-signin", w.browser}, {"/wan-signin", u.open}, {"/wan-verify", u.open}, {"/wan-register", u.open},
		} {
			b := u.open()
			options, state := b.asks(u.ask, m{})
			c := other.in()
			if other.path != u.ask {
				c = b
			}
			r := c.Post(other.path+"/"+state, m{"credential": w.gets(k, options)})
			if r.Status < 400 || r.Status >= 500 || other.path != "/wan-verify" && u.name != "fresh proof" &&
				u.done(c, r) {
				t.Errorf("at %s: %d %s", other.path, r.Status, r.Body)
			}
			w.forgive()
		}
	})
	t.Run("browsers", theChallengeIsOfOneBrowser)
}

func theChallengeIsOfOneBrowser(t *testing.T) {
	w := newWorld(t)
	a, k := w.withKey("alice", storage.UseSecond, phoneKey)
	z, _ := w.withKey("zoey", storage.UseSecond, phoneKey)
	one, two := w.plantPending(a), w.plantPending(a)
	options, state := one.asks("/wan-signin", m{})
	two.asks("/wan-signin", m{})
	two.Post("/wan-signin/"+state, m{"credential": w.gets(k, options)}).Refused("another sign-in of the same user")
	w.plantPending(z).Post("/wan-signin/"+state, m{"credential": w.gets(k, options)}).Refused("another user's sign-in")
	one.Post("/wan-signin/"+state, m{"credential": w.gets(k, options)}).Want(200)
	one.in(a, 2)

	_, k = w.withKey("carl", storage.UseFirst, phoneKey)
	left, right := w.browser(), w.browser() // no one yet, and both have asked
	right.asks("/wan-signin", m{})
	options, state = left.asks("/wan-signin", m{})
	right.Post("/wan-signin/"+state, m{"credential": w.gets(k, options)}).Refused("another browser's question")
	right.out("another browser's question")
	left.Post("/wan-signin/"+state, m{"credential": w.gets(k, options)}).Want(200)

	b := w.plantSession(a)
	options, state = b.asks("/wan-register", m{"name": "two"})
	made := w.creates(w.key(phoneKey), options)
	w.plantSession(a).Post("/wan-register/"+state, m{"credential": made}).Refused("another session of the same user")
	w.plantSession(z).Post("/wan-register/"+state, m{"credential": made}).Refused("another user's session")
	b.Post("/wan-signin/"+state, m{"credential": made}).Refused("a creation at the sign-in")
	b.Post("/wan-verify/"+state, m{"credential": made}).Refused("a creation at the fresh proof")
	options, state = b.asks("/wan-register", m{"name": "two"})
	b.Post("/wan-register/"+state,
		m{"credential": w.creates(w.key(phoneKey), options, softkey.Say("type", "webauthn.get"))}).Refused(
		"a question's type")
}

func TestR088_OriginAndRelyingPartyAreExact(t *testing.T) {
	parent, port := sha256.Sum256([]byte("0.0.1")), sha256.Sum256([]byte("127.0.0.1:80"))
	lies := func(origin string) map[string]softkey.Lie {
		host := strings.TrimPrefix(origin, "http://")
		out := map[string]softkey.Lie{
			"in a frame": softkey.Say("crossOrigin", true), "in a frame of our own": softkey.Say("topOrigin", origin),
			"the parent's hash": softkey.ForRP(parent[:]), "a hash with the port": softkey.ForRP(port[:]),
			"a hash of nothing": softkey.ForRP(make([]byte, 32)),
			"token binding":     softkey.Say("tokenBinding", m{"status": "present", "id": "AAAA"}),
		}
		for _, o := range []any{
			"https://" + host, "http://127.0.0.1", "http://127.0.0.1:8443", "http://evil.test",
			"http://" + host + ".evil.test", "http://sub." + host,
			"http://127.0.0.1.:1", "HTTP://" + host, "null", "", nil, "android:apk-key-hash:AAAA", origin + "/",
			origin + "/login", "http://localhost:" + host[len("127.0.0.1:"):],
		} {
			out[fmt.Sprintf("origin %v", o)] = softkey.Say("origin", o)
		}
		return out
	}
	everyUse(t, func(t *testing.T, w *world, u use, k *softkey.Key) {
		for what, lie := range lies(w.Nodes[0].Origin) {
			u.refuses(t, w, k, what, lie)
		}
	})
	t.Run("registration", func(t *testing.T) {
		w := newWorld(t, func(c *twofold.Config) { c.Advanced.Limits.SetupHour = 1000 })
		a := w.person("alice")
		b := w.plantSession(a)
		for what, lie := range lies(w.Nodes[0].Origin) {
			b.register(w.key(phoneKey), "one", "first", lie).Refused(what)
		}
		if n := len(a.passkeys()); n != 0 {
			t.Errorf("%d passkeys", n)
		}
		b.register(w.key(phoneKey), "one", "first").Want(200)
	})
}

func TestR089_PresenceAlwaysVerificationWhereItCounts(t *testing.T) {
	everyUse(t, func(t *testing.T, w *world, u use, k *softkey.Key) {
		u.refuses(t, w, k, "nobody there", softkey.Clear(softkey.UP))
	})
	t.Run("both factors", whatAVerifiedUserIsWorth)
	t.Run("one factor", func(t *testing.T) {
		w := newWorld(t, func(c *twofold.Config) { c.Passkeys.MultiFactor = false })
		a, k := w.withKey("alice", storage.UseFirst, phoneKey)
		b := w.browser()
		b.signInBy(k).Want(200)
		b.in(a, 1)
		a.enrollApp()
		b = w.browser()
		b.signInBy(k).Want(200)
		b.out("both factors where that is switched off")
	})
}

func whatAVerifiedUserIsWorth(t *testing.T) {
	w := newWorld(t)
	a, k := w.withKey("alice", storage.UseFirst, phoneKey)
	a.enrollApp()
	b := w.browser()
	b.signInBy(k).Want(200)
	b.in(a, 2)
	b = w.browser()
	r := b.signInBy(k, softkey.Clear(softkey.UV)).Want(200)
	b.out("a passkey that did not verify its user")
	if r.JSON["tf_required"] != true || r.JSON["tf_method"] != "authenticator" {
		t.Errorf("what comes next: %s", r.Body)
	}
	b.validate(a.Next()).Want(200)
	b.in(a, 2)

	b = w.browser() // the browser says it was not asked for
	options, state := b.asks("/wan-signin", m{})
	changed := []byte(strings.Replace(string(options), `"preferred"`, `"discouraged"`, 1))
	b.Post("/wan-signin/"+state, m{"credential": w.gets(k, changed, softkey.Clear(softkey.UV))}).Want(200)
	b.out("altered options")

	// Re-authentication of an account with a second factor requires both.
	b = w.plantSession(a)
	options, _ = b.asks("/wan-verify", m{})
	if !strings.Contains(string(options), `"userVerification":"required"`) {
		t.Errorf("options %s", options)
	}
	w.Advance(16 * time.Minute)
	b.verifyBy(k, softkey.Clear(softkey.UV)).Refused("a fresh proof without its user verified")
	if b.Get("/tf-setup").Status != 401 {
		t.Error("fresh without a proof")
	}
	b.verifyBy(k).Want(200)
	b.Get("/tf-setup").Want(200)

	// As a second factor, a security key without user verification is enough.
	z, simple := w.withKey("zoey", storage.UseSecond, simpleKey)
	b = w.browser()
	b.login(z).Want(200)
	b.signInBy(simple).Want(200)
	b.in(z, 2)
}

func TestR090_EveryStepIsCheckedAndItsResultUsed(t *testing.T) {
	everyUse(t, func(t *testing.T, w *world, u use, k *softkey.Key) {
		stranger := w.key(phoneKey)
		ed, err := softkey.New(k.Origin, softkey.EdDSA)
		w.Must(err)
		for what, lie := range map[string]softkey.Lie{
			"empty signature": softkey.SendAs("signature", ""), "another key": softkey.SignedBy(stranger),
			"another algorithm": softkey.SignedBy(ed),
			"id is not rawId":   softkey.Send(func(out, _ map[string]any) { out["id"] = softkey.Text(stranger.ID) }),
			"rawId is not id":   softkey.Send(func(out, _ map[string]any) { out["rawId"] = softkey.Text(stranger.ID) }),
			"no id":             softkey.Send(func(out, _ map[string]any) { delete(out, "id"); delete(out, "rawId") }),
			"a list":            softkey.Send(func(out, _ map[string]any) { out["response"] = []any{out["response"]} }),
			"more data":         softkey.Trail([]byte{0}), "attested data": softkey.Set(softkey.AT),
			"extensions": softkey.Set(softkey.ED),
			"deep extensions": func(d *softkey.Draft) {
				softkey.Set(softkey.ED)(d)
				softkey.Trail(softkey.Nested(4000))(
					d)
			},
			"double member": softkey.SayExactly(`{"type":"webauthn.get","type":"webauthn.get"}`),
			"id of 1,024": softkey.Send(func(out, _ map[string]any) {
				out["id"], out["rawId"] = softkey.Text(make([]byte, 1024)), softkey.Text(make([]byte, 1024))
			}),
			"too long":       softkey.Send(func(out, _ map[string]any) { out["x"] = strings.Repeat("a", 16<<10) }),
			"no user handle": softkey.Send(func(out, _ map[string]any) { out["type"] = "" }),
		} {
			u.refuses(t, w, k, what, lie)
		}
		for _, member := range []string{"signature", "authenticatorData", "clientDataJSON"} {
			for at := 0; at < 140; at += 7 {
				u.refuses(t, w, k, fmt.Sprintf("byte %d of %s", at, member), softkey.Send(func(_, r map[string]any) {
					raw := softkey.Bytes(r[member].(string))
					raw[at%len(raw)] ^= 0x10
					r[member] = softkey.Text(raw)
				}))
			}
		}
		w.forgive()
		for _, body := range []string{"", "x", "[]", "null", `{"id":1}`,
			`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`, strings.Repeat("[", 10000)} {
			b := u.open()
			_, state := b.asks(u.ask, m{})
			b.Post(u.ask+"/"+state, m{"credential": body}).Refused(fmt.Sprintf("%.30q", body))
			w.forgive()
		}
		b := u.open()
		_, state := b.asks(u.ask, m{})
		if r := b.Post(u.ask+"/"+state, m{"credential": strings.Repeat("a", 10<<20)}); r.Status != 413 &&
			r.Status != 0 {
			t.Errorf("ten megabytes: %d", r.Status)
		}
	})
}

func TestR091_CredentialIsOfTheUserBeingAuthenticated(t *testing.T) {
	w := newWorld(t)
	a, ka := w.withKey("alice", storage.UseSecond, phoneKey)
	z, kz := w.withKey("zoey", storage.UseSecond, phoneKey)
	b := w.plantPending(z)
	b.signInBy(ka).Refused("alice's key behind zoe's password")
	b.out("alice's key behind zoe's password")
	b.signInBy(ka, softkey.SendAs("userHandle", softkey.Text(kz.Handle))).Refused("with zoe's handle")
	b.signInBy(kz, softkey.SendAs("userHandle", softkey.Text(ka.Handle))).Refused("zoe's key with alice's handle")
	b.signInBy(kz, softkey.Without("userHandle")).Want(200) // named by the question already
	b.in(z, 2)

	fresh := w.plantSession(z)
	w.Advance(16 * time.Minute)
	fresh.verifyBy(ka).Refused("alice's key for zoe's fresh proof")
	fresh.Get("/tf-setup").Want(401)
	fresh.verifyBy(kz).Want(200)
	fresh.Get("/tf-setup").Want(200)

	c, kc := w.withKey("carl", storage.UseFirst, phoneKey)
	_, kd := w.withKey("dora", storage.UseFirst, phoneKey)
	w.browser().signInBy(kc, softkey.Without("userHandle")).Refused("found by the browser, without a handle")
	w.browser().signInBy(kc, softkey.SendAs("userHandle", softkey.Text(kd.Handle))).Refused("with another's handle")
	b = w.browser() // asked for dora by name, answered by carl
	options, state := b.asks("/wan-signin", m{"identity": "dora@good.test"})
	b.Post("/wan-signin/"+state, m{"credential": w.gets(kc, options)}).Refused("not asked for")
	b = w.browser()
	b.signInBy(kc).Want(200)
	b.in(c, 2)
	_ = a
}

func TestR092_CredentialIDsAreUnique(t *testing.T) {
	w := newWorld(t)
	a, k := w.withKey("alice", storage.UseFirst, phoneKey)
	z := w.person("zoey")
	before := w.rows("factors")
	thief := w.key(phoneKey)
	thief.ID = k.ID
	w.plantSession(z).register(thief, "mine", "first").Refused("alice's id with another key")
	w.plantSession(z).register(k, "mine", "first").Refused("alice's id and key")
	w.plantSession(a).register(k, "again", "secondary").Refused("her own once more")
	if w.rows("factors") != before {
		t.Error("something changed")
	}
	b := w.browser()
	b.signInBy(k, softkey.SendAs("userHandle", softkey.Text(handleOf(t, w, a)))).Want(200)
	b.in(a, 2)

	same := w.key(phoneKey)
	var sessions []*browser
	for i := range 20 {
		sessions = append(sessions, w.plantSession(w.person(fmt.Sprintf("user%02d", i))))
	}
	statuses := make([]int, len(sessions))
	testkit.Par(len(sessions), func(i int) {
		mine := *same
		statuses[i] = sessions[i].register(&mine, "one", "first").Status
	})
	won := 0
	for _, s := range statuses {
		if s == 200 {
			won++
		}
	}
	if n := w.number(`SELECT COUNT(*) FROM twofold_factors WHERE method = 'webauthn'`); won != 1 || n != 2 {
		t.Errorf("%d of 20 parallel registrations of one id won, %d passkeys (%v)", won, n, statuses)
	}
}

// handleOf returns the user handle in the options of an account.
func handleOf(t *testing.T, w *world, p *person) []byte {
	t.Helper()
	options, _ := w.plantSession(p).asks("/wan-register", m{"name": "look"})
	o, err := softkey.Read(options)
	w.Must(err)
	return softkey.Bytes(o.User.ID)
}

func TestR093_CounterGrowsAndBackupFlagsHold(t *testing.T) {
	w := newWorld(t, func(c *twofold.Config) { c.Advanced.Limits.AddressFailures = 1000 })
	a, k := w.person("alice"), w.key(phoneKey)
	k.Counter = 5
	w.plantSession(a).register(k, "one", "first").Want(200)
	for _, c := range []struct {
		n  uint32
		ok bool
	}{{6, true}, {6, false}, {4, false}, {0, false}, {7, true}} {
		b := w.browser()
		r := b.signInBy(k, softkey.Count(c.n))
		if user, _ := b.sees(); (r.Status == 200) != c.ok || (user != "") != c.ok {
			t.Errorf("counter %d: %d, signed in as %q", c.n, r.Status, user)
		}
	}
	copies := 0
	for _, e := range happened[event.UserFailedAuthn](w) {
		if e.AuthType == "passkey" && e.Reason == "its counter went back" && e.User.ID == a.ID {
			copies++
		}
	}
	if copies != 3 {
		t.Errorf("%d events of a counter that went back, want 3", copies)
	}
	k.Counter = 7
	questions := make([]*browser, 12)
	states, answers := make([]string, 12), make([]string, 12)
	for i := range questions {
		questions[i] = w.browser()
		var options []byte
		options, states[i] = questions[i].asks("/wan-signin", m{})
		answers[i] = w.gets(k, options, softkey.Count(8))
	}
	testkit.Par(len(questions), func(i int) {
		questions[i].Post("/wan-signin/"+states[i],
			m{"credential": answers[i]})
	})
	won := 0
	for _, b := range questions {
		if user, _ := b.sees(); user != "" {
			won++
		}
	}
	if won != 1 {
		t.Errorf("%d parallel answers with one counter were taken", won)
	}
	for what, lie := range map[string]softkey.Lie{
		"eligibility taken away":     softkey.Clear(softkey.BE | softkey.BS),
		"backed up but not eligible": softkey.Clear(softkey.BE),
	} {
		b := w.browser()
		b.signInBy(k, lie, softkey.Count(20)).Refused(what)
		b.out(what)
	}
	z, still := w.withKey("zoey", storage.UseFirst, simpleKey|softkey.UV)
	for range 3 {
		b := w.browser()
		b.signInBy(still).Want(200)
		b.in(z, 2)
	}
	w.browser().signInBy(still, softkey.Set(softkey.BE)).Refused("eligibility given")
	w.browser().signInBy(k, softkey.Clear(softkey.BS), softkey.Count(30)).Want(200)
	list := w.plantSession(a).Get("/wan-register").JSON["registered_credentials"].([]any)
	if list[0].(m)["backup_state"] != false {
		t.Errorf("the backup state was not written back: %v", list)
	}
}
