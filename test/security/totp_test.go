package security_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
)

// TestR027_SixDigitsAndNothingElse checks that blanks and dashes are removed, leading zeros count,
// and everything else is refused.
func TestR027_SixDigitsAndNothingElse(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	for a.code(0)[0] != '0' { // wait for a code with a leading zero
		w.advance(30 * time.Second)
	}
	code := a.code(0)
	arabic, wide := "", ""
	for _, d := range code {
		arabic += string('٠' + d - '0')
		wide += string('０' + d - '0')
	}
	var n int
	_, err := fmt.Sscanf(code, "%d", &n)
	w.must(err)
	for _, body := range []any{
		m{"code": code[1:]}, m{"code": "+" + code[1:]}, m{"code": "0" + code}, m{"code": code + "0"},
		m{"code": "²³" + code[2:]}, m{"code": code[:3] + "." + code[3:]},
		m{"code": fmt.Sprintf("0x%x", n)}, m{"code": fmt.Sprintf("%de0", n)}, m{"code": code + "\x00"},
		m{"code": code + ","},
		m{"code": []string{code}},
		m{"code": strings.Repeat(" ", 100) + code}, m{"code": code[:5] + "O"},
	} {
		w.plantPending(a).post("/tf-validate", body).want(400).refused(fmt.Sprint("spelling ", body))
		w.write(`DELETE FROM twofold_counters`) // the budget is another test's matter
	}
	for _, typed := range []string{arabic, wide, code + ".", code[:3] + "\u00a0" + code[3:], "\u200e" + code + "\r\n",
		code} {
		w.write(`UPDATE twofold_factors SET last_step = 0`) // so that the one code does for all spellings
		b := w.plantPending(a)
		b.validate(typed).want(200)
		b.in(a, 2)
	}
}

// TestR028_TOTPStepAcceptedOnce checks that a step accepted in one place is spent everywhere, in
// every spelling.
func TestR028_TOTPStepAcceptedOnce(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	code := a.next()
	session := w.plantPending(a)
	session.validate(code).want(200)
	for _, again := range []string{code, code + " ", " " + code, code[:3] + " " + code[3:], code[:3] + "-" + code[3:],
		code + "\u200b"} {
		b := w.plantPending(a)
		b.validate(again).want(400).refused("used code as " + again)
		b.out("used code")
	}
	fresh := w.plantSession(a)
	fresh.post("/verify", m{"password": secret}).want(200)
	fresh.validate(code).want(400).refused("used code at re-authentication")
	r := fresh.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	fresh.post("/tf-setup/"+r.text("tf_state_token"), m{"code": code}).want(400).refused("used code for another secret")
	w.advance(16 * time.Minute)

	present := a.code(0)
	w.plantPending(a).validate(a.code(0)).want(200)
	w.plantPending(a).validate(a.code(-1)).want(400).refused("the step before the accepted one")
	ahead := a.code(1)
	w.plantPending(a).validate(ahead).want(200)
	w.plantPending(a).validate(present).want(400).refused("the accepted step again")
	w.advance(30 * time.Second)
	w.plantPending(a).validate(ahead).want(400).refused("the step taken ahead, now that it is here")
}

// TestR029_NarrowWindow checks that one step before and after is accepted, by the server's clock.
func TestR029_NarrowWindow(t *testing.T) {
	w := newWorld(t, plenty)
	for away, status := range map[int64]int{-3: 400, -2: 400, -1: 200, 0: 200, 1: 200, 2: 400, 3: 400} {
		for _, edge := range []time.Duration{0, 29*time.Second + 999*time.Millisecond} {
			name := strings.ReplaceAll(fmt.Sprintf("user%d%d", away+5, edge), "-", "x")
			p := w.person(name[:min(len(name), 20)]).enrollApp()
			w.advance(2 * time.Minute)
			w.advance(w.Now().Truncate(30 * time.Second).Add(30*time.Second + edge).Sub(w.Now()))
			b := w.plantPending(p)
			b.post("/tf-validate?t="+fmt.Sprint(w.Now().Unix()+away*30), m{"code": p.code(away)},
				"Date", w.Now().Add(time.Duration(away)*30*time.Second).Format(time.RFC1123)).want(status)
		}
	}
	a := w.withApp("alice")
	for range 20 { // always one step late
		w.advance(30 * time.Second)
		w.plantPending(a).validate(a.code(-1)).want(200)
	}
	w.advance(2 * time.Minute)
	w.plantPending(a).validate(a.code(-2)).want(400).refused("two steps late, after many that were one late")
}

