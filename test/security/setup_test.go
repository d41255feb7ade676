package security_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
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
	w.Advance(15*time.Minute - time.Second)
	for _, c := range changes[:3] {
		session.Post("/tf-setup", c).Want(200)
	}
	session.Get("/tf-setup").Want(200)
	w.Advance(2 * time.Second)
	before := w.rows("users", "factors", "drafts")
	for _, c := range changes {
		r := session.Post("/tf-setup", c).Want(401).Refused("stale session")
		if r.JSON["reauth_required"] != true {
			t.Errorf("no word of re-authentication: %s", r.Body)
		}
	}
	session.Get("/tf-setup").Want(401)
	if w.rows("users", "factors", "drafts") != before {
		t.Error("a stale session changed something")
	}
	session.Post("/verify", m{"password": secret}).Want(200)
	session.Post("/tf-setup", changes[3]).Want(401).Refused("re-authenticated with the password alone")
	session.validate(a.Next()).Want(200)
	session.Post("/tf-setup", changes[3]).Want(200)
	if len(a.Factors()) != 0 {
		t.Error("a fresh session could not disable")
	}
}

// TestR054_FreshIsThisUserInThisSession checks that only a verified proof by this user in this
// session counts.
func TestR054_FreshIsThisUserInThisSession(t *testing.T) {
	w := newWorld(t, plenty)
	a, v := w.withApp("alice"), w.withApp("victor")
	session, elsewhere := w.plantSession(a), w.plantSession(a)
	w.Advance(20 * time.Minute)
	stale := func(why string) {
		t.Helper()
		session.Post("/tf-setup", m{"setup": "authenticator"}).Want(401).Refused(why)
	}
	session.Post("/verify", m{"password": "the horse of victor 71"}).Want(400).Refused("wrong password")
	stale("wrong password")
	for _, body := range []m{{"method": "passkey"}, {"method": "authenticator"}, {"verified": true}, {}} {
		session.Post("/verify", body).Want(400).Refused("claims")
		stale("claims")
	}
	session.Post("/verify", m{"password": "the horse of victor 71",
		"email": v.Email}).Want(400).Refused("another's name and password")
	session.Post("/verify", m{"password": secret}).Want(200)
	stale("password alone")
	w.Advance(time.Minute)
	session.copy().validate(v.Code(0)).Want(400).Refused("another's code")
	stale("another's code")
	moved := elsewhere.copy()
	moved.Jar["twofold-pending"] = session.Jar["twofold-pending"]
	moved.copy().Post("/tf-select", m{"which": "authenticator"}).Refused("re-authentication of another session")
	begun := session.copy()
	session.validate(a.Code(0)).Want(200)
	session.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	elsewhere.Post("/tf-setup", m{"setup": "authenticator"}).Want(401).Refused("fresh in another session")
	begun.out("the session before re-authentication")

	device := w.browser()
	device.login(a, m{"remember": true}).Want(200)
	device.validate(a.Next()).Want(200)
	device.only("tf_validity").login(a).Want(200)
	user, _ := device.sees()
	if !strings.Contains(user, "trusted true") {
		t.Errorf("no trusted sign-in: %q", user)
	}
	device.Post("/tf-setup", m{"setup": "disable"}).Want(401).Refused("trusted device")
}

