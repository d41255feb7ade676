package security_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/testkit"
)

func strongOnly(c *twofold.Config) { c.TwoFactor.StrongOnly = true }

// TestR052_StrongOnly checks that if StrongOnly is set, SMS and e-mail are not offered, enrolled,
// sent or accepted, and there is no rescue by mail.
func TestR052_StrongOnly(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice").enrollSMS("+16505551212").enrollMail()
	asked := w.plantPending(a) // before the policy
	asked.Post("/tf-select", m{"which": "sms"}).Want(200)
	texted := a.Texted()
	n := w.Restart(strongOnly)
	asked.on(n).validate(texted).Refused("a code that was sent before")
	asked.Post("/tf-resend", m{}).Refused("another text")
	before := w.texts() + w.mails()

	in := w.plantSession(a)
	methods, _ := in.Get("/tf-setup").Want(200).JSON["tf_available_methods"].([]any)
	for _, weak := range []string{"sms", "email"} {
		if slices.Contains(methods, any(weak)) {
			t.Errorf("%s is offered: %v", weak, methods)
		}
		in.Post("/tf-setup", m{"setup": weak, "phone": "+16505551213", "add": true}).Want(400)
	}
	if page := in.Page("/tf-setup").Want(200).Body; strings.Contains(page, `value="sms"`) ||
		strings.Contains(page, `value="email"`) {
		t.Error("the page offers them")
	}
	b := w.browser()
	r := b.login(a).Want(200) // straight to the app: it is the only choice
	if r.JSON["tf_method"] != "authenticator" || r.JSON["tf_select"] != nil {
		t.Errorf("asked for %s", r.Body)
	}
	for _, weak := range []string{"sms", "email"} {
		b.Post("/tf-select", m{"which": weak}).Want(400)
	}
	b.Post("/tf-resend", m{}).Want(400)
	b.Post("/tf-rescue", m{"help_setup": "email"}).Want(400)
	if after := w.texts() + w.mails(); after != before {
		t.Errorf("%d messages were sent", after-before)
	}
	b.validate(a.Next()).Want(200)
	b.in(a, 2)
}

// TestR052_NothingButAWeakFactor checks that a weak factor is still required at sign-in, and opens
// only the enrollment of a strong one.
func TestR052_NothingButAWeakFactor(t *testing.T) {
	w := newWorld(t, plenty, remembering)
	s := w.person("susan").enrollSMS("+16505551212")
	device := w.browser()
	device.login(s, m{"remember": true}).Want(200)
	device.validate(s.Texted()).Want(200)
	in := w.plantSession(s)
	n := w.Restart(strongOnly)
	device.copy().on(n).only(stayCookie).out("a browser that was remembered after a text")
	device.on(n).only("tf_validity").asked(s, "a browser that was trusted after a text")

	b := w.browser()
	b.login(s, m{"remember": true}).Want(200)
	b.out("the password alone")
	b.Post("/tf-setup", m{"setup": "authenticator"}).Refused("a set-up before the factor was proven")
	b.validate(s.Wrong()).Want(400)
	r := b.validate(s.Texted()).Want(200)
	if r.JSON["tf_state"] != "setup_from_login" || r.Cookie("twofold") != "" {
		t.Errorf("a text leads to %s", r.Body)
	}
	b.out("password and text")
	b.Post("/tf-setup", m{"setup": "sms", "phone": "+16505551213"}).Want(400)
	b.Post("/tf-setup", m{"setup": "email"}).Want(400)
	d := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	s.App = testkit.ReadApp(w.T, d.Text("tf_authr_b32key"))
	if b.validate(s.Code(0)).Want(200).Cookie("tf_validity") != "" {
		t.Error("trusted on the strength of a text")
	}
	b.in(s, 2)
	if f := s.Factors(); len(f) != 1 || f[0].Method != "authenticator" {
		t.Errorf("the factors are %+v", f)
	}
	in.on(n).out("sessions from before the change")

	// A signed-in user cannot re-authenticate by SMS.
	o := w.person("olga")
	w.Restart(func(c *twofold.Config) { c.TwoFactor.StrongOnly = false })
	o.enrollSMS("+16505551214")
	old := w.plantSession(o)
	n = w.Restart(strongOnly)
	sent := w.texts()
	old.on(n).Post("/verify", m{"password": secret}).Want(403)
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
	strong := func(b *browser) int { t.Helper(); return b.Get("/app/strong").Status }
	if strong(w.browser()) != 401 {
		t.Error("strangers are let through")
	}
	one := w.browser()
	one.login(p).Want(200)
	for who, b := range map[*person]*browser{s: w.browser(), e: w.browser()} {
		b.login(who).Want(200)
		code := who.Mailed
		if who == s {
			code = who.Texted
		}
		b.validate(code()).Want(200)
		b.in(who, 2)
		if strong(b) != 403 {
			t.Errorf("%s is let through", who.Name)
		}
		if to := b.Page("/app/strong").Want(303).Header.Get("Location"); !strings.HasPrefix(to, "/tf-setup?") {
			t.Errorf("%s is led to %s", who.Name, to)
		}
	}
	if strong(one) != 403 {
		t.Error("a password is let through")
	}
	b := w.browser()
	b.login(a).Want(200)
	b.Post("/tf-select", m{"which": "sms"}).Want(200)
	b.validate(a.Texted()).Want(200)
	if strong(b) != 403 {
		t.Error("a text message is accepted for a user with an app")
	}
	if to := b.Page("/app/strong").Want(303).Header.Get("Location"); !strings.HasPrefix(to, "/verify?") {
		t.Errorf("led to %s", to)
	}
	b.Post("/verify", m{"password": secret}).Want(200)
	b.Post("/tf-select", m{"which": "authenticator"}).Want(200)
	b.validate(a.Next()).Want(200)
	if strong(b) != 200 {
		t.Error("the app is not let through")
	}
	alone := w.plantSession(a)
	w.write(`UPDATE twofold_sessions SET level = 1 WHERE user_id = ?`, a.ID)
	if strong(alone) != 403 {
		t.Error("an app alone is let through")
	}
	c := w.browser()
	c.login(a, m{"remember": true}).Want(200)
	c.Post("/tf-select", m{"which": "authenticator"}).Want(200)
	c.validate(a.Next()).Want(200)
	if strong(c) != 200 {
		t.Error("the app is not let through at sign-in")
	}
	c.only("tf_validity").login(a).Want(200)
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
		b.Header["Accept-Language"] = lang
		for _, page := range []*answer{b.Page("/tf-setup"),
			b.Page(b.Form("/tf-setup", "setup", "sms", "phone", "+16505551212").Header.Get("Location"))} {
			if !strings.Contains(page.Want(200).Body, notice) {
				t.Errorf("%s in %s does not say that texts are weaker", page.What, lang)
			}
		}
	}
	if len(s.Factors()) != 0 {
		t.Error("a number counts before it was confirmed")
	}
}
