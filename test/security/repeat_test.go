package security_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestR195_ARepeatedAnswerGetsOneSession checks that a correct answer repeated by the same browser
// within seconds gets the session that was issued. It gets none after ten seconds, after that
// session has ended, or without the cookie of the step. A repeated wrong answer is one guess.
func TestR195_ARepeatedAnswerGetsOneSession(t *testing.T) {
	w := newWorld(t)
	second := w.Start(nil)
	a := w.withApp("alice")
	b := w.plantPending(a)
	twin, late, other := b.copy().on(second), b.copy(), w.plantPending(a)
	code := a.Next()
	b.validate(code).Want(200)
	sessions := w.count("sessions")
	twin.validate(code).Want(200)
	if twin.Jar["twofold"] != b.Jar["twofold"] || w.count("sessions") != sessions {
		t.Error("the second answer got another session")
	}
	other.validate(code).Want(400).Refused("another sign-in")
	bare := w.browser()
	bare.validate(code).Want(400).Refused("without the cookie")
	w.Advance(11 * time.Second)
	late.validate(code).Want(400).Refused("after ten seconds")

	b = w.plantPending(a)
	twin = b.copy()
	code = a.Next()
	b.validate(code).Want(200)
	b.Form("/logout").Want(303)
	twin.validate(code).Want(400).Refused("a session that was ended")

	b = w.plantPending(a)
	bad := a.Wrong()
	for range 20 {
		b.validate(bad).Want(400).Refused("the same wrong code")
	}
	b.validate(a.Next()).Want(200)
}

// TestR195_ADoubleClickCompletesASetUp checks this for the browser whose session the first click
// renewed. Its old cookie does not allow anyone to try codes.
func TestR195_ADoubleClickCompletesASetUp(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"token", "/tf-validate"} {
		p := w.person("person" + strings.Trim(path, "/tf-"))
		b := w.plantSession(p)
		r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
		if path == "token" {
			path = "/tf-setup/" + r.Text("tf_state_token")
		}
		p.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
		old, thief := b.copy(), b.copy()
		b.Post(path, m{"code": p.Code(0)}).Want(200)
		old.Post(path, m{"code": p.Code(0)}).Want(200)
		old.in(p, 2)
		if old.Jar["twofold"] != b.Jar["twofold"] {
			t.Errorf("%s: another session", path)
		}
		thief.Post(path, m{"code": p.Wrong()}).Refused("another code")
		thief.Post(path, m{"code": p.Code(0)}).Refused("the right one after another")
	}
}

// TestR196_AFormOfAnotherTabEndsNothing checks that a step of a sign-in from a browser that is
// signed in and has no pending sign-in is refused, and that the session continues.
func TestR196_AFormOfAnotherTabEndsNothing(t *testing.T) {
	w := newWorld(t)
	a := w.withApp("alice")
	b := w.plantSession(a)
	for _, code := range []string{"", "123456", a.Code(1)} {
		b.Post("/tf-validate", m{"code": code}).Want(400)
		b.Form("/tf-validate", "code", code).Want(303)
		b.in(a, 2)
	}
}

// TestR196_AUsedCodeIsNoGuess checks that the code used last is refused but neither counted nor
// reported.
func TestR196_AUsedCodeIsNoGuess(t *testing.T) {
	w := newWorld(t)
	a := w.withApp("alice")
	code := a.Next()
	w.plantPending(a).validate(code).Want(200)
	sent := w.mails()
	for range 10 {
		w.plantPending(a).validate(code).Want(400).Refused("a used code")
	}
	if n := w.mails(); n != sent {
		t.Errorf("%d mails of alarm", n-sent)
	}
	w.plantPending(a).validate(a.Next()).Want(200)
}

// TestR197_ASetUpIsShownToItsBrowser checks that an enrollment is shown again until it is
// completed, while its session is fresh, and to no other session.
func TestR197_ASetUpIsShownToItsBrowser(t *testing.T) {
	w := newWorld(t)
	p := w.person("alice")
	b, other := w.plantSession(p), w.plantSession(p)
	key := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200).Text("tf_authr_b32key")
	shows := func(b *browser) bool {
		page := b.Page("/tf-validate")
		return page.Status == 200 && strings.Contains(page.Body, "<span>"+key[:4]+"</span>")
	}
	for range 2 {
		if !shows(b) {
			t.Error("the set-up is not shown again")
		}
	}
	b.Post("/tf-validate", m{"code": "000000"}).Want(400)
	if !shows(b) {
		t.Error("a wrong code closed the set-up")
	}
	if shows(other) {
		t.Error("another session is shown the key")
	}
	w.Advance(11 * time.Minute)
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
	code := a.Next()
	b.Post("/tf-select", m{"which": "email"}).Want(200)
	b.validate(code).Want(400)
	b.Post("/tf-select", m{"which": "authenticator"}).Want(200)
	twin := b.copy()
	b.validate(code).Want(200)
	b.in(a, 2)
	twin.validate(code).Want(200)
}

// TestR167_ACookieOfNoStepWritesNothing also checks that a repeated request does not wait.
func TestR167_ACookieOfNoStepWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.withApp("alice")
	b := w.browser()
	b.Jar["twofold-pending"] = strings.Repeat("A", 43)
	before := w.rows("counters", "drafts")
	for _, path := range []string{"/tf-validate", "/mf-recovery"} {
		for _, code := range []string{"123456", "123456", "abcd-efgh-jkmn-pqrs"} {
			begun := time.Now()
			b.Post(path, m{"code": code}).Want(400)
			if d := time.Since(begun); d > 2*time.Second {
				t.Errorf("%s took %v", path, d)
			}
			w.Advance(2300 * time.Millisecond)
		}
	}
	if after := w.rows("counters", "drafts"); after != before {
		t.Errorf("rows were written:\n%s\n%s", before, after)
	}
}
