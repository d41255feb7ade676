package security_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
)

// These tests cover requests that clients of Flask-Security send and that a stricter parser would
// refuse. They are accepted if they have only one meaning.

// TestR185_AFieldThatIsNotKnownIsNotRead checks that an unknown field grants nothing, limits
// nothing, and is not a second value of a known field.
func TestR185_AFieldThatIsNotKnownIsNotRead(t *testing.T) {
	w := newWorld(t, plenty, tokens)
	a := w.withApp("alice")
	b := w.browser()
	r := b.post("/login", m{"email": a.email, "password": secret, "submit": "Login", "level": 2, "tf_required": false,
		"user_id": "x", "code": a.next()}).want(200)
	if r.json["tf_required"] != true {
		t.Error("a field changed what is asked for: ", r.body)
	}
	b.out("half signed in")
	good, bad := a.next(), a.wrong()
	for _, body := range []string{
		`{"code":"` + bad + `","Code":"` + good + `"}`, `{"code":"` + bad + `","code[]":"` + good + `"}`,
		`{"code":"` + bad + `","passcode":["` + good + `"]}`,
		`{"code":"` + bad + `","x":{"code":"` + good + `"}}`, `{"code":"` + bad + `","x":"1","x":"2"}`,
		`{"code":"` + bad + `","x":"\u0000"}`,
	} {
		b.post("/tf-validate", body).want(400).refused(body)
	}
	for _, body := range []string{"CODE=" + good, "code%5B%5D=" + good, "x=1&x=2&code=" + good, "x=%00&code=" + good,
		"%00=1&code=" + good} {
		b.do("POST", "/tf-validate", typeForm, body, "Accept", typeJSON).want(400).refused(body)
	}
	before := w.rows("counters")
	b.post("/tf-validate", m{"passcode": good}).want(400).refused("the code under another name")
	if w.rows("counters") != before {
		t.Error("a field that is not known counted as a guess")
	}
	b.post("/tf-validate", m{"code": good, "submit_code": "Submit Code", "help_setup": "email",
		"chosen_method": "sms"}).want(200)
	b.in(a, 2)
	// A misspelled limit must not widen the grant.
	if r := b.post("/access-tokens",
		m{"name": "ci", "scopes": []string{"read"}, "day": "1"}).want(400); !strings.Contains(r.body, `"day"`) {
		t.Error("not said which field: ", r.body)
	}
	b.post("/access-tokens", m{"name": "ci", "scopes": []string{"read"}, "days": "1"}).want(200)
}

// TestR185_ANumberIsOneCode checks that a JSON number means its six digits, and is spent and
// counted like them.
func TestR185_ANumberIsOneCode(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	for a.next()[0] != '0' {
	}
	code := a.code(0)
	number := strings.TrimLeft(code, "0")
	if number == "" {
		number = "0"
	}
	b, other := w.plantPending(a), w.plantPending(a)
	for _, spelled := range []string{code, number + ".0", number + "e0", "-" + number, `["` + number + `"]`,
		number + "0000000"} {
		b.post("/tf-validate", `{"code":`+spelled+`}`).want(400).refused(spelled)
	}
	b.post("/tf-validate", `{"code":`+number+`}`).want(200)
	b.in(a, 2)
	other.post("/tf-validate", `{"code":`+number+`}`).want(400).refused("used before, as a number")
	other.validate(code).want(400).refused("used before, as text")
	before := w.rows("counters")
	other.post("/tf-validate", `{"code":`+strings.TrimLeft("1"+a.wrong()[1:], "0")+`}`).want(400)
	if w.rows("counters") == before {
		t.Error("a number is no guess")
	}
	// Recovery codes and passwords cannot be numbers.
	other.post("/mf-recovery", `{"code":123456}`).want(400)
	w.browser().post("/login", `{"email":"`+a.email+`","password":123456}`).want(400)
}

