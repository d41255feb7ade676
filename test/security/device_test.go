package security_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/testkit"
)

// trusted signs p in, trusts the browser, and returns a browser with the device cookie only.
func (w *world) trusted(p *person) *browser {
	w.T.Helper()
	b := w.browser()
	b.login(p, m{"remember": true}).Want(200)
	if b.Jar["tf_validity"] != "" {
		w.T.Error("the device is trusted before the second factor")
	}
	b.validate(p.Next()).Want(200)
	if b.Jar["tf_validity"] == "" {
		w.T.Fatal("no device cookie")
	}
	return b.only("tf_validity")
}

// asked checks that the second factor is required.
func (b *browser) asked(p *person, why string) {
	b.w.T.Helper()
	if r := b.login(p); r.Status != 200 || r.JSON["tf_required"] != true || b.Jar["twofold"] != "" {
		b.w.T.Errorf("%s: status %d, %s", why, r.Status, r.Body)
	}
	b.out(why)
}

// TestR078_DeviceCookieCannotBeForged covers the cookie tf_validity, the name in the wire contract
// (with the prefix __Host- over https). The cookie is SameSite Strict and signed, and the server
// has a record of it.
func TestR078_DeviceCookieCannotBeForged(t *testing.T) {
	w := newWorld(t, plenty)
	a, v := w.withApp("alice"), w.withApp("victor")
	cookie := w.trusted(a).Jar["tf_validity"]
	body, sig, _ := strings.Cut(cookie, ".")
	payload, err := base64.RawURLEncoding.DecodeString(body)
	w.Must(err)
	var forged []string
	for i := 0; i < len(cookie); i += 23 {
		forged = append(forged, cookie[:i]+string(cookie[i]^1)+cookie[i+1:])
	}
	u, err := w.Nodes[0].Store.UserByID(t.Context(), v.ID)
	w.Must(err)
	mine, err := w.Nodes[0].Store.UserByID(t.Context(), a.ID)
	w.Must(err)
	his := strings.ReplaceAll(string(payload), mine.CredentialVersion, u.CredentialVersion)
	enc := base64.RawURLEncoding.EncodeToString
	none := enc([]byte(`{"alg":"none"}`))
	forged = append(forged, cookie[:len(cookie)-1], cookie+"A", strings.ToUpper(cookie), enc([]byte(his))+"."+sig,
		none+"."+body+".", body+".", "."+sig,
		enc(payload)+"."+enc(make([]byte, 32)))
	for i, c := range forged {
		if c == cookie {
			continue
		}
		b := w.browser()
		b.Jar["tf_validity"] = c
		b.Post("/login", m{"email": a.Email, "password": "x"}) // costs a guess, proves nothing
		w.write(`DELETE FROM twofold_counters`)
		if i%4 == 0 {
			b.asked(a, fmt.Sprintf("forged %d", i))
		}
	}
	for _, c := range []string{forged[len(forged)-8], forged[len(forged)-5]} {
		b := w.browser()
		b.Jar["tf_validity"] = c
		b.asked(a, "cut or rewritten")
		b.only("tf_validity").asked(v, "rewritten to another user")
	}
	secretPart := payload[strings.Index(string(payload), `"s":"`)+5:][:43]
	for _, cell := range w.dump() {
		if strings.Contains(cell.Text, string(secretPart)) || strings.Contains(cell.Text, sig) {
			t.Errorf("%s.%s holds the device's secret", cell.Table, cell.Column)
		}
	}
	if strings.Contains(w.replies.String(), `"`+cookie) {
		t.Error("the cookie's value is in a reply's body")
	}
	if line := w.cookies["tf_validity"][0]; !strings.Contains(line, "HttpOnly") ||
		!strings.Contains(line, "SameSite=Strict") || !strings.Contains(line, "Path=/") {
		t.Errorf("attributes: %s", line)
	}
	b := w.browser()
	b.Jar["tf_validity"] = cookie
	if r := b.login(a).Want(200); r.JSON["tf_required"] != false {
		t.Errorf("the real cookie does not skip: %s", r.Body)
	}
}

// TestR079_TrustOnlyAfterASecondFactor checks that a browser is trusted only if the user proved the
// second factor and asked for trust.
func TestR079_TrustOnlyAfterASecondFactor(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	b := w.browser()
	r := b.login(a, m{"remember": true}).Want(200)
	if r.Cookie("tf_validity") != "" {
		t.Error("trusted after the password")
	}
	if b.validate(a.Wrong()).Want(400).Cookie("tf_validity") != "" {
		t.Error("trusted after a wrong code")
	}
	b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	if b.validate(a.Mailed()).Want(200).Cookie("tf_validity") != "" {
		t.Error("trusted after a rescue")
	}
	b.in(a, 2)
	plain := w.browser()
	plain.login(a).Want(200)
	if plain.validate(a.Next()).Want(200).Cookie("tf_validity") != "" {
		t.Error("trusted without having asked")
	}
	n := w.person("newcomer")
	fresh := w.browser()
	fresh.login(n, m{"remember": true}).Want(200)
	if fresh.Jar["tf_validity"] != "" {
		t.Error("trusted without a second factor")
	}
	s := fresh.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	n.App = testkit.ReadApp(w.T, s.Text("tf_authr_b32key"))
	if fresh.Post("/tf-setup/"+s.Text("tf_state_token"), m{"code": n.Code(0)}).Want(200).Cookie("tf_validity") != "" {
		t.Error("trusted by a set-up without a sign-in")
	}
	if w.count("devices") != 0 {
		t.Error("a device was stored")
	}
	w.trusted(a)
	device := w.trusted(a)
	device.login(a, m{"remember": true}).Want(200)
	if n := w.count("devices"); n != 2 {
		t.Errorf("%d devices, want 2: a trusted sign-in made another one", n)
	}
}

