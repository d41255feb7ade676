package security_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
)

// TestR053_FreshForSecurityChanges checks the default freshness of fifteen minutes, with all
// factors of the account. A draft that was started in time may be confirmed within its ten minutes.
func TestR053_FreshForSecurityChanges(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	changes := []m{
		{"setup": "authenticator"}, {"setup": "sms", "phone": "+16505551212", "add": true},
		{"setup": "email", "add": true}, {"setup": "disable"},
	}
	session := w.plantSession(a)
	w.advance(15*time.Minute - time.Second)
	for _, c := range changes[:3] {
		session.post("/tf-setup", c).want(200)
	}
	session.get("/tf-setup").want(200)
	w.advance(2 * time.Second)
	before := w.rows("users", "factors", "drafts")
	for _, c := range changes {
		r := session.post("/tf-setup", c).want(401).refused("stale session")
		if r.json["reauth_required"] != true {
			t.Errorf("no word of re-authentication: %s", r.body)
		}
	}
	session.get("/tf-setup").want(401)
	if w.rows("users", "factors", "drafts") != before {
		t.Error("a stale session changed something")
	}
	session.post("/verify", m{"password": secret}).want(200)
	session.post("/tf-setup", changes[3]).want(401).refused("re-authenticated with the password alone")
	session.validate(a.next()).want(200)
	session.post("/tf-setup", changes[3]).want(200)
	if len(a.factors()) != 0 {
		t.Error("a fresh session could not disable")
	}
}

// TestR054_FreshIsThisUserInThisSession checks that only a verified proof by this user in this
// session counts.
func TestR054_FreshIsThisUserInThisSession(t *testing.T) {
	w := newWorld(t, plenty)
	a, v := w.withApp("alice"), w.withApp("victor")
	session, elsewhere := w.plantSession(a), w.plantSession(a)
	w.advance(20 * time.Minute)
	stale := func(why string) {
		t.Helper()
		session.post("/tf-setup", m{"setup": "authenticator"}).want(401).refused(why)
	}
	session.post("/verify", m{"password": "the horse of victor 71"}).want(400).refused("wrong password")
	stale("wrong password")
	for _, body := range []m{{"method": "passkey"}, {"method": "authenticator"}, {"verified": true}, {}} {
		session.post("/verify", body).want(400).refused("claims")
		stale("claims")
	}
	session.post("/verify", m{"password": "the horse of victor 71",
		"email": v.email}).want(400).refused("another's name and password")
	session.post("/verify", m{"password": secret}).want(200)
	stale("password alone")
	w.advance(time.Minute)
	session.copy().validate(v.code(0)).want(400).refused("another's code")
	stale("another's code")
	moved := elsewhere.copy()
	moved.jar["twofold-pending"] = session.jar["twofold-pending"]
	moved.copy().post("/tf-select", m{"which": "authenticator"}).refused("re-authentication of another session")
	begun := session.copy()
	session.validate(a.code(0)).want(200)
	session.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	elsewhere.post("/tf-setup", m{"setup": "authenticator"}).want(401).refused("fresh in another session")
	begun.out("the session before re-authentication")

	device := w.browser()
	device.login(a, m{"remember": true}).want(200)
	device.validate(a.next()).want(200)
	device.only("tf_validity").login(a).want(200)
	user, _ := device.sees()
	if !strings.Contains(user, "trusted true") {
		t.Errorf("no trusted sign-in: %q", user)
	}
	device.post("/tf-setup", m{"setup": "disable"}).want(401).refused("trusted device")
}

