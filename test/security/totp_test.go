package security_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestR027_SixDigitsAndNothingElse checks that blanks and dashes are removed, leading zeros count,
// and everything else is refused.
func TestR027_SixDigitsAndNothingElse(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	for a.Code(0)[0] != '0' { // wait for a code with a leading zero
		w.Advance(30 * time.Second)
	}
	code := a.Code(0)
	arabic, wide := "", ""
	for _, d := range code {
		arabic += string('٠' + d - '0')
		wide += string('０' + d - '0')
	}
	var n int
	_, err := fmt.Sscanf(code, "%d", &n)
	w.Must(err)
	for _, body := range []any{
		m{"code": code[1:]}, m{"code": "+" + code[1:]}, m{"code": "0" + code}, m{"code": code + "0"},
		m{"code": "²³" + code[2:]}, m{"code": code[:3] + "." + code[3:]},
		m{"code": fmt.Sprintf("0x%x", n)}, m{"code": fmt.Sprintf("%de0", n)}, m{"code": code + "\x00"},
		m{"code": code + ","},
		m{"code": []string{code}},
		m{"code": strings.Repeat(" ", 100) + code}, m{"code": code[:5] + "O"},
	} {
		w.plantPending(a).Post("/tf-validate", body).Want(400).Refused(fmt.Sprint("spelling ", body))
		w.write(`DELETE FROM twofold_counters`) // the budget is another test's matter
	}
	for _, typed := range []string{arabic, wide, code + ".", code[:3] + "\u00a0" + code[3:], "\u200e" + code + "\r\n",
		code} {
		w.write(`UPDATE twofold_factors SET last_step = 0`) // so that the one code does for all spellings
		b := w.plantPending(a)
		b.validate(typed).Want(200)
		b.in(a, 2)
	}
}

// TestR028_TOTPStepAcceptedOnce checks that a step accepted in one place is spent everywhere, in
// every spelling.
func TestR028_TOTPStepAcceptedOnce(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	code := a.Next()
	session := w.plantPending(a)
	session.validate(code).Want(200)
	for _, again := range []string{code, code + " ", " " + code, code[:3] + " " + code[3:], code[:3] + "-" + code[3:],
		code + "\u200b"} {
		b := w.plantPending(a)
		b.validate(again).Want(400).Refused("used code as " + again)
		b.out("used code")
	}
	fresh := w.plantSession(a)
	fresh.Post("/verify", m{"password": secret}).Want(200)
	fresh.validate(code).Want(400).Refused("used code at re-authentication")
	r := fresh.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	fresh.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": code}).Want(400).Refused("used code for another secret")
	w.Advance(16 * time.Minute)

	present := a.Code(0)
	w.plantPending(a).validate(a.Code(0)).Want(200)
	w.plantPending(a).validate(a.Code(-1)).Want(400).Refused("the step before the accepted one")
	ahead := a.Code(1)
	w.plantPending(a).validate(ahead).Want(200)
	w.plantPending(a).validate(present).Want(400).Refused("the accepted step again")
	w.Advance(30 * time.Second)
	w.plantPending(a).validate(ahead).Want(400).Refused("the step taken ahead, now that it is here")
}

// TestR029_NarrowWindow checks that one step before and after is accepted, by the server's clock.
func TestR029_NarrowWindow(t *testing.T) {
	w := newWorld(t, plenty)
	for away, status := range map[int64]int{-3: 400, -2: 400, -1: 200, 0: 200, 1: 200, 2: 400, 3: 400} {
		for _, edge := range []time.Duration{0, 29*time.Second + 999*time.Millisecond} {
			name := strings.ReplaceAll(fmt.Sprintf("user%d%d", away+5, edge), "-", "x")
			p := w.person(name[:min(len(name), 20)]).enrollApp()
			w.Advance(2 * time.Minute)
			w.Advance(w.Now().Truncate(30 * time.Second).Add(30*time.Second + edge).Sub(w.Now()))
			b := w.plantPending(p)
			b.Post("/tf-validate?t="+fmt.Sprint(w.Now().Unix()+away*30), m{"code": p.Code(away)},
				"Date", w.Now().Add(time.Duration(away)*30*time.Second).Format(time.RFC1123)).Want(status)
		}
	}
	a := w.withApp("alice")
	for range 20 { // always one step late
		w.Advance(30 * time.Second)
		w.plantPending(a).validate(a.Code(-1)).Want(200)
	}
	w.Advance(2 * time.Minute)
	w.plantPending(a).validate(a.Code(-2)).Want(400).Refused("two steps late, after many that were one late")
}

