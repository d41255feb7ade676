package security_test

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/seal"
)

// everyFlow runs all flows that issue secrets and returns the valid ones by name.
func (w *world) everyFlow() (people []*person, living map[string]string) {
	w.T.Helper()
	living = map[string]string{}
	a := w.withApp("alice").enrollMail()
	s := w.person("susan").enrollSMS("+16505551212")
	b := w.browser()
	b.login(a, m{"remember": true}).Want(200)
	b.Post("/tf-select", m{"which": "authenticator"}).Want(200)
	r := b.Post("/tf-validate?include_auth_token", m{"code": a.Next()}).Want(200)
	living["session"], living["device"] = b.Jar["twofold"], b.Jar["tf_validity"]
	living["header token"] = r.JSON["user"].(m)["authentication_token"].(string)
	living["csrf"] = b.Jar["twofold-csrf"]
	p := w.browser()
	p.login(s).Want(200)
	living["pending"] = p.Jar["twofold-pending"]
	q := w.plantPending(a)
	q.Post("/tf-select", m{"which": "email"}).Want(200)
	q.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	d := b.Post("/tf-setup", m{"setup": "authenticator", "add": true}).Want(200)
	living["set-up token"] = d.Text("tf_state_token")
	living["stop token"] = s.stopToken()
	reg := w.browser()
	reg.Post("/register", m{"email": "new@good.test", "password": "chosen at registration 5",
		"password_confirm": "chosen at registration 5"}).Want(200)
	w.handedOut("password", "chosen at registration 5")
	w.browser().Post("/login", m{"email": "typed-wrongly-99@good.test", "password": "mistyped password 77"})
	w.handedOut("password of nobody", "mistyped password 77")
	w.handedOut("secret of the app", string(a.App))
	for _, cookie := range []string{living["device"], b.Jar[stayCookie]} {
		body, _, _ := strings.Cut(cookie, ".")
		if raw, ok := decode64(body); ok {
			if _, s, found := strings.Cut(raw, `"s":"`); found {
				w.handedOut("device secret", s[:43])
			}
		}
	}
	return []*person{a, s}, living
}

// TestR134_ADumpContainsNoKeys checks that the database and the log contain no issued value, and that
// no value in the database opens anything.
func TestR134_ADumpContainsNoKeys(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	_, living := w.everyFlow()
	dump := w.dump()
	known := w.known()
	if len(known) < 25 || len(dump) < 150 {
		t.Fatalf("%d secrets, %d cells: this test looks in the wrong place", len(known), len(dump))
	}
	log := w.Log.String()
	for value, what := range known {
		inHex := hex.EncodeToString([]byte(value))
		code := len(value) == 6
		for _, c := range dump {
			if code && (c.Text == value || strings.Contains(c.Text, " "+value)) ||
				!code && (strings.Contains(c.Text, value) || strings.Contains(c.Hex, inHex)) {
				t.Errorf("%s.%s holds a %s", c.Table, c.Column, what)
			}
		}
		if !code && strings.Contains(log, value) || code && hasWord(log, value) {
			t.Errorf("the log holds a %s", what)
		}
	}
	for _, c := range dump {
		if c.Column == "password_hash" && c.Text != "" && !strings.HasPrefix(c.Text, "$argon2id$") {
			t.Errorf("password hash %q", c.Text)
		}
	}
	tried := map[string]bool{}
	for _, c := range dump {
		if len(c.Text) < 20 || tried[c.Text] ||
			strings.ContainsFunc(c.Text, func(r rune) bool { return r <= ' ' || r > '~' || r == ';' || r == '"' }) {
			continue // a cookie cannot even say it
		}
		tried[c.Text] = true
		for _, name := range []string{"twofold", "twofold-pending", "tf_validity"} {
			b := w.browser()
			b.Jar[name] = c.Text
			b.Header["Authentication-Token"] = ""
			if r := b.Get("/app/user"); r.Status != 401 {
				t.Errorf("%s.%s as cookie %s: status %d", c.Table, c.Column, name, r.Status)
			}
			if name == "twofold-pending" {
				b.Get("/tf-validate").Want(400)
			}
		}
		h := w.browser()
		h.Header["Authentication-Token"] = c.Text
		h.Get("/app/user").Want(401)
	}
	if len(tried) < 20 {
		t.Errorf("only %d stored values were tried", len(tried))
	}
	b := w.browser()
	b.Jar["twofold"] = living["session"]
	b.Get("/app/user").Want(200)
}