// TestR055_NothingActiveBeforeConfirmed checks that a draft changes nothing and expires, and that
// only the newest one is valid.
func TestR055_NothingActiveBeforeConfirmed(t *testing.T) {
	w := newWorld(t, plenty)
	n := w.person("newcomer")
	b := w.plantSession(n)
	b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	if r := w.browser().login(n); r.json["tf_required"] == true {
		t.Error("a draft is asked for at sign-in")
	}
	a := w.withApp("alice")
	session := w.plantSession(a)
	first := session.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	w.plantPending(a).validate(a.next()).want(200) // the old one works on
	for _, flag := range []m{{"enabled": true}, {"setup": "authenticator", "confirmed": true},
		{"tf_primary_method": "authenticator"}} {
		before := fmt.Sprint(a.factors())
		session.post("/tf-setup", flag)
		if fmt.Sprint(a.factors()) != before {
			t.Errorf("set up by a flag: %v", flag)
		}
	}
	second := session.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	code := func(r *answer) string { return totp(decode(w, r.text("tf_authr_b32key")), w.Now().Unix()/30) }
	for _, token := range []string{first.text("tf_state_token"), second.text("tf_state_token")} {
		session.post("/tf-setup/"+token, m{"code": code(first)}).want(400).refused("the first draft's code")
	}
	session.post("/tf-setup/"+first.text("tf_state_token"),
		m{"code": code(second)}).want(400).refused("the first draft's token")
	w.advance(10*time.Minute + time.Second)
	session.post("/tf-setup/"+second.text("tf_state_token"),
		m{"code": code(second)}).want(400).refused("after ten minutes")
	w.advance(-5 * time.Minute)
	if f := a.factors(); len(f) != 1 || f[0].Method != storage.Authenticator {
		t.Errorf("factors are %+v", f)
	}
	third := session.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	session.post("/tf-setup/"+third.text("tf_state_token"), m{"code": code(third)}).want(200)
}

// TestR056_DraftIsBound checks that a draft is bound to its session, user, destination and secret.
func TestR056_DraftIsBound(t *testing.T) {
	w := newWorld(t, plenty)
	a, v := w.person("alice"), w.person("victor")
	mine, other, his := w.plantSession(a), w.plantSession(a), w.plantSession(v)
	r := mine.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	token := r.text("tf_state_token")
	code := totp(decode(w, r.text("tf_authr_b32key")), w.Now().Unix()/30)
	his.post("/tf-setup/"+token, m{"code": code}).want(400).refused("another user's draft")
	other.post("/tf-setup/"+token, m{"code": code}).want(400).refused("another session's draft")
	w.browser().post("/tf-setup/"+token, m{"code": code}).want(401).refused("nobody's draft")
	own := his.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	his.post("/tf-setup/"+token, m{"code": code}).want(400).refused("another user's draft beside one's own")
	if len(a.factors())+len(v.factors()) != 0 {
		t.Error("a factor was set up")
	}
	his.post("/tf-setup/"+own.text("tf_state_token"), m{
		"code": totp(decode(w, own.text("tf_authr_b32key")), w.Now().Unix()/30), "phone": "+16505551299",
		"secret": "JBSWY3DPEHPK3PXP",
	}).want(200)
	if f := v.factors(); len(f) != 1 || f[0].Destination != "" || f[0].Method != "authenticator" {
		t.Errorf("the request said what is set up: %+v", f)
	}

	const x, y = "+16505551201", "+16505551202"
	tokens, before := make([]string, 20), w.texts()
	par(20, func(i int) {
		r := mine.copy().post("/tf-setup", m{"setup": "sms", "phone": []string{x, y}[i%2]})
		if s, ok := r.json["tf_state_token"].(string); ok {
			tokens[i] = s
		}
	})
	for _, mail := range w.sms.All()[before:] {
		if mail.To != x {
			continue
		}
		for _, token := range tokens {
			w.write(`DELETE FROM twofold_counters`)
			c := mine.copy()
			c.post("/tf-setup/"+token, m{"code": sixDigits.FindString(mail.Text)})
			for _, f := range a.factors() {
				if f.Destination != x {
					t.Errorf("the code of %s set up %s", x, f.Destination)
				}
			}
		}
	}
}

