package security_test

import (
	"strings"
	"testing"
	"time"
)

// TestR195_ARepeatedAnswerGetsOneSession checks that a right answer repeated by the same browser
// within seconds gets the session that was issued. It gets none after ten seconds, after that
// session has ended, or without the cookie of the step. A repeated wrong answer is one guess.
func TestR195_ARepeatedAnswerGetsOneSession(t *testing.T) {
	w := newWorld(t)
	second := w.start(nil)
	a := w.withApp("alice")
	b := w.plantPending(a)
	twin, late, other := b.copy().on(second), b.copy(), w.plantPending(a)
	code := a.next()
	b.validate(code).want(200)
	sessions := w.count("sessions")
	twin.validate(code).want(200)
	if twin.jar["twofold"] != b.jar["twofold"] || w.count("sessions") != sessions {
		t.Error("the second answer got another session")
	}
	other.validate(code).want(400).refused("another sign-in")
	bare := w.browser()
	bare.validate(code).want(400).refused("without the cookie")
	w.advance(11 * time.Second)
	late.validate(code).want(400).refused("after ten seconds")

	b = w.plantPending(a)
	twin = b.copy()
	code = a.next()
	b.validate(code).want(200)
	b.form("/logout").want(303)
	twin.validate(code).want(400).refused("a session that was ended")

	b = w.plantPending(a)
	bad := a.wrong()
	for range 20 {
		b.validate(bad).want(400).refused("the same wrong code")
	}
	b.validate(a.next()).want(200)
}

// TestR195_ADoubleClickCompletesASetUp checks this for the browser whose session the first click
// renewed. Its old cookie does not allow anyone to try codes.
func TestR195_ADoubleClickCompletesASetUp(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"token", "/tf-validate"} {
		p := w.person("person" + strings.Trim(path, "/tf-"))
		b := w.plantSession(p)
		r := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
		if path == "token" {
			path = "/tf-setup/" + r.text("tf_state_token")
		}
		p.app = decode(w, r.text("tf_authr_b32key"))
		old, thief := b.copy(), b.copy()
		b.post(path, m{"code": p.code(0)}).want(200)
		old.post(path, m{"code": p.code(0)}).want(200)
		old.in(p, 2)
		if old.jar["twofold"] != b.jar["twofold"] {
			t.Errorf("%s: another session", path)
		}
		thief.post(path, m{"code": p.wrong()}).refused("another code")
		thief.post(path, m{"code": p.code(0)}).refused("the right one after another")
	}
}

// TestR196_AFormOfAnotherTabEndsNothing checks that a step of a sign-in from a browser that is
// signed in and has no pending sign-in is refused, and that the session continues.
func TestR196_AFormOfAnotherTabEndsNothing(t *testing.T) {
	w := newWorld(t)
	a := w.withApp("alice")
	b := w.plantSession(a)
	for _, code := range []string{"", "123456", a.code(1)} {
		b.post("/tf-validate", m{"code": code}).want(400)
		b.form("/tf-validate", "code", code).want(303)
		b.in(a, 2)
	}
}

// TestR196_AUsedCodeIsNoGuess checks that the code used last is refused but neither counted nor
// reported.
func TestR196_AUsedCodeIsNoGuess(t *testing.T) {
	w := newWorld(t)
	a := w.withApp("alice")
	code := a.next()
	w.plantPending(a).validate(code).want(200)
	sent := w.mails()
	for range 10 {
		w.plantPending(a).validate(code).want(400).refused("a used code")
	}
	if n := w.mails(); n != sent {
		t.Errorf("%d mails of alarm", n-sent)
	}
	w.plantPending(a).validate(a.next()).want(200)
}

// TestR197_ASetUpIsShownToItsBrowser checks that an enrollment is shown again until it is
// completed, while its session is fresh, and to no other session.
func TestR197_ASetUpIsShownToItsBrowser(t *testing.T) {
	w := newWorld(t)
	p := w.person("alice")
	b, other := w.plantSession(p), w.plantSession(p)
	key := b.post("/tf-setup", m{"setup": "authenticator"}).want(200).text("tf_authr_b32key")
	shows := func(b *browser) bool {
		page := b.page("/tf-validate")
		return page.status == 200 && strings.Contains(page.body, "<span>"+key[:4]+"</span>")
	}
	for range 2 {
		if !shows(b) {
			t.Error("the set-up is not shown again")
		}
	}
	b.post("/tf-validate", m{"code": "000000"}).want(400)
	if !shows(b) {
		t.Error("a wrong code closed the set-up")
	}
	if shows(other) {
		t.Error("another session is shown the key")
	}
	w.advance(11 * time.Minute)
	if shows(b) {
		t.Error("a set-up that is over is shown")
	}
}

// TestR167_ACodeIsJudgedWhereItIsTried checks that the app's code is wrong while a mailed one is
// expected, and right once the app is chosen.
func TestR167_ACodeIsJudgedWhereItIsTried(t *testing.T) {
	w := newWorld(t)
	a := w.withApp("alice").enrollMail()
	b := w.plantPending(a)
	code := a.next()
	b.post("/tf-select", m{"which": "email"}).want(200)
	b.validate(code).want(400)
	b.post("/tf-select", m{"which": "authenticator"}).want(200)
	twin := b.copy()
	b.validate(code).want(200)
	b.in(a, 2)
	twin.validate(code).want(200)
}

// TestR167_ACookieOfNoStepWritesNothing also checks that a repeated request does not wait.
func TestR167_ACookieOfNoStepWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.withApp("alice")
	b := w.browser()
	b.jar["twofold-pending"] = strings.Repeat("A", 43)
	before := w.rows("counters", "drafts")
	for _, path := range []string{"/tf-validate", "/mf-recovery"} {
		for _, code := range []string{"123456", "123456", "abcd-efgh-jkmn-pqrs"} {
			begun := time.Now()
			b.post(path, m{"code": code}).want(400)
			if d := time.Since(begun); d > 2*time.Second {
				t.Errorf("%s took %v", path, d)
			}
			w.advance(2300 * time.Millisecond)
		}
	}
	if after := w.rows("counters", "drafts"); after != before {
		t.Errorf("rows were written:\n%s\n%s", before, after)
	}
}
