package security_test

import (
	"testing"
	"time"
)

// TestR048_NoCodesWhilePaused: a code that could not be used is not sent, at
// sign-in, when asked for again or as a rescue.
func TestR048_NoCodesWhilePaused(t *testing.T) {
	w := newWorld(t, open)
	a := w.person("alice").enrolSMS("+16505551212")
	b := w.plantPending(a)
	for range 10 {
		b.validate(a.wrong()).want(400)
	}
	sent, mailed := w.sms.Count("+16505551212"), len(w.mail.To(a.email))
	late := w.browser()
	late.login(a).want(429)
	late.post("/tf-resend", m{}).want(429)
	late.post("/tf-rescue", m{"help_setup": "email"}).want(429)
	if n := w.sms.Count("+16505551212"); n != sent {
		t.Errorf("%d texts while paused", n-sent)
	}
	w.settled()
	for _, mail := range w.mail.To(a.email)[mailed:] {
		if code := sixDigits.FindString(mail.Text); mail.Kind == "two_factor_code" {
			t.Errorf("a code was mailed while paused: %s", code)
		}
	}
	w.advance(15*time.Minute + time.Second)
	late = w.browser()
	late.login(a).want(200)
	late.validate(a.texted()).want(200)
	late.in(a, 2)
}

// TestR054_AProgramProvesBothFactorsAgain with its header token and no cookie.
// The token of the re-authentication is nothing without the session's.
func TestR054_AProgramProvesBothFactorsAgain(t *testing.T) {
	w := newWorld(t, open)
	a, v := w.withApp("alice"), w.withApp("victor")
	program := func(p *person) *browser {
		b := w.browser()
		b.header["Authentication-Token"] = w.plantToken(p)
		return b
	}
	b := program(a)
	w.advance(10 * time.Minute)
	w.write(`UPDATE twofold_sessions SET fresh_at = 1`)
	b.get("/tf-setup").want(401)
	r := b.post("/verify", m{"password": secret}).want(200)
	token := r.text("tf_pending_token")
	if token == "" {
		t.Fatalf("no token of the re-authentication: %s", r.body)
	}
	w.handedOut("pending token", token)
	b.jar = map[string]string{} // it keeps none
	b.header["Two-Factor-Pending"] = token
	b.validate(a.wrong()).want(400)
	b.validate(a.next()).want(200)
	b.get("/tf-setup").want(200)
	b.in(a, 2)
	b.copy().validate(a.next()).refused("a second time")

	b = program(a)
	token = b.post("/verify", m{"password": secret}).want(200).text("tf_pending_token")
	for name, thief := range map[string]*browser{"nobody": w.browser(), "another": program(v), "another token of the same user": program(a), "a browser": w.plantSession(a)} {
		thief.header["Two-Factor-Pending"] = token
		thief.post("/tf-validate", m{"code": a.code(1)}).want(400).refused(name)
	}
	if w.plantSession(a).post("/verify", m{"password": secret}).want(200).json["tf_pending_token"] != nil {
		t.Error("a browser is told the token that its cookie hides")
	}
}