// TestR058_EverythingBeforeAChangeIsDead covers sessions, tokens, pending sign-ins, codes, drafts
// and trusted devices. The browser that makes the change continues with a new id.
func TestR058_EverythingBeforeAChangeIsDead(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t, plenty)
	auth := w.nodes[0].auth
	for name, change := range map[string]func(p *person, acting *browser){
		"password":    func(p *person, _ *browser) { w.must(auth.SetPassword(ctx, p.id, "another horse 72 battery")) },
		"address":     func(p *person, _ *browser) { w.must(auth.SetIdentity(ctx, p.id, "new-"+p.email, "")) },
		"operator":    func(p *person, _ *browser) { w.must(auth.ResetAccess(ctx, p.id)) },
		"switchedoff": func(p *person, _ *browser) { w.must(auth.SetActive(ctx, p.id, false)) },
		"disable":     func(p *person, b *browser) { b.post("/tf-setup", m{"setup": "disable"}).want(200); b.in(p, 1) },
		"newfactor": func(p *person, b *browser) {
			r := b.post("/tf-setup", m{"setup": "authenticator", "add": true}).want(200)
			code := totp(decode(w, r.text("tf_authr_b32key")), w.Now().Unix()/30)
			b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": code}).want(200)
			b.in(p, 2)
		},
	} {
		p := w.person(name).enrollMail()
		session, acting, draft := w.plantSession(p), w.plantSession(p), w.plantSession(p)
		draftToken := draft.post("/tf-setup", m{"setup": "authenticator", "add": true}).want(200)
		pending := w.plantPending(p)
		pending.post("/tf-resend", m{}).want(200)
		code := p.mailed()
		device := w.browser()
		device.jar["twofold-pending"] = w.plantPending(p).jar["twofold-pending"]
		device.login(p, m{"remember": true}).want(200)
		r := device.post("/tf-validate?include_auth_token", m{"code": p.mailed()}).want(200)
		token := w.browser()
		token.header["Authentication-Token"] = r.json["user"].(m)["authentication_token"].(string)
		token.in(p, 2)
		session.in(p, 2)
		old := acting.copy()
		change(p, acting)
		for what, b := range map[string]*browser{"session": session, "old id": old, "token": token,
			"draft's session": draft, "trusted session": device} {
			b.out(name + ": " + what)
		}
		pending.validate(code).refused(name + ": code of before")
		pending.out(name + ": pending of before")
		draft.post("/tf-setup/"+draftToken.text("tf_state_token"),
			m{"code": "000000"}).want(401).refused(name + ": draft of before")
		if n := w.number(`SELECT COUNT(*) FROM twofold_devices WHERE user_id = ?`, p.id); n != 0 {
			t.Errorf("%s: %d trusted devices left", name, n)
		}
		if name == "newfactor" {
			if r := device.only("tf_validity").login(p); r.json["tf_required"] != true {
				t.Errorf("%s: trusted device of before skips the second factor", name)
			}
		}
	}
}

// TestR059_DisableIsGuarded covers method, origin, freshness, factors and policy. A later
// enrollment creates everything anew.
func TestR059_DisableIsGuarded(t *testing.T) {
	w := newWorld(t, func(c *twofold.Config) {
		plenty(c)
		c.TwoFactor.Require = func(i twofold.User) bool { return strings.HasPrefix(i.Email, "must") }
	})
	a, must := w.withApp("alice"), w.withApp("mustard")
	b := w.plantSession(a)
	for _, path := range []string{"/tf-setup?setup=disable", "/tf-setup/disable", "/tf-disable"} {
		b.get(path)
		b.page(path)
	}
	b.do("POST", "/tf-setup", typeForm, "setup=disable", "Sec-Fetch-Site", "cross-site").want(403)
	b.do("POST", "/tf-setup", typeForm, "setup=disable", "Origin", "https://evil.test", "Sec-Fetch-Site", "").want(403)
	bare := b.copy()
	bare.bare = true
	bare.form("/tf-setup", "setup", "disable").refusedPage("no token")
	bare.form("/tf-setup", "setup", "disable", "csrf_token", "AAAA").refusedPage("wrong token")
	w.plantSession(must).post("/tf-setup", m{"setup": "disable"}).want(400).refused("last factor where one is required")
	if len(a.factors()) != 1 || len(must.factors()) != 1 {
		t.Fatal("a factor is gone")
	}
	device := w.browser()
	device.login(a, m{"remember": true}).want(200)
	device.validate(a.next()).want(200)
	old := *a
	b.post("/tf-setup", m{"setup": "disable"}).want(200)
	w.advance(time.Minute)
	a.enrollApp()
	if string(old.app) == string(a.app) {
		t.Error("the same secret again")
	}
	p := w.plantPending(a)
	p.validate(old.code(0)).want(400).refused("code of before")
	if r := device.only("tf_validity").login(a); r.json["tf_required"] != true {
		t.Error("the trusted device of before skips the second factor")
	}
	p.validate(a.code(0)).want(200)
}