// TestR055_NothingActiveBeforeConfirmed checks that a draft changes nothing and expires, and that
// only the newest one is valid.
func TestR055_NothingActiveBeforeConfirmed(t *testing.T) {
	w := newWorld(t, plenty)
	n := w.person("newcomer")
	b := w.plantSession(n)
	b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	if r := w.browser().login(n); r.JSON["tf_required"] == true {
		t.Error("a draft is asked for at sign-in")
	}
	a := w.withApp("alice")
	session := w.plantSession(a)
	first := session.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	w.plantPending(a).validate(a.Next()).Want(200) // the old one works on
	for _, flag := range []m{{"enabled": true}, {"setup": "authenticator", "confirmed": true},
		{"tf_primary_method": "authenticator"}} {
		before := fmt.Sprint(a.Factors())
		session.Post("/tf-setup", flag)
		if fmt.Sprint(a.Factors()) != before {
			t.Errorf("set up by a flag: %v", flag)
		}
	}
	second := session.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	code := func(r *answer) string {
		return testkit.ReadApp(w.T, r.Text("tf_authr_b32key")).Code(w.Now())
	}
	for _, token := range []string{first.Text("tf_state_token"), second.Text("tf_state_token")} {
		session.Post("/tf-setup/"+token, m{"code": code(first)}).Want(400).Refused("the first draft's code")
	}
	session.Post("/tf-setup/"+first.Text("tf_state_token"),
		m{"code": code(second)}).Want(400).Refused("the first draft's token")
	w.Advance(10*time.Minute + time.Second)
	session.Post("/tf-setup/"+second.Text("tf_state_token"),
		m{"code": code(second)}).Want(400).Refused("after ten minutes")
	w.Advance(-5 * time.Minute)
	if f := a.Factors(); len(f) != 1 || f[0].Method != storage.Authenticator {
		t.Errorf("factors are %+v", f)
	}
	third := session.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	session.Post("/tf-setup/"+third.Text("tf_state_token"), m{"code": code(third)}).Want(200)
}

// TestR056_DraftIsBound checks that a draft is bound to its session, user, destination and secret.
func TestR056_DraftIsBound(t *testing.T) {
	w := newWorld(t, plenty)
	a, v := w.person("alice"), w.person("victor")
	mine, other, his := w.plantSession(a), w.plantSession(a), w.plantSession(v)
	r := mine.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	token := r.Text("tf_state_token")
	code := testkit.ReadApp(w.T, r.Text("tf_authr_b32key")).Code(w.Now())
	his.Post("/tf-setup/"+token, m{"code": code}).Want(400).Refused("another user's draft")
	other.Post("/tf-setup/"+token, m{"code": code}).Want(400).Refused("another session's draft")
	w.browser().Post("/tf-setup/"+token, m{"code": code}).Want(401).Refused("nobody's draft")
	own := his.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	his.Post("/tf-setup/"+token, m{"code": code}).Want(400).Refused("another user's draft beside one's own")
	if len(a.Factors())+len(v.Factors()) != 0 {
		t.Error("a factor was set up")
	}
	his.Post("/tf-setup/"+own.Text("tf_state_token"), m{
		"code": testkit.ReadApp(w.T, own.Text("tf_authr_b32key")).Code(w.Now()), "phone": "+16505551299",
		"secret": "JBSWY3DPEHPK3PXP",
	}).Want(200)
	if f := v.Factors(); len(f) != 1 || f[0].Destination != "" || f[0].Method != "authenticator" {
		t.Errorf("the request said what is set up: %+v", f)
	}

	const x, y = "+16505551201", "+16505551202"
	tokens, before := make([]string, 20), w.texts()
	testkit.Par(20, func(i int) {
		r := mine.copy().Post("/tf-setup", m{"setup": "sms", "phone": []string{x, y}[i%2]})
		if s, ok := r.JSON["tf_state_token"].(string); ok {
			tokens[i] = s
		}
	})
	for _, mail := range w.SMS.All()[before:] {
		if mail.To != x {
			continue
		}
		for _, token := range tokens {
			w.write(`DELETE FROM twofold_counters`)
			c := mine.copy()
			c.Post("/tf-setup/"+token, m{"code": testkit.Code(mail.Text)})
			for _, f := range a.Factors() {
				if f.Destination != x {
					t.Errorf("the code of %s set up %s", x, f.Destination)
				}
			}
		}
	}
}

