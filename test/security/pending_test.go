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
	"github.com/twofold-auth/twofold/internal/testkit"
)

// paths returns all paths of the sign-in and of the application behind it.
func paths() []string {
	return []string{
		"/login", "/logout", "/register", "/verify", "/tf-setup", "/tf-setup/x", "/tf-validate", "/tf-select",
		"/tf-rescue",
		"/tf-resend", "/tf-not-me/x", "/me", "/app/user", "/app/two",
	}
}

// TestR010_APendingSignInReachesNothing requests every path with every method during a sign-in that has
// proven only the password.
func TestR010_APendingSignInReachesNothing(t *testing.T) {
	w := newWorld(t)
	a := w.withApp("alice").enrollSMS("+16505551212")
	real := w.browser()
	real.login(a).Want(200)
	real.out("with the password only")
	for _, path := range paths() {
		for _, suffix := range []string{"", "/"} {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
				for _, accept := range []string{testkit.TypeJSON, "text/html", "text/event-stream"} {
					b := real.copy()
					if method == "POST" {
						b = w.plantPending(a)
					}
					r := b.Do(method, path+suffix, testkit.TypeForm, "", "Accept", accept, "Connection", "Upgrade",
						"Upgrade", "websocket")
					refusedPage(r, method+" "+path+suffix)
					if strings.Contains(r.Body, "signed in as") || strings.Contains(r.Body, a.Email) ||
						strings.Contains(r.Body, a.Phone) {
						t.Errorf("%s %s%s as %s shows the person's data", method, path, suffix, accept)
					}
					if b.Jar["twofold"] != "" {
						b.out(method + " " + path)
					}
				}
			}
		}
	}
	for _, path := range []string{"/app/user", "/app/two", "/me"} {
		real.Get(path).Want(401)
		real.Do("HEAD", path, "", "", "Accept", testkit.TypeJSON).Want(401)
		real.Page(path).Want(303)
	}
	last := w.plantPending(a)
	last.Post("/tf-select", m{"which": "authenticator"}).Want(200)
	last.validate(a.Next()).Want(200)
	last.in(a, 2)
}

// refusedPage is like refused, for requests that may be answered by a page.
func refusedPage(a *answer, why string) {
	a.T.Helper()
	for _, name := range []string{"twofold", "__Host-twofold", "tf_validity"} {
		if a.Cookie(name) != "" {
			a.T.Errorf("%s: got cookie %s", why, name)
		}
	}
	if a.Status >= 500 && a.Status != 503 {
		a.T.Errorf("%s: status %d", why, a.Status)
	}
}