// TestR030_EnrollmentCodeIsSpent checks that enrollment spends the code and its step.
func TestR030_EnrollmentCodeIsSpent(t *testing.T) {
	w := newWorld(t)
	a := w.person("alice")
	b := w.plantSession(a)
	r := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	a.app = decode(w, r.text("tf_authr_b32key"))
	code := a.code(0)
	b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": code}).want(200)
	c := w.plantPending(a)
	c.validate(code).want(400).refused("enrollment code at sign-in")
	c.out("enrollment code at sign-in")
	c.validate(a.next()).want(200)
	c.in(a, 2)
}

// TestR031_SecretQuality checks that secrets have 160 random bits, differ, and are never chosen by
// the client.
func TestR031_SecretQuality(t *testing.T) {
	w := newWorld(t)
	b := w.plantSession(w.person("alice"))
	seen, ones, bits := map[string]bool{}, 0, 0
	for i := range 150 {
		if i%10 == 9 {
			w.write(`DELETE FROM twofold_counters`) // how many may be started is another matter
		}
		s := b.post("/tf-setup", m{"setup": "authenticator"}).want(200).text("tf_authr_b32key")
		if len(s) != 32 || seen[s] {
			t.Fatalf("secret %q is short or came twice", s)
		}
		seen[s] = true
		for _, c := range decode(w, s) {
			for ; c > 0; c >>= 1 {
				ones += int(c & 1)
			}
			bits += 8
		}
	}
	// The standard deviation is the root of bits/4, or 78. The test allows six.
	if off := ones - bits/2; off > 470 || off < -470 {
		t.Errorf("%d of %d bits are ones", ones, bits)
	}
	for _, field := range []string{"secret", "tf_authr_key", "tf_totp_secret", "tf_authr_b32key"} {
		const chosen = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
		if r := b.post("/tf-setup",
			m{"setup": "authenticator", field: chosen}).want(200); r.text("tf_authr_b32key") == chosen {
			t.Error("secret chosen by the client")
		}
	}
}

// TestR034_SecretsAreSealedToTheirOwner checks that secrets are not readable in the database, are
// not valid in another row, and fail to open if a bit is flipped.
func TestR034_SecretsAreSealedToTheirOwner(t *testing.T) {
	w := newWorld(t, plenty)
	a, v := w.withApp("alice"), w.withApp("victor")
	draft := w.plantSession(a)
	draft.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	for _, p := range []*person{a, v} {
		for _, c := range w.dump() {
			if bytes.Contains([]byte(c.text), p.app) || strings.Contains(c.hex, fmt.Sprintf("%x", p.app)) {
				t.Errorf("%s.%s holds %s's secret", c.table, c.column, p.name)
			}
		}
	}
	for what, change := range map[string]string{
		"another user's secret": `UPDATE twofold_factors SET secret = (SELECT secret FROM twofold_factors WHERE user_id = '` + v.id + `') WHERE user_id = '` + a.id + `'`,
		"a flipped bit":         `UPDATE twofold_factors SET secret = CAST(substr(secret, 1, length(secret)-1) || x'5a' AS BLOB) WHERE user_id = '` + a.id + `'`,
		"an empty secret":       `UPDATE twofold_factors SET secret = x'' WHERE user_id = '` + a.id + `'`,
	} {
		own := a.factors()[0].Secret
		w.write(change)
		w.advance(time.Minute)
		b := w.plantPending(a)
		before := strings.Count(w.log.String(), "factor cannot be verified")
		b.validate(v.code(0)).want(503).refused(what)
		b.validate(a.code(0)).want(503).refused(what + ", own code")
		b.validate(totp(nil, w.Now().Unix()/30)).want(503).refused(what + ", the empty secret's code")
		b.out(what)
		if strings.Count(w.log.String(), "factor cannot be verified") == before {
			t.Errorf("%s: the operator is not told", what)
		}
		w.write(`UPDATE twofold_factors SET secret = ? WHERE user_id = ?`, own, a.id)
		w.advance(16 * time.Minute)
	}
	b := w.plantPending(a)
	b.validate(a.next()).want(200)
	b.in(a, 2)
}