// TestR080_ADeviceBelongsToOneAccount cookie.
func TestR080_ADeviceBelongsToOneAccount(t *testing.T) {
	w := newWorld(t, plenty)
	a, v := w.withApp("alice"), w.withApp("victor")
	b := w.trusted(a)
	thief := b.copy()
	thief.asked(v, "another's device")
	w.write(`UPDATE twofold_devices SET user_id = ?`, v.ID)
	b.copy().asked(v, "the record was moved to another user")
	w.write(`UPDATE twofold_devices SET user_id = ?`, a.ID)
	if r := b.login(a).Want(200); r.JSON["tf_required"] != false {
		t.Error("the own device is gone after another's sign-in")
	}
}

// TestR081_DeviceSkipsTheSecondFactorOnly.
func TestR081_DeviceSkipsTheSecondFactorOnly(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	b := w.trusted(a)
	b.out("the device alone")
	b.validate(a.Next()).Refused("device and code without a password")
	b.Post("/login", m{"email": a.Email, "password": "wrong password"}).Want(400).Refused("wrong password")
	b.out("wrong password")
	b.login(a).Want(200)
	user, two := b.sees()
	want := a.Email + " level 1 trusted true"
	if user != want || two != want {
		t.Errorf("signed in as (%q, %q), want %q", user, two, want)
	}
	for _, c := range []m{{"setup": "disable"}, {"setup": "authenticator"}, {"setup": "email", "add": true}} {
		b.Post("/tf-setup", c).Want(401).Refused("security change by a trusted device")
	}
	b.Get("/tf-setup").Want(401)
	if s := w.plantSession(a); len(a.Factors()) != 1 || s == nil {
		t.Error("the factor is gone")
	}
}

// TestR082_DeviceLifeIsAbsolute checks that trust ends thirty days after the proof, however often
// the device is used and whatever the browser sends.
func TestR082_DeviceLifeIsAbsolute(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	b := w.trusted(a)
	w.Advance(29*24*time.Hour + 23*time.Hour)
	if r := b.login(a).Want(200); r.JSON["tf_required"] != false {
		t.Error("asked an hour before the end")
	}
	w.Advance(time.Hour + time.Second)
	b.only("tf_validity").asked(a, "after thirty days")
	w.Advance(-2 * time.Hour)
	w.write(`UPDATE twofold_sessions SET ends_at = 0`)
}

// TestR084_DeviceRotates checks that each use issues a new value, and that reuse of an old value
// revokes the device. The sign-in with the old value requires the second factor. Sessions that an
// attacker opened earlier are not found.
func TestR084_DeviceRotates(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	owner := w.trusted(a)
	thief := owner.copy()
	old := owner.Jar["tf_validity"]
	owner.login(a).Want(200)
	if owner.Jar["tf_validity"] == old {
		t.Error("the cookie is the same after its use")
	}
	w.Advance(11 * time.Second)
	thief.asked(a, "a copy of the retired cookie")
	owner.only("tf_validity").asked(a, "the owner's after a theft was seen")
	if w.count("devices") != 0 {
		t.Error("the device is still there")
	}
	for range 5 {
		b := w.trusted(a)
		before := w.count("devices")
		tabs := []*browser{b.copy(), b.copy()}
		testkit.Par(2, func(i int) { tabs[i].login(a).Want(200) })
		for _, tab := range tabs {
			if user, _ := tab.sees(); !strings.Contains(user, "trusted true") {
				t.Errorf("two sign-ins at once: one was asked (%q)", user)
			}
		}
		if n := w.count("devices"); n != before {
			t.Errorf("%d devices after two sign-ins at once, want %d", n, before)
		}
		w.Advance(time.Minute)
	}
}

// TestR085_MalformedDeviceCookies checks that invalid device cookies are ignored and cost the user
// nothing.
func TestR085_MalformedDeviceCookies(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	b := w.trusted(a)
	good := b.Jar["tf_validity"]
	counters := func() string { return w.rows("counters") }
	before := counters()
	for name, header := range map[string]string{
		"twice":        "tf_validity=" + good + "; tf_validity=" + good[:len(good)-1],
		"with another": "tf_validity=x; tf_validity=" + good,
		"oversized":    "tf_validity=" + good + strings.Repeat("A", 6000), "not UTF-8": "tf_validity=\xff\xfe" + good,
		"quoted": `tf_validity="` + good[:20] + `"`,
		"empty":  "tf_validity=", "a name in another case": "TF_VALIDITY=" + good,
	} {
		odd := w.browser()
		odd.Header["Cookie"] = header
		if r := odd.login(a); r.Status != 200 || r.JSON["tf_required"] != true {
			t.Errorf("%s: status %d: %s", name, r.Status, r.Body)
		}
	}
	w.write(`UPDATE twofold_devices SET expires_at = 1`)
	b.asked(a, "expired record")
	if counters() != before {
		t.Error("odd cookies cost the user guesses")
	}
}
