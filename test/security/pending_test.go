package security_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// paths returns all paths of the sign-in and of the application behind it.
func paths() []string {
	return []string{
		"/login", "/logout", "/register", "/verify", "/tf-setup", "/tf-setup/x", "/tf-validate", "/tf-select",
		"/tf-rescue",
		"/tf-resend", "/tf-not-me/x", "/me", "/app/user", "/app/two",
	}
}

// TestR010_PendingReachesNothing requests every path with every method during a sign-in that has
// proven only the password.
func TestR010_PendingReachesNothing(t *testing.T) {
	w := newWorld(t)
	a := w.withApp("alice").enrollSMS("+16505551212")
	real := w.browser()
	real.login(a).want(200)
	real.out("with the password only")
	for _, path := range paths() {
		for _, suffix := range []string{"", "/"} {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
				for _, accept := range []string{typeJSON, "text/html", "text/event-stream"} {
					b := real.copy()
					if method == "POST" {
						b = w.plantPending(a)
					}
					r := b.do(method, path+suffix, typeForm, "", "Accept", accept, "Connection", "Upgrade", "Upgrade",
						"websocket")
					r.refusedPage(method + " " + path + suffix)
					if strings.Contains(r.body, "signed in as") || strings.Contains(r.body, a.email) ||
						strings.Contains(r.body, a.phone) {
						t.Errorf("%s %s%s as %s shows the person's data", method, path, suffix, accept)
					}
					if b.jar["twofold"] != "" {
						b.out(method + " " + path)
					}
				}
			}
		}
	}
	for _, path := range []string{"/app/user", "/app/two", "/me"} {
		real.get(path).want(401)
		real.do("HEAD", path, "", "", "Accept", typeJSON).want(401)
		real.page(path).want(303)
	}
	last := w.plantPending(a)
	last.post("/tf-select", m{"which": "authenticator"}).want(200)
	last.validate(a.next()).want(200)
	last.in(a, 2)
}

// refusedPage is like refused, for requests that may be answered by a page.
func (a *answer) refusedPage(why string) {
	a.w.t.Helper()
	for _, name := range []string{"twofold", "__Host-twofold", "tf_validity"} {
		if a.cookie(name) != "" {
			a.w.t.Errorf("%s: got cookie %s", why, name)
		}
	}
	if a.status >= 500 && a.status != 503 {
		a.w.t.Errorf("%s: status %d", why, a.status)
	}
}