// TestR135_NothingParkedBetweenTheSteps checks that the password is not stored while the sign-in
// waits for the code.
func TestR135_NothingParkedBetweenTheSteps(t *testing.T) {
	w := newWorld(t)
	a := w.withApp("alice")
	b := w.browser()
	b.login(a, m{"remember": true}).Want(200)
	page := b.Page("/tf-validate").Want(200).Body
	haystack := page
	for _, c := range w.dump() {
		haystack += "\n" + c.Text + "\n" + c.Hex
	}
	for name, v := range b.Jar {
		haystack += "\n" + name + "=" + v
		if raw, ok := decode64(v); ok {
			haystack += "\n" + raw
		}
	}
	for _, needle := range []string{secret, url.QueryEscape(secret), hex.EncodeToString([]byte(secret)),
		encode64(secret), seal.HashToken(secret)} {
		if strings.Contains(haystack, needle) {
			t.Errorf("%q is kept between the steps", needle)
		}
	}
	if strings.Contains(page, `type="password"`) || strings.Contains(page, a.Email) {
		t.Error("the page for the code carries credentials")
	}
}

// TestR136_TokensAreTyped tries each token at every place, in every similar spelling. Only its own
// place accepts it.
func TestR136_TokensAreTyped(t *testing.T) {
	w := newWorld(t, plenty)
	people, living := w.everyFlow()
	a := people[0]
	places := map[string]func(v string) bool{
		"session": func(v string) bool {
			b := w.browser()
			b.Jar["twofold"] = v
			return b.Get("/app/user").Status == 200
		},
		"header token": func(v string) bool {
			b := w.browser()
			b.Header["Authentication-Token"] = v
			return b.Get("/app/user").Status == 200
		},
		"pending": func(v string) bool {
			b := w.browser()
			b.Jar["twofold-pending"] = v
			return b.Get("/tf-validate").Status == 200
		},
		"set-up token": func(v string) bool {
			b := w.browser()
			b.Jar["twofold"] = living["session"]
			r := b.Post("/tf-setup/"+url.PathEscape(v), m{"code": "000000"})
			return strings.Contains(r.Body, "Invalid code")
		},
		"stop token": func(v string) bool { return w.browser().Page("/tf-not-me/"+url.PathEscape(v)).Status == 200 },
		"device": func(v string) bool {
			b := w.browser()
			b.Jar["tf_validity"] = v
			return b.login(a).JSON["tf_required"] == false
		},
	}
	variants := func(v string) map[string]string {
		return map[string]string{
			"prefix": v[:len(v)-1], "longer": v + "A", "upper": strings.ToUpper(v),
			"encoded": "%" + fmt.Sprintf("%02X", v[0]) + v[1:],
			"padded":  v + "=", "hash": seal.HashToken(v),
		}
	}
	for name, v := range living {
		for place, takes := range places {
			if place == "device" && name != "session" {
				continue // each costs a password; one wrong type stands for all
			}
			if got := takes(v); got != (name == place) {
				t.Errorf("%s as %s: taken is %v", name, place, got)
			}
		}
		takes, ok := places[name]
		if !ok || name == "device" {
			continue
		}
		for what, odd := range variants(v) {
			if takes(odd) {
				t.Errorf("%s, %s, is taken", name, what)
			}
		}
		w.Advance(16 * time.Minute / 16)
	}
	if !places["device"](living["device"]) {
		t.Error("the device's own cookie is not taken: this test looks in the wrong place")
	}
}