// TestR035_KeyRotation checks that old keys open secrets, the newest key seals them, and use
// reseals a secret with the newest key. A missing key is a refusal with a log line for the
// operator.
func TestR035_KeyRotation(t *testing.T) {
	one, two := twofold.NewKey(), twofold.NewKey()
	ring := func(keys map[string]string) func(*twofold.Config) {
		return func(c *twofold.Config) { c.TwoFactor.Secrets = keys }
	}
	w := newWorld(t, ring(map[string]string{"1": one}))
	a, left := w.withApp("alice"), w.withApp("lefty")
	use := func(p *person) *answer {
		w.advance(16 * time.Minute)
		return w.plantPending(p).validate(p.next())
	}
	before := string(a.factors()[0].Secret)
	w.restart(ring(map[string]string{"1": one, "2": two}))
	use(a).want(200)
	if string(a.factors()[0].Secret) == before {
		t.Error("the secret was used and is still sealed with the old key")
	}
	w.restart(ring(map[string]string{"2": two}))
	use(a).want(200)
	use(left).want(503).refused("the key of this secret is gone")
	if !strings.Contains(w.log.String(), "not in the ring") {
		t.Error("the operator is not told that a key is missing")
	}
}

// TestR035_KeyRotationByKeyText does the same with the application's own keys, whose positions in
// the list may change when the oldest is removed.
func TestR035_KeyRotationByKeyText(t *testing.T) {
	one, two := twofold.NewKey(), twofold.NewKey()
	keys := func(list ...string) func(*twofold.Config) {
		return func(c *twofold.Config) { c.Key = twofold.KeyText(list...) }
	}
	w := newWorld(t, keys(one))
	a := w.withApp("alice")
	w.restart(keys(one, two))
	w.plantPending(a).validate(a.next()).want(200)
	w.restart(keys(two))
	b := w.plantPending(a)
	b.validate(a.next()).want(200)
	b.in(a, 2)
}

// TestR037_GuessesAreCapped checks that five failures pause all second factors of the account for
// fifteen minutes, over all sign-ins. Fifty failures in a row from strangers lock that factor for
// them, and no other.
func TestR037_GuessesAreCapped(t *testing.T) {
	w := newWorld(t, proxied)
	a := w.withApp("alice").enrollMail()
	guess := func(code string) *answer {
		b := w.plantPending(a)
		b.header["X-Forwarded-For"] = fmt.Sprintf("10.0.0.%d", w.Now().Unix()%250)
		if code == a.code(0) { // its network is known from then on
			b.header["X-Forwarded-For"] = fmt.Sprintf("10.1.%d.%d", w.Now().Unix()%250, w.Now().Unix()%240)
		}
		b.post("/tf-select", m{"which": "authenticator"}).want(200)
		return b.validate(code)
	}
	for range 5 {
		guess(a.wrong()).want(400)
	}
	wrong, right := guess(a.wrong()).want(429), guess(a.code(0)).want(429)
	if wrong.body != right.body || right.header.Get("Retry-After") == "" {
		t.Errorf("during the pause right and wrong differ:\n%s%s", wrong.body, right.body)
	}
	b := w.browser()
	b.login(a).want(200) // a right password changes nothing
	b.post("/tf-select", m{"which": "email"}).want(429)
	b.validate(a.mailed()).want(429).refused("another factor during the pause")
	if len(happened[event.TFPaused](w)) == 0 {
		t.Error("no event says that the account's factors pause")
	}
	w.advance(15*time.Minute + time.Second)
	guess(a.code(0)).want(200)
	for n := 0; n < 50; n += 5 {
		w.advance(15*time.Minute + time.Second)
		for range 5 {
			guess(a.wrong()).want(400)
		}
	}
	w.advance(15*time.Minute + time.Second)
	guess(a.code(0)).want(429).refused("after fifty failures")
	w.advance(365 * 24 * time.Hour)
	guess(a.code(0)).want(429).refused("a year after fifty failures")
	b = w.plantPending(a)
	b.post("/tf-select", m{"which": "email"}).want(200)
	b.validate(a.mailed()).want(200)
	b.in(a, 2)
	r := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	a.app = decode(w, r.text("tf_authr_b32key"))
	b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": a.code(0)}).want(200)
	w.advance(time.Minute)
	guess(a.code(0)).want(200)
}