// TestR058_AChangeInvalidatesEverythingIssuedBefore covers sessions, tokens, pending sign-ins, codes, drafts
// and trusted devices. The browser that makes the change continues with a new id.
func TestR058_AChangeInvalidatesEverythingIssuedBefore(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t, plenty)
	auth := w.Nodes[0].Auth
	for name, change := range map[string]func(p *person, acting *browser){
		"password":    func(p *person, _ *browser) { w.Must(auth.SetPassword(ctx, p.ID, "another horse 72 battery")) },
		"address":     func(p *person, _ *browser) { w.Must(auth.SetIdentity(ctx, p.ID, "new-"+p.Email, "")) },
		"operator":    func(p *person, _ *browser) { w.Must(auth.ResetAccess(ctx, p.ID)) },
		"switchedoff": func(p *person, _ *browser) { w.Must(auth.SetActive(ctx, p.ID, false)) },
		"disable":     func(p *person, b *browser) { b.Post("/tf-setup", m{"setup": "disable"}).Want(200); b.in(p, 1) },
		"newfactor": func(p *person, b *browser) {
			r := b.Post("/tf-setup", m{"setup": "authenticator", "add": true}).Want(200)
			code := testkit.ReadApp(w.T, r.Text("tf_authr_b32key")).Code(w.Now())
			b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": code}).Want(200)
			b.in(p, 2)
		},
	} {
		p := w.person(name).enrollMail()
		session, acting, draft := w.plantSession(p), w.plantSession(p), w.plantSession(p)
		draftToken := draft.Post("/tf-setup", m{"setup": "authenticator", "add": true}).Want(200)
		pending := w.plantPending(p)
		pending.Post("/tf-resend", m{}).Want(200)
		code := p.Mailed()
		device := w.browser()
		device.Jar["twofold-pending"] = w.plantPending(p).Jar["twofold-pending"]
		device.login(p, m{"remember": true}).Want(200)
		r := device.Post("/tf-validate?include_auth_token", m{"code": p.Mailed()}).Want(200)
		token := w.browser()
		token.Header["Authentication-Token"] = r.JSON["user"].(m)["authentication_token"].(string)
		token.in(p, 2)
		session.in(p, 2)
		old := acting.copy()
		change(p, acting)
		for what, b := range map[string]*browser{"session": session, "old id": old, "token": token,
			"draft's session": draft, "trusted session": device} {
			b.out(name + ": " + what)
		}
		pending.validate(code).Refused(name + ": code of before")
		pending.out(name + ": pending of before")
		draft.Post("/tf-setup/"+draftToken.Text("tf_state_token"),
			m{"code": "000000"}).Want(401).Refused(name + ": draft of before")
		if n := w.number(`SELECT COUNT(*) FROM twofold_devices WHERE user_id = ?`, p.ID); n != 0 {
			t.Errorf("%s: %d trusted devices left", name, n)
		}
		if name == "newfactor" {
			if r := device.only("tf_validity").login(p); r.JSON["tf_required"] != true {
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
		b.Get(path)
		b.Page(path)
	}
	b.Do("POST", "/tf-setup", testkit.TypeForm, "setup=disable", "Sec-Fetch-Site", "cross-site").Want(403)
	b.Do("POST", "/tf-setup", testkit.TypeForm, "setup=disable", "Origin", "https://evil.test", "Sec-Fetch-Site",
		"").Want(403)
	bare := b.copy()
	bare.Bare = true
	refusedPage(bare.Form("/tf-setup", "setup", "disable"), "no token")
	refusedPage(bare.Form("/tf-setup", "setup", "disable", "csrf_token", "AAAA"), "wrong token")
	w.plantSession(must).Post("/tf-setup", m{"setup": "disable"}).Want(400).Refused("last factor where one is required")
	if len(a.Factors()) != 1 || len(must.Factors()) != 1 {
		t.Fatal("a factor is gone")
	}
	device := w.browser()
	device.login(a, m{"remember": true}).Want(200)
	device.validate(a.Next()).Want(200)
	old := *a
	b.Post("/tf-setup", m{"setup": "disable"}).Want(200)
	w.Advance(time.Minute)
	a.enrollApp()
	if string(old.App) == string(a.App) {
		t.Error("the same secret again")
	}
	p := w.plantPending(a)
	p.validate(old.Code(0)).Want(400).Refused("code of before")
	if r := device.only("tf_validity").login(a); r.JSON["tf_required"] != true {
		t.Error("the trusted device of before skips the second factor")
	}
	p.validate(a.Code(0)).Want(200)
}

// TestR060_IDsAreLookedUpInTheOwnAccount checks that ids of other users have the same answer as
// unknown ones.
func TestR060_IDsAreLookedUpInTheOwnAccount(t *testing.T) {
	w := newWorld(t, plenty)
	a, v := w.withApp("alice").enrollMail(), w.withApp("victor").enrollMail()
	b := w.plantPending(v)
	unknown := b.Post("/tf-select", m{"which": storage.NewID()}).Want(400)
	for _, f := range a.Factors() {
		if r := b.Post("/tf-select", m{"which": f.ID}); r.Status != unknown.Status || r.Body != unknown.Body {
			t.Errorf("another user's factor: %d %s", r.Status, r.Body)
		}
	}
	before := w.factorsOf(a)
	mine := w.plantSession(a)
	token := mine.Post("/tf-setup", m{"setup": "email", "add": true}).Want(200).Text("tf_state_token")
	his := w.plantSession(v)
	foreign := his.Post("/tf-setup/"+token, m{"code": a.Mailed()}).Want(400)
	random := his.Post("/tf-setup/"+strings.Repeat("A", 43), m{"code": a.Mailed()}).Want(400)
	if foreign.Body != random.Body {
		t.Errorf("another's draft: %s, unknown: %s", foreign.Body, random.Body)
	}
	for _, id := range []string{a.Factors()[0].ID, "1", "x"} {
		for _, method := range []string{"DELETE", "PUT", "PATCH"} {
			refusedPage(his.Do(method, "/tf-setup/"+id, "", ""), method)
		}
	}
	if w.factorsOf(a) != before {
		t.Error("another user changed the factors")
	}
	b.Post("/tf-select", m{"which": v.Factors()[1].ID}).Want(200)
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
		"aal": 2, "confirmed_at": "2020-01-01", "user_id": a.ID, "locked": false, "active": true, "fs_uniquifier": "x",
		"level": 2, "trusted": true,
	}
	for path, b := range map[string]*browser{
		"/login": w.browser(), "/register": w.browser(), "/verify": session, "/tf-setup": session,
		"/tf-setup/x":  session,
		"/tf-validate": pending, "/tf-select": pending, "/tf-rescue": pending, "/tf-resend": pending,
	} {
		body := m{}
		if path == "/login" {
			body = m{"email": a.Email, "password": "another"}
		}
		plain := b.Post(path, body).Want(400).Refused(path)
		for name, value := range unknown {
			with := maps.Clone(body)
			with[name] = value
			if r := b.Post(path, with).Want(400).Refused(path + " with " + name); r.Body != plain.Body {
				t.Errorf("%s with %s: %s\nwithout: %s", path, name, r.Body, plain.Body)
			}
			refusedPage(b.Form(path, name, fmt.Sprint(value)), path+" with "+name)
		}
	}
	if w.rows("users", "factors", "devices", "sessions", "pendings", "drafts") != before {
		t.Error("rows changed")
	}
}

// TestR063_AReplacedFactorEndsAtOnce checks that a replaced factor fails on every node.
func TestR063_AReplacedFactorEndsAtOnce(t *testing.T) {
	w := newWorld(t, plenty)
	second := w.Start(nil)
	a := w.withApp("alice")
	pending, old := w.plantPending(a), *a
	session := w.plantSession(a)
	r := session.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	a.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	session.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": a.Code(0)}).Want(200)
	w.Advance(time.Minute)
	for _, n := range w.Nodes {
		pending.copy().on(n).validate(old.Code(0)).Want(400).Refused("sign-in begun under the old secret")
		pending.copy().on(n).validate(a.Code(0)).Want(400).Refused("sign-in begun under the old secret, new code")
		w.plantPending(a).on(n).validate(old.Code(0)).Want(400).Refused("old secret")
	}
	w.plantPending(a).on(second).validate(a.Code(0)).Want(200)
	if f := a.Factors(); len(f) != 1 {
		t.Errorf("%d factors after a replacement, want 1", len(f))
	}
}
