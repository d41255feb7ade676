package security_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
)

func strongOnly(c *twofold.Config) { c.TwoFactor.StrongOnly = true }

// TestR052_StrongOnly checks that if StrongOnly is set, SMS and e-mail are not offered, enrolled,
// sent or accepted, and there is no rescue by mail.
func TestR052_StrongOnly(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice").enrollSMS("+16505551212").enrollMail()
	asked := w.plantPending(a) // before the policy
	asked.post("/tf-select", m{"which": "sms"}).want(200)
	texted := a.texted()
	n := w.restart(strongOnly)
	asked.on(n).validate(texted).refused("a code that was sent before")
	asked.post("/tf-resend", m{}).refused("another text")
	before := w.texts() + w.mails()

	in := w.plantSession(a)
	methods, _ := in.get("/tf-setup").want(200).json["tf_available_methods"].([]any)
	for _, weak := range []string{"sms", "email"} {
		if slices.Contains(methods, any(weak)) {
			t.Errorf("%s is offered: %v", weak, methods)
		}
		in.post("/tf-setup", m{"setup": weak, "phone": "+16505551213", "add": true}).want(400)
	}
	if page := in.page("/tf-setup").want(200).body; strings.Contains(page, `value="sms"`) ||
		strings.Contains(page, `value="email"`) {
		t.Error("the page offers them")
	}
	b := w.browser()
	r := b.login(a).want(200) // straight to the app: it is the only choice
	if r.json["tf_method"] != "authenticator" || r.json["tf_select"] != nil {
		t.Errorf("asked for %s", r.body)
	}
	for _, weak := range []string{"sms", "email"} {
		b.post("/tf-select", m{"which": weak}).want(400)
	}
	b.post("/tf-resend", m{}).want(400)
	b.post("/tf-rescue", m{"help_setup": "email"}).want(400)
	if after := w.texts() + w.mails(); after != before {
		t.Errorf("%d messages were sent", after-before)
	}
	b.validate(a.next()).want(200)
	b.in(a, 2)
}

// TestR052_NothingButAWeakFactor checks that a weak factor is still required at sign-in, and opens
// only the enrollment of a strong one.
func TestR052_NothingButAWeakFactor(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	s := w.person("susan").enrollSMS("+16505551212")
	device := w.browser()
	device.login(s, m{"remember": true}).want(200)
	device.validate(s.texted()).want(200)
	in := w.plantSession(s)
	n := w.restart(strongOnly)
	device.copy().on(n).only(stayCookie).out("a browser that was remembered after a text")
	device.on(n).only("tf_validity").asked(s, "a browser that was trusted after a text")

	b := w.browser()
	b.login(s, m{"remember": true}).want(200)
	b.out("the password alone")
	b.post("/tf-setup", m{"setup": "authenticator"}).refused("a set-up before the factor was proven")
	b.validate(s.wrong()).want(400)
	r := b.validate(s.texted()).want(200)
	if r.json["tf_state"] != "setup_from_login" || r.cookie("twofold") != "" {
		t.Errorf("a text leads to %s", r.body)
	}
	b.out("password and text")
	b.post("/tf-setup", m{"setup": "sms", "phone": "+16505551213"}).want(400)
	b.post("/tf-setup", m{"setup": "email"}).want(400)
	d := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	s.app = decode(w, d.text("tf_authr_b32key"))
	if b.validate(s.code(0)).want(200).cookie("tf_validity") != "" {
		t.Error("trusted on the strength of a text")
	}
	b.in(s, 2)
	if f := s.factors(); len(f) != 1 || f[0].Method != "authenticator" {
		t.Errorf("the factors are %+v", f)
	}
	in.on(n).out("sessions from before the change")

	// A signed-in user cannot re-authenticate by SMS.
	o := w.person("olga")
	w.restart(func(c *twofold.Config) { c.TwoFactor.StrongOnly = false })
	o.enrollSMS("+16505551214")
	old := w.plantSession(o)
	n = w.restart(strongOnly)
	sent := w.texts()
	old.on(n).post("/verify", m{"password": secret}).want(403)
	if w.texts() != sent {
		t.Error("a text was sent")
	}
}

// TestR052_RequireStrong checks that neither a weak factor nor a trusted browser passes the guard,
// whatever the policy is.
func TestR052_RequireStrong(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice").enrollSMS("+16505551212")
	s, e, p := w.person("susan").enrollSMS("+16505551213"), w.person("emil").enrollMail(), w.person("petra")
	strong := func(b *browser) int { t.Helper(); return b.get("/app/strong").status }
	if strong(w.browser()) != 401 {
		t.Error("strangers are let through")
	}
	one := w.browser()
	one.login(p).want(200)
	for who, b := range map[*person]*browser{s: w.browser(), e: w.browser()} {
		b.login(who).want(200)
		code := who.mailed
		if who == s {
			code = who.texted
		}
		b.validate(code()).want(200)
		b.in(who, 2)
		if strong(b) != 403 {
			t.Errorf("%s is let through", who.name)
		}
		if to := b.page("/app/strong").want(303).header.Get("Location"); !strings.HasPrefix(to, "/tf-setup?") {
			t.Errorf("%s is led to %s", who.name, to)
		}
	}
	if strong(one) != 403 {
		t.Error("a password is let through")
	}
	b := w.browser()
	b.login(a).want(200)
	b.post("/tf-select", m{"which": "sms"}).want(200)
	b.validate(a.texted()).want(200)
	if strong(b) != 403 {
		t.Error("a text is let through for who has an app")
	}
	if to := b.page("/app/strong").want(303).header.Get("Location"); !strings.HasPrefix(to, "/verify?") {
		t.Errorf("led to %s", to)
	}
	b.post("/verify", m{"password": secret}).want(200)
	b.post("/tf-select", m{"which": "authenticator"}).want(200)
	b.validate(a.next()).want(200)
	if strong(b) != 200 {
		t.Error("the app is not let through")
	}
	alone := w.plantSession(a)
	w.write(`UPDATE twofold_sessions SET level = 1 WHERE user_id = ?`, a.id)
	if strong(alone) != 403 {
		t.Error("an app alone is let through")
	}
	c := w.browser()
	c.login(a, m{"remember": true}).want(200)
	c.post("/tf-select", m{"which": "authenticator"}).want(200)
	c.validate(a.next()).want(200)
	if strong(c) != 200 {
		t.Error("the app is not let through at sign-in")
	}
	c.only("tf_validity").login(a).want(200)
	if strong(c) != 403 {
		t.Error("a trusted browser is let through")
	}
}

// TestR052_TextsAreMarked checks that SMS is marked as weaker in both languages, and that a number
// counts once its code was entered.
func TestR052_TextsAreMarked(t *testing.T) {
	w := newWorld(t, plenty)
	s := w.person("susan")
	b := w.plantSession(s)
	for lang, notice := range map[string]string{"en": "gets the code too", "de": "bekommt auch den Code"} {
		b.header["Accept-Language"] = lang
		for _, page := range []*answer{b.page("/tf-setup"),
			b.page(b.form("/tf-setup", "setup", "sms", "phone", "+16505551212").header.Get("Location"))} {
			if !strings.Contains(page.want(200).body, notice) {
				t.Errorf("%s in %s does not say that texts are weaker", page.what, lang)
			}
		}
	}
	if len(s.factors()) != 0 {
		t.Error("a number counts before it was confirmed")
	}
}