// presentEverywhere sends a value in every place where it might be accepted as proof.
func (w *world) presentEverywhere(what, value string) {
	w.T.Helper()
	for _, name := range []string{"twofold", "twofold-pending", "tf_validity", "remember_token", "session",
		"__Host-twofold"} {
		b := w.browser()
		b.Jar[name] = value
		b.out(what + " as cookie " + name)
	}
	for name, line := range map[string]string{
		"Authorization": "Bearer " + value, "Authentication-Token": value, "X-Auth-Token": value, "X-Session": value,
	} {
		b := w.browser()
		b.Header[name] = line
		b.out(what + " as " + name)
	}
	b := w.browser()
	b.Header["Authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte("alice@good.test:"+value))
	b.out(what + " as Basic password")
	for _, q := range []string{"token", "auth_token", "session", "twofold"} {
		if r := w.browser().Get("/app/user?" + q + "=" + value); r.Status != 401 {
			w.T.Errorf("%s as ?%s=: status %d", what, q, r.Status)
		}
	}
}

// TestR011_APendingSignInIsNotASession checks that no value issued after the first factor is accepted as a
// session anywhere, also after a restart.
func TestR011_APendingSignInIsNotASession(t *testing.T) {
	w := newWorld(t, remembering)
	a := w.withApp("alice")
	b := w.browser()
	r := b.Post("/login?include_auth_token", m{"email": a.Email, "password": secret, "remember": true}).Want(200)
	values := map[string]string{}
	for name, v := range b.Jar {
		values["cookie "+name] = v
	}
	for name, v := range r.JSON {
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
	b.on(w.Restart()).out("after a restart")
	for name, v := range values {
		w.presentEverywhere(name+" after a restart", v)
	}
	b.validate(a.Next()).Want(200)
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
		r := b.Post("/login?include_auth_token", m{"email": p.Email, "password": secret, "remember": true}).Want(200)
		for name := range b.Jar {
			if name != "twofold-pending" && name != "twofold-csrf" {
				t.Errorf("%s: got cookie %s", p.Name, name)
			}
		}
		allowed := []string{"csrf_token", "tf_required", "tf_state", "tf_method", "tf_primary_method", "tf_select",
			"tf_setup_methods", "tf_factors", "tf_pending_token"}
		for key := range r.JSON {
			if !slices.Contains(allowed, key) {
				t.Errorf("%s: step one tells %q", p.Name, key)
			}
		}
		if strings.Contains(r.Body, p.Email) || p.Phone != "" && strings.Contains(r.Body, p.Phone) {
			t.Errorf("%s: step one tells the whole destination: %s", p.Name, r.Body)
		}
		b.out(p.Name)
	}
	b := w.plantPending(s)
	if page := b.Page("/tf-validate").Want(200).Body; strings.Contains(page, s.Phone) || !strings.Contains(page, "12") {
		t.Error("the page for the code shows more than the last two digits of the phone number")
	}
	b = w.plantPending(several)
	if page := b.Page("/tf-select").Want(200).Body; strings.Contains(page, several.Email) ||
		!strings.Contains(page, "c***@good.test") {
		t.Error("the page of choices shows more than the first letter of the address")
	}
	trusting := w.browser()
	if r := trusting.login(a, m{"trust": true}).Want(200); r.JSON["tf_required"] != true ||
		trusting.Jar["tf_validity"] != "" {
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
		b.Jar[name] = seal.Token()
	}
	attacker := b.copy()
	var ids []string
	step := func(name, cookie string) {
		t.Helper()
		if slices.Contains(ids, b.Jar[cookie]) || b.Jar[cookie] == "" || b.Jar[cookie] == attacker.Jar[cookie] {
			t.Errorf("%s: cookie %s is not new", name, cookie)
		}
		for _, old := range ids {
			if old == b.Jar["twofold"] {
				continue // the current session is valid until its re-authentication is done
			}
			w.Advance(11 * time.Second) // a browser that repeats its answer at once gets the same session
			c := w.browser()
			c.Jar["twofold"], c.Jar["twofold-pending"] = old, old
			c.out(name + ": an earlier id")
			c.validate(a.Code(0)).Refused(name + ": an earlier id")
		}
		ids = append(ids, b.Jar[cookie])
	}
	b.login(a).Want(200)
	step("first factor", "twofold-pending")
	b.validate(a.Next()).Want(200)
	step("second factor", "twofold")
	b.in(a, 2)
	b.Post("/verify", m{"password": secret}).Want(200)
	step("first factor of re-authentication", "twofold-pending")
	b.validate(a.Next()).Want(200)
	step("re-authentication", "twofold")
	r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	a.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": a.Code(0)}).Want(200)
	step("change of factor", "twofold")
	b.in(a, 2)
	b.Post("/tf-setup", m{"setup": "disable"}).Want(200)
	step("end of factors", "twofold")
	attacker.out("planted before the sign-in")
	attacker.validate(a.Next()).Refused("planted pending")
}

// TestR014_APendingSignInBelongsToOneUser checks that a request cannot choose the user.
func TestR014_APendingSignInBelongsToOneUser(t *testing.T) {
	w := newWorld(t, plenty)
	a, v := w.withApp("alice"), w.withApp("victor")
	b := w.plantPending(a)
	w.Advance(time.Minute)
	for _, field := range []string{"user_id", "email", "username", "identity", "uid", "fs_uniquifier"} {
		b.Post("/tf-validate", m{"code": v.Code(0), field: v.Email}).Want(400).Refused("with " + field)
	}
	b.Post("/tf-validate?user_id="+v.ID+"&email="+v.Email, m{"code": v.Code(0)}).Want(400).Refused("in the query")
	b.Post("/tf-validate", m{"code": v.Code(0)}, "X-User-Id", v.ID, "X-Forwarded-User", v.Email, "Remote-User",
		v.Email).Want(400)
	b.out("with another's code")
	b.validate(a.Next()).Want(200)
	b.in(a, 2)
}

// TestR015_TwoSignInsInOneBrowser checks that the second sign-in counts, and that codes of the
// first are not valid for it.
func TestR015_TwoSignInsInOneBrowser(t *testing.T) {
	w := newWorld(t)
	a, v := w.withApp("alice"), w.withApp("victor")
	b := w.browser()
	b.login(a).Want(200)
	b.login(v).Want(200)
	w.Advance(30 * time.Second)
	b.validate(a.Code(0)).Want(400).Refused("the first one's code")
	b.out("the first one's code")
	b.validate(v.Code(0)).Want(200)
	b.in(v, 2)

	e := w.person("erika").enrollMail()
	tab := w.browser()
	tab.login(e).Want(200)
	first, old := e.Mailed(), tab.copy()
	tab.login(e).Want(200)
	second := e.Mailed()
	tab.validate(first).Want(400).Refused("the other tab's code")
	old.validate(second).Want(400).Refused("the newer code in the older sign-in")
	tab.validate(second).Want(200)
	tab.in(e, 2)
}

// TestR015_ANewSignInReplacesTheFormer checks that a new sign-in ends a pending one in the same
// browser, even if its cookie was kept.
func TestR015_ANewSignInReplacesTheFormer(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice")
	b := w.plantPending(p)
	former := b.copy()
	b.login(p).Want(200)
	former.validate(p.Next()).Want(400).Refused("the former sign-in")
	former.out("the former sign-in")
	b.validate(p.Next()).Want(200)
	b.in(p, 2)
}

// TestR016_SignedInAsOnePendingAsAnother checks that a session and a pending sign-in of another
// user do not count for each other.
func TestR016_SignedInAsOnePendingAsAnother(t *testing.T) {
	w := newWorld(t)
	a, v := w.withApp("alice"), w.withApp("victor")
	mixed := func() *browser {
		b := w.plantSession(a)
		b.Jar["twofold-pending"] = w.plantPending(v).Jar["twofold-pending"]
		return b
	}
	before := w.factorsOf(v)
	b := mixed()
	b.login(v).Want(400).Refused("sign-in of another while signed in")
	w.Advance(time.Minute)
	for _, code := range []string{a.Code(0), v.Code(0)} {
		b := mixed()
		b.validate(code).Want(400).Refused("code in the mixed browser")
		if user, _ := b.sees(); strings.Contains(user, v.Email) {
			t.Errorf("the session became %s", user)
		}
	}
	w.Advance(16 * time.Minute)
	b = mixed()
	w.Advance(15*time.Minute + time.Second) // the session is stale, the other's sign-in over
	b.Post("/tf-setup", m{"setup": "disable"}).Want(401).Refused("stale session with another's sign-in")
	b = mixed()
	b.Post("/tf-setup", m{"setup": "disable"}).Want(200)
	if len(a.Factors()) != 0 || w.factorsOf(v) != before {
		t.Errorf("disable acted on the wrong account: %d factors left of her own", len(a.Factors()))
	}
}

// factorsOf returns all stored data of a person's factors.
func (w *world) factorsOf(p *person) string {
	w.T.Helper()
	return fmt.Sprintf("%+v", p.Factors())
}

// TestR018_NoChangeWhilePending checks that a caller with only the password cannot change anything
// in the account.
func TestR018_NoChangeWhilePending(t *testing.T) {
	w := newWorld(t)
	a := w.withApp("alice")
	before, sent := w.rows("users", "factors", "drafts", "devices", "sessions"), w.mails()
	for _, setup := range []string{"authenticator", "sms", "email", "disable", "webauthn", ""} {
		fields := m{"setup": setup, "phone": "+16505551212", "add": true}
		w.plantPending(a).Post("/tf-setup", fields).Want(400).Refused("set-up " + setup)
		refusedPage(w.plantPending(a).Form("/tf-setup", "setup", setup, "phone", "+16505551212"), "set-up form "+setup)
	}
	w.plantPending(a).Get("/tf-setup").Want(400).Refused("reading the set-up")
	w.plantPending(a).Post("/tf-setup/x", m{"code": a.Code(0)}).Want(401).Refused("confirming a set-up")
	w.plantPending(a).Post("/verify", m{"password": secret}).Want(401).Refused("re-authentication")
	if w.mails() != sent || w.texts() != 0 {
		t.Errorf("a set-up of the pending sign-in sent %v %v", w.Mail.All(), w.SMS.All())
	}
	if after := w.rows("users", "factors", "drafts", "devices", "sessions"); after != before {
		t.Errorf("rows changed:\n%s\nwas\n%s", after, before)
	}
	b := w.plantPending(a)
	b.validate(a.Next()).Want(200)
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
		if r := b.login(p); r.Status != 200 || r.JSON["tf_required"] != true {
			t.Errorf("%s: not asked for the second factor: %s", p.Name, r.Body)
		}
		b.out(p.Name + " with the password")
	}
	w.Restart(func(c *twofold.Config) {
		c.TwoFactor.EnabledMethods, c.TwoFactor.Required = []string{storage.Email}, false
		c.SMS = nil
	})
	for _, p := range people {
		b := w.browser()
		b.login(p)
		b.out(p.Name + " after the policy changed")
		b.Post("/tf-setup", m{"setup": "email"}).Refused("set-up in place of a method that is switched off")
	}
	alone := w.browser()
	w.Advance(time.Minute)
	alone.validate(people[0].Code(0)).Want(400).Refused("second factor alone")
	alone.out("second factor alone")
}