// TestR060_IDsAreLookedUpInTheOwnAccount checks that ids of other users have the same answer as
// unknown ones.
func TestR060_IDsAreLookedUpInTheOwnAccount(t *testing.T) {
	w := newWorld(t, plenty)
	a, v := w.withApp("alice").enrollMail(), w.withApp("victor").enrollMail()
	b := w.plantPending(v)
	unknown := b.post("/tf-select", m{"which": storage.NewID()}).want(400)
	for _, f := range a.factors() {
		if r := b.post("/tf-select", m{"which": f.ID}); r.status != unknown.status || r.body != unknown.body {
			t.Errorf("another user's factor: %d %s", r.status, r.body)
		}
	}
	before := w.factorsOf(a)
	mine := w.plantSession(a)
	token := mine.post("/tf-setup", m{"setup": "email", "add": true}).want(200).text("tf_state_token")
	his := w.plantSession(v)
	foreign := his.post("/tf-setup/"+token, m{"code": a.mailed()}).want(400)
	random := his.post("/tf-setup/"+strings.Repeat("A", 43), m{"code": a.mailed()}).want(400)
	if foreign.body != random.body {
		t.Errorf("another's draft: %s, unknown: %s", foreign.body, random.body)
	}
	for _, id := range []string{a.factors()[0].ID, "1", "x"} {
		for _, method := range []string{"DELETE", "PUT", "PATCH"} {
			his.do(method, "/tf-setup/"+id, "", "").refusedPage(method)
		}
	}
	if w.factorsOf(a) != before {
		t.Error("another user changed the factors")
	}
	b.post("/tf-select", m{"which": v.factors()[1].ID}).want(200)
}

// TestR062_UnknownFieldsChangeNothing checks that unknown fields change neither the answer nor any
// row.
func TestR062_UnknownFieldsChangeNothing(t *testing.T) {
	w := newWorld(t, open)
	a := w.withApp("alice")
	session, pending := w.plantSession(a), w.plantPending(a)
	before := w.rows("users", "factors", "devices", "sessions", "pendings", "drafts")
	unknown := m{
		"tf_enabled": false, "tf_primary_method": nil, "totp_last_step": 0, "is_admin": true, "role": "admin",
		"roles": "admin", "verified": true,
		"aal": 2, "confirmed_at": "2020-01-01", "user_id": a.id, "locked": false, "active": true, "fs_uniquifier": "x",
		"level": 2, "trusted": true,
	}
	for path, b := range map[string]*browser{
		"/login": w.browser(), "/register": w.browser(), "/verify": session, "/tf-setup": session,
		"/tf-setup/x":  session,
		"/tf-validate": pending, "/tf-select": pending, "/tf-rescue": pending, "/tf-resend": pending,
	} {
		body := m{}
		if path == "/login" {
			body = m{"email": a.email, "password": "another"}
		}
		plain := b.post(path, body).want(400).refused(path)
		for name, value := range unknown {
			with := maps.Clone(body)
			with[name] = value
			if r := b.post(path, with).want(400).refused(path + " with " + name); r.body != plain.body {
				t.Errorf("%s with %s: %s\nwithout: %s", path, name, r.body, plain.body)
			}
			b.form(path, name, fmt.Sprint(value)).refusedPage(path + " with " + name)
		}
	}
	if w.rows("users", "factors", "devices", "sessions", "pendings", "drafts") != before {
		t.Error("rows changed")
	}
}

// TestR063_ReplacedFactorIsDeadAtOnce checks that a replaced factor fails on every node.
func TestR063_ReplacedFactorIsDeadAtOnce(t *testing.T) {
	w := newWorld(t, plenty)
	second := w.start(nil)
	a := w.withApp("alice")
	pending, old := w.plantPending(a), *a
	session := w.plantSession(a)
	r := session.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	a.app = decode(w, r.text("tf_authr_b32key"))
	session.post("/tf-setup/"+r.text("tf_state_token"), m{"code": a.code(0)}).want(200)
	w.advance(time.Minute)
	for _, n := range w.nodes {
		pending.copy().on(n).validate(old.code(0)).want(400).refused("sign-in begun under the old secret")
		pending.copy().on(n).validate(a.code(0)).want(400).refused("sign-in begun under the old secret, new code")
		w.plantPending(a).on(n).validate(old.code(0)).want(400).refused("old secret")
	}
	w.plantPending(a).on(second).validate(a.code(0)).want(200)
	if f := a.factors(); len(f) != 1 {
		t.Errorf("%d factors after a replacement, want 1", len(f))
	}
}