// presentEverywhere sends a value in every place where it might be accepted as proof.
func (w *world) presentEverywhere(what, value string) {
	w.t.Helper()
	for _, name := range []string{"twofold", "twofold-pending", "tf_validity", "remember_token", "session",
		"__Host-twofold"} {
		b := w.browser()
		b.jar[name] = value
		b.out(what + " as cookie " + name)
	}
	for name, line := range map[string]string{
		"Authorization": "Bearer " + value, "Authentication-Token": value, "X-Auth-Token": value, "X-Session": value,
	} {
		b := w.browser()
		b.header[name] = line
		b.out(what + " as " + name)
	}
	b := w.browser()
	b.header["Authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte("alice@good.test:"+value))
	b.out(what + " as Basic password")
	for _, q := range []string{"token", "auth_token", "session", "twofold"} {
		if r := w.browser().get("/app/user?" + q + "=" + value); r.status != 401 {
			w.t.Errorf("%s as ?%s=: status %d", what, q, r.status)
		}
	}
}

// TestR011_PendingIsNoSession checks that no value issued after the first factor is accepted as a
// session anywhere, also after a restart.
func TestR011_PendingIsNoSession(t *testing.T) {
	w := newWorld(t, remembering)
	a := w.withApp("alice")
	b := w.browser()
	r := b.post("/login?include_auth_token", m{"email": a.email, "password": secret, "remember": true}).want(200)
	values := map[string]string{}
	for name, v := range b.jar {
		values["cookie "+name] = v
	}
	for name, v := range r.json {
		if s, ok := v.(string); ok {
			values["field "+name] = s
		}
	}
	if len(values) < 3 {
		t.Fatalf("step one handed out %v: this test looks in the wrong place", values)
	}
	for name, v := range values {
		w.presentEverywhere(name, v)
	}
	b.on(w.restart()).out("after a restart")
	for name, v := range values {
		w.presentEverywhere(name+" after a restart", v)
	}
	b.validate(a.next()).want(200)
	b.in(a, 2)
	w.presentEverywhere("spent pending", values["cookie twofold-pending"])
}

// TestR012_StepOneHandsOutNothingDurable also covers requests for "remember me" and for a header
// token.
func TestR012_StepOneHandsOutNothingDurable(t *testing.T) {
	w := newWorld(t, remembering)
	a, s := w.withApp("alice"), w.person("susan").enrollSMS("+16505551212")
	several := w.withApp("carol").enrollMail()
	for _, p := range []*person{a, s, several} {
		b := w.browser()
		r := b.post("/login?include_auth_token", m{"email": p.email, "password": secret, "remember": true}).want(200)
		for name := range b.jar {
			if name != "twofold-pending" && name != "twofold-csrf" {
				t.Errorf("%s: got cookie %s", p.name, name)
			}
		}
		allowed := []string{"csrf_token", "tf_required", "tf_state", "tf_method", "tf_primary_method", "tf_select",
			"tf_setup_methods", "tf_factors", "tf_pending_token"}
		for key := range r.json {
			if !slices.Contains(allowed, key) {
				t.Errorf("%s: step one tells %q", p.name, key)
			}
		}
		if strings.Contains(r.body, p.email) || p.phone != "" && strings.Contains(r.body, p.phone) {
			t.Errorf("%s: step one tells the whole destination: %s", p.name, r.body)
		}
		b.out(p.name)
	}
	b := w.plantPending(s)
	if page := b.page("/tf-validate").want(200).body; strings.Contains(page, s.phone) || !strings.Contains(page, "12") {
		t.Error("the page for the code shows more than the last two digits of the phone number")
	}
	b = w.plantPending(several)
	if page := b.page("/tf-select").want(200).body; strings.Contains(page, several.email) ||
		!strings.Contains(page, "c***@good.test") {
		t.Error("the page of choices shows more than the first letter of the address")
	}
	trusting := w.browser()
	if r := trusting.login(a, m{"trust": true}).want(200); r.json["tf_required"] != true ||
		trusting.jar["tf_validity"] != "" {
		t.Error("trust at step one")
	}
}

// TestR013_NewIDAtEveryStep checks that values issued before a step are invalid after it, and that
// values set by an attacker never become a session.
func TestR013_NewIDAtEveryStep(t *testing.T) {
	w := newWorld(t, remembering)
	a := w.withApp("alice")
	b := w.browser()
	for _, name := range []string{"twofold", "twofold-pending", "tf_validity", "remember_token"} {
		b.jar[name] = seal.Token()
	}
	attacker := b.copy()
	var ids []string
	step := func(name, cookie string) {
		t.Helper()
		if slices.Contains(ids, b.jar[cookie]) || b.jar[cookie] == "" || b.jar[cookie] == attacker.jar[cookie] {
			t.Errorf("%s: cookie %s is not new", name, cookie)
		}
		for _, old := range ids {
			if old == b.jar["twofold"] {
				continue // the present session lives until its re-authentication is done
			}
			w.advance(11 * time.Second) // a browser that repeats its answer at once gets the same session
			c := w.browser()
			c.jar["twofold"], c.jar["twofold-pending"] = old, old
			c.out(name + ": an earlier id")
			c.validate(a.code(0)).refused(name + ": an earlier id")
		}
		ids = append(ids, b.jar[cookie])
	}
	b.login(a).want(200)
	step("first factor", "twofold-pending")
	b.validate(a.next()).want(200)
	step("second factor", "twofold")
	b.in(a, 2)
	b.post("/verify", m{"password": secret}).want(200)
	step("first factor of re-authentication", "twofold-pending")
	b.validate(a.next()).want(200)
	step("re-authentication", "twofold")
	r := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	a.app = decode(w, r.text("tf_authr_b32key"))
	b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": a.code(0)}).want(200)
	step("change of factor", "twofold")
	b.in(a, 2)
	b.post("/tf-setup", m{"setup": "disable"}).want(200)
	step("end of factors", "twofold")
	attacker.out("planted before the sign-in")
	attacker.validate(a.next()).refused("planted pending")
}

// TestR014_PendingIsOneUsers checks that a request cannot choose the user.
func TestR014_PendingIsOneUsers(t *testing.T) {
	w := newWorld(t, plenty)
	a, v := w.withApp("alice"), w.withApp("victor")
	b := w.plantPending(a)
	w.advance(time.Minute)
	for _, field := range []string{"user_id", "email", "username", "identity", "uid", "fs_uniquifier"} {
		b.post("/tf-validate", m{"code": v.code(0), field: v.email}).want(400).refused("with " + field)
	}
	b.post("/tf-validate?user_id="+v.id+"&email="+v.email, m{"code": v.code(0)}).want(400).refused("in the query")
	b.post("/tf-validate", m{"code": v.code(0)}, "X-User-Id", v.id, "X-Forwarded-User", v.email, "Remote-User",
		v.email).want(400)
	b.out("with another's code")
	b.validate(a.next()).want(200)
	b.in(a, 2)
}

// TestR015_TwoSignInsInOneBrowser checks that the second sign-in counts, and that codes of the
// first are not valid for it.
func TestR015_TwoSignInsInOneBrowser(t *testing.T) {
	w := newWorld(t)
	a, v := w.withApp("alice"), w.withApp("victor")
	b := w.browser()
	b.login(a).want(200)
	b.login(v).want(200)
	w.advance(30 * time.Second)
	b.validate(a.code(0)).want(400).refused("the first one's code")
	b.out("the first one's code")
	b.validate(v.code(0)).want(200)
	b.in(v, 2)

	e := w.person("erika").enrollMail()
	tab := w.browser()
	tab.login(e).want(200)
	first, old := e.mailed(), tab.copy()
	tab.login(e).want(200)
	second := e.mailed()
	tab.validate(first).want(400).refused("the other tab's code")
	old.validate(second).want(400).refused("the newer code in the older sign-in")
	tab.validate(second).want(200)
	tab.in(e, 2)
}

// TestR015_ANewSignInReplacesTheFormer checks that a new sign-in ends a pending one in the same
// browser, even if its cookie was kept.
func TestR015_ANewSignInReplacesTheFormer(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice")
	b := w.plantPending(p)
	former := b.copy()
	b.login(p).want(200)
	former.validate(p.next()).want(400).refused("the former sign-in")
	former.out("the former sign-in")
	b.validate(p.next()).want(200)
	b.in(p, 2)
}

// TestR016_SignedInAsOnePendingAsAnother checks that a session and a pending sign-in of another
// user do not count for each other.
func TestR016_SignedInAsOnePendingAsAnother(t *testing.T) {
	w := newWorld(t)
	a, v := w.withApp("alice"), w.withApp("victor")
	mixed := func() *browser {
		b := w.plantSession(a)
		b.jar["twofold-pending"] = w.plantPending(v).jar["twofold-pending"]
		return b
	}
	before := w.factorsOf(v)
	b := mixed()
	b.login(v).want(400).refused("sign-in of another while signed in")
	w.advance(time.Minute)
	for _, code := range []string{a.code(0), v.code(0)} {
		b := mixed()
		b.validate(code).want(400).refused("code in the mixed browser")
		if user, _ := b.sees(); strings.Contains(user, v.email) {
			t.Errorf("the session became %s", user)
		}
	}
	w.advance(16 * time.Minute)
	b = mixed()
	w.advance(15*time.Minute + time.Second) // the session is stale, the other's sign-in over
	b.post("/tf-setup", m{"setup": "disable"}).want(401).refused("stale session with another's sign-in")
	b = mixed()
	b.post("/tf-setup", m{"setup": "disable"}).want(200)
	if len(a.factors()) != 0 || w.factorsOf(v) != before {
		t.Errorf("disable acted on the wrong account: %d factors left of her own", len(a.factors()))
	}
}

// factorsOf returns all stored data of a person's factors.
func (w *world) factorsOf(p *person) string {
	w.t.Helper()
	return fmt.Sprintf("%+v", p.factors())
}

// TestR018_NoChangeWhilePending checks that a caller with only the password cannot change anything
// in the account.
func TestR018_NoChangeWhilePending(t *testing.T) {
	w := newWorld(t)
	a := w.withApp("alice")
	before, sent := w.rows("users", "factors", "drafts", "devices", "sessions"), w.mails()
	for _, setup := range []string{"authenticator", "sms", "email", "disable", "webauthn", ""} {
		fields := m{"setup": setup, "phone": "+16505551212", "add": true}
		w.plantPending(a).post("/tf-setup", fields).want(400).refused("set-up " + setup)
		w.plantPending(a).form("/tf-setup", "setup", setup, "phone", "+16505551212").refusedPage("set-up form " + setup)
	}
	w.plantPending(a).get("/tf-setup").want(400).refused("reading the set-up")
	w.plantPending(a).post("/tf-setup/x", m{"code": a.code(0)}).want(401).refused("confirming a set-up")
	w.plantPending(a).post("/verify", m{"password": secret}).want(401).refused("re-authentication")
	if w.mails() != sent || w.texts() != 0 {
		t.Errorf("a set-up of the pending sign-in sent %v %v", w.mail.All(), w.sms.All())
	}
	if after := w.rows("users", "factors", "drafts", "devices", "sessions"); after != before {
		t.Errorf("rows changed:\n%s\nwas\n%s", after, before)
	}
	b := w.plantPending(a)
	b.validate(a.next()).want(200)
	b.in(a, 2)
}

// TestR020_LevelComesFromTheFactors checks that an account with a second factor requires it, even
// if its method has since been disabled or has no sender.
func TestR020_LevelComesFromTheFactors(t *testing.T) {
	w := newWorld(t)
	people := []*person{w.withApp("alice"), w.person("susan").enrollSMS("+16505551212"), w.person("erika").enrollMail(),
		w.withApp("carol").enrollMail()}
	for _, p := range people {
		b := w.browser()
		if r := b.login(p); r.status != 200 || r.json["tf_required"] != true {
			t.Errorf("%s: not asked for the second factor: %s", p.name, r.body)
		}
		b.out(p.name + " with the password")
	}
	w.restart(func(c *twofold.Config) {
		c.TwoFactor.EnabledMethods, c.TwoFactor.Required = []string{storage.Email}, false
		c.SMS = nil
	})
	for _, p := range people {
		b := w.browser()
		b.login(p)
		b.out(p.name + " after the policy changed")
		b.post("/tf-setup", m{"setup": "email"}).refused("set-up in place of a method that is switched off")
	}
	alone := w.browser()
	w.advance(time.Minute)
	alone.validate(people[0].code(0)).want(400).refused("second factor alone")
	alone.out("second factor alone")
}