// TestR030_EnrollmentCodeIsSpent checks that enrollment spends the code and its step.
func TestR030_EnrollmentCodeIsSpent(t *testing.T) {
	w := newWorld(t)
	a := w.person("alice")
	b := w.plantSession(a)
	r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	a.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	code := a.Code(0)
	b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": code}).Want(200)
	c := w.plantPending(a)
	c.validate(code).Want(400).Refused("enrollment code at sign-in")
	c.out("enrollment code at sign-in")
	c.validate(a.Next()).Want(200)
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
		s := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200).Text("tf_authr_b32key")
		if len(s) != 32 || seen[s] {
			t.Fatalf("secret %q is short or came twice", s)
		}
		seen[s] = true
		for _, c := range testkit.ReadApp(w.T, s) {
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
		if r := b.Post("/tf-setup",
			m{"setup": "authenticator", field: chosen}).Want(200); r.Text("tf_authr_b32key") == chosen {
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
	draft.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	for _, p := range []*person{a, v} {
		for _, c := range w.dump() {
			if bytes.Contains([]byte(c.Text), p.App) || strings.Contains(c.Hex, fmt.Sprintf("%x", p.App)) {
				t.Errorf("%s.%s holds %s's secret", c.Table, c.Column, p.Name)
			}
		}
	}
	for what, change := range map[string]string{
		"another user's secret": `UPDATE twofold_factors SET secret = (SELECT secret FROM twofold_factors WHERE user_id = '` + v.ID + `') WHERE user_id = '` + a.ID + `'`,
		"a flipped bit":         `UPDATE twofold_factors SET secret = CAST(substr(secret, 1, length(secret)-1) || x'5a' AS BLOB) WHERE user_id = '` + a.ID + `'`,
		"an empty secret":       `UPDATE twofold_factors SET secret = x'' WHERE user_id = '` + a.ID + `'`,
	} {
		own := a.Factors()[0].Secret
		w.write(change)
		w.Advance(time.Minute)
		b := w.plantPending(a)
		before := strings.Count(w.Log.String(), "factor cannot be verified")
		b.validate(v.Code(0)).Want(503).Refused(what)
		b.validate(a.Code(0)).Want(503).Refused(what + ", own code")
		b.validate(testkit.App(nil).At(w.Now().Unix() / 30)).Want(503).Refused(what + ", the empty secret's code")
		b.out(what)
		if strings.Count(w.Log.String(), "factor cannot be verified") == before {
			t.Errorf("%s: the operator is not told", what)
		}
		w.write(`UPDATE twofold_factors SET secret = ? WHERE user_id = ?`, own, a.ID)
		w.Advance(16 * time.Minute)
	}
	b := w.plantPending(a)
	b.validate(a.Next()).Want(200)
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
		w.Advance(16 * time.Minute)
		return w.plantPending(p).validate(p.Next())
	}
	before := string(a.Factors()[0].Secret)
	w.Restart(ring(map[string]string{"1": one, "2": two}))
	use(a).Want(200)
	if string(a.Factors()[0].Secret) == before {
		t.Error("the secret was used and is still sealed with the old key")
	}
	w.Restart(ring(map[string]string{"2": two}))
	use(a).Want(200)
	use(left).Want(503).Refused("the key of this secret is gone")
	if !strings.Contains(w.Log.String(), "not in the ring") {
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
	w.Restart(keys(one, two))
	w.plantPending(a).validate(a.Next()).Want(200)
	w.Restart(keys(two))
	b := w.plantPending(a)
	b.validate(a.Next()).Want(200)
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
		b.Header["X-Forwarded-For"] = fmt.Sprintf("10.0.0.%d", w.Now().Unix()%250)
		if code == a.Code(0) { // its network is known from then on
			b.Header["X-Forwarded-For"] = fmt.Sprintf("10.1.%d.%d", w.Now().Unix()%250, w.Now().Unix()%240)
		}
		b.Post("/tf-select", m{"which": "authenticator"}).Want(200)
		return b.validate(code)
	}
	for range 5 {
		guess(a.Wrong()).Want(400)
	}
	wrong, right := guess(a.Wrong()).Want(429), guess(a.Code(0)).Want(429)
	if wrong.Body != right.Body || right.Header.Get("Retry-After") == "" {
		t.Errorf("during the pause right and wrong differ:\n%s%s", wrong.Body, right.Body)
	}
	b := w.browser()
	b.login(a).Want(200) // a correct password changes nothing
	b.Post("/tf-select", m{"which": "email"}).Want(429)
	b.validate(a.Mailed()).Want(429).Refused("another factor during the pause")
	if len(happened[event.TFPaused](w)) == 0 {
		t.Error("no event says that the account's factors pause")
	}
	w.Advance(15*time.Minute + time.Second)
	guess(a.Code(0)).Want(200)
	for n := 0; n < 50; n += 5 {
		w.Advance(15*time.Minute + time.Second)
		for range 5 {
			guess(a.Wrong()).Want(400)
		}
	}
	w.Advance(15*time.Minute + time.Second)
	guess(a.Code(0)).Want(429).Refused("after fifty failures")
	w.Advance(365 * 24 * time.Hour)
	guess(a.Code(0)).Want(429).Refused("a year after fifty failures")
	b = w.plantPending(a)
	b.Post("/tf-select", m{"which": "email"}).Want(200)
	b.validate(a.Mailed()).Want(200)
	b.in(a, 2)
	r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	a.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": a.Code(0)}).Want(200)
	w.Advance(time.Minute)
	guess(a.Code(0)).Want(200)
}