// TestR186_FewWrongAnswersAndOneRightOne checks that a wrong answer keeps the challenge valid, so
// that a page may ask its user again. Five wrong answers end it, also in parallel. A malformed
// response does not count as an answer. A right answer ends the challenge at once.
func TestR186_FewWrongAnswersAndOneRightOne(t *testing.T) {
	everyUse(t, func(t *testing.T, w *world, u use, k *softkey.Key) {
		for wrong := range 7 {
			w.forgive()
			b := u.open()
			options, state := b.asks(u.ask, m{})
			for _, nothing := range []m{{}, {"credential": ""}, {"credential": nil}, {"credential": "{}"}} {
				b.post(u.ask+"/"+state, nothing).refused("no answer")
			}
			for range wrong {
				b.post(u.ask+"/"+state, m{"credential": w.gets(k, options,
					softkey.SendAs("signature", "AAAA"))}).refused("a bad signature")
			}
			if r := b.post(u.ask+"/"+state, m{"credential": w.gets(k, options)}); u.done(b, r) != (wrong < 5) {
				t.Errorf("after %d wrong answers: %d %s", wrong, r.status, r.body)
			}
		}
	})
	t.Run("registration", func(t *testing.T) {
		w := newWorld(t)
		a, k := w.person("alice"), w.key(phoneKey)
		b := w.plantSession(a)
		for wrong := range 7 {
			options, state := b.asks("/wan-register", m{"name": "key"})
			for range wrong {
				b.post("/wan-register/"+state,
					m{"credential": w.creates(k, options, softkey.Say("challenge", "AAAA"))}).want(400)
			}
			before := len(a.passkeys())
			b.post("/wan-register/"+state, m{"credential": w.creates(w.key(phoneKey), options)})
			if got := len(a.passkeys()) == before+1; got != (wrong < 5) {
				t.Errorf("after %d wrong answers: added %v", wrong, got)
			}
			if wrong < 5 {
				b.post("/wan-delete", m{"name": "key"}).want(200)
			}
		}
	})
	t.Run("in parallel", func(t *testing.T) {
		w := newWorld(t)
		_, k := w.withKey("alice", "first", phoneKey)
		b := w.browser()
		options, state := b.asks("/wan-signin", m{})
		bad, good := w.gets(k, options, softkey.SendAs("signature", "AAAA")), w.gets(k, options)
		var tried sync.WaitGroup
		var looked atomic.Int32
		for range 12 {
			tried.Go(func() {
				if r := b.copy().post("/wan-signin/"+state, m{"credential": bad}); strings.Contains(r.body,
					`"credential"`) {
					looked.Add(1)
				}
			})
		}
		tried.Wait()
		if n := looked.Load(); n != 5 {
			t.Errorf("%d of 12 parallel answers were looked at", n)
		}
		b.post("/wan-signin/"+state, m{"credential": good}).refused("after five wrong ones")
		b.out("after five wrong ones")
		options, state = b.asks("/wan-signin", m{})
		good = w.gets(k, options)
		w.forgive()
		var in atomic.Int32
		for range 12 {
			tried.Go(func() {
				if r := b.copy().post("/wan-signin/"+state, m{"credential": good}); r.cookie("twofold") != "" {
					in.Add(1)
				}
			})
		}
		tried.Wait()
		if n := in.Load(); n != 1 {
			t.Errorf("one right answer opened %d sessions", n)
		}
	})
}

// TestR240_AFieldThatStandsTwiceHasOneValue checks that a form may repeat a field if both values
// are equal or one is empty. The value is tried and counted once. Two different values are refused,
// since two parsers of one request could choose either.
func TestR240_AFieldThatStandsTwiceHasOneValue(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	post := func(b *browser, body string) *answer {
		t.Helper()
		return b.do("POST", "/tf-validate", typeForm, body, "Accept", typeJSON)
	}
	before := w.rows("counters")
	b := w.plantPending(a)
	good, bad := a.next(), a.wrong()
	for _, body := range []string{
		"code=" + bad + "&code=" + good, "code=" + good + "&code=&code=" + bad, "code=&code=" + bad + "&code=" + good,
		"code=" + good + "&code=+", "csrf_token=x&csrf_token=y&code=" + good, "x=1&x=2&code=" + good,
	} {
		post(b, body).want(400).refused(body)
	}
	b.post("/tf-validate", `{"code":"`+good+`","code":"`+good+`"}`).want(400).refused("twice in JSON")
	b.post("/tf-validate", `{"code":"`+good+`","code":""}`).want(400).refused("twice in JSON, one empty")
	if w.rows("counters") != before {
		t.Error("a request with two values was counted")
	}
	post(b, "code=&code=").want(400).refused("twice nothing")
	post(b, "code="+bad+"&code="+bad+"&code=").want(400).refused("twice the same guess")
	post(b, "csrf_token=x&code="+good+"&csrf_token=x&code=").want(200)
	b.in(a, 2)
	for _, doubled := range []string{"code=%s&code=%s", "code=&code=%s"} {
		b = w.plantPending(a)
		post(b, strings.ReplaceAll(doubled, "%s", a.next())).want(200)
		b.in(a, 2)
	}
}
