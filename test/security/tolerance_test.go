package security_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// These tests cover requests that clients of Flask-Security send and that a stricter parser would
// refuse. They are accepted if they have only one meaning.

// TestR185_AFieldThatIsNotKnownIsNotRead checks that an unknown field grants nothing, limits
// nothing, and is not a second value of a known field.
func TestR185_AFieldThatIsNotKnownIsNotRead(t *testing.T) {
	w := newWorld(t, plenty, tokens)
	a := w.withApp("alice")
	b := w.browser()
	r := b.Post("/login", m{"email": a.Email, "password": secret, "submit": "Login", "level": 2, "tf_required": false,
		"user_id": "x", "code": a.Next()}).Want(200)
	if r.JSON["tf_required"] != true {
		t.Error("a field changed what is asked for: ", r.Body)
	}
	b.out("half signed in")
	good, bad := a.Next(), a.Wrong()
	for _, body := range []string{
		`{"code":"` + bad + `","Code":"` + good + `"}`, `{"code":"` + bad + `","code[]":"` + good + `"}`,
		`{"code":"` + bad + `","passcode":["` + good + `"]}`,
		`{"code":"` + bad + `","x":{"code":"` + good + `"}}`, `{"code":"` + bad + `","x":"1","x":"2"}`,
		`{"code":"` + bad + `","x":"\u0000"}`,
	} {
		b.Post("/tf-validate", body).Want(400).Refused(body)
	}
	for _, body := range []string{"CODE=" + good, "code%5B%5D=" + good, "x=1&x=2&code=" + good, "x=%00&code=" + good,
		"%00=1&code=" + good} {
		b.Do("POST", "/tf-validate", testkit.TypeForm, body, "Accept", testkit.TypeJSON).Want(400).Refused(body)
	}
	before := w.rows("counters")
	b.Post("/tf-validate", m{"passcode": good}).Want(400).Refused("the code under another name")
	if w.rows("counters") != before {
		t.Error("a field that is not known counted as a guess")
	}
	b.Post("/tf-validate", m{"code": good, "submit_code": "Submit Code", "help_setup": "email",
		"chosen_method": "sms"}).Want(200)
	b.in(a, 2)
	// A misspelled limit must not widen the grant.
	if r := b.Post("/access-tokens",
		m{"name": "ci", "scopes": []string{"read"}, "day": "1"}).Want(400); !strings.Contains(r.Body, `"day"`) {
		t.Error("not said which field: ", r.Body)
	}
	b.Post("/access-tokens", m{"name": "ci", "scopes": []string{"read"}, "days": "1"}).Want(200)
}

// TestR185_ANumberIsOneCode checks that a JSON number means its six digits, and is spent and
// counted like them.
func TestR185_ANumberIsOneCode(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	for a.Next()[0] != '0' {
	}
	code := a.Code(0)
	number := strings.TrimLeft(code, "0")
	if number == "" {
		number = "0"
	}
	b, other := w.plantPending(a), w.plantPending(a)
	for _, spelled := range []string{code, number + ".0", number + "e0", "-" + number, `["` + number + `"]`,
		number + "0000000"} {
		b.Post("/tf-validate", `{"code":`+spelled+`}`).Want(400).Refused(spelled)
	}
	b.Post("/tf-validate", `{"code":`+number+`}`).Want(200)
	b.in(a, 2)
	other.Post("/tf-validate", `{"code":`+number+`}`).Want(400).Refused("used before, as a number")
	other.validate(code).Want(400).Refused("used before, as text")
	before := w.rows("counters")
	other.Post("/tf-validate", `{"code":`+strings.TrimLeft("1"+a.Wrong()[1:], "0")+`}`).Want(400)
	if w.rows("counters") == before {
		t.Error("a number is no guess")
	}
	// Recovery codes and passwords cannot be numbers.
	other.Post("/mf-recovery", `{"code":123456}`).Want(400)
	w.browser().Post("/login", `{"email":"`+a.Email+`","password":123456}`).Want(400)
}

// TestR186_FewWrongAnswersAndOneCorrectOne checks that a wrong answer keeps the challenge valid, so
// that a page may ask its user again. Five wrong answers end it, also in parallel. A malformed
// response does not count as an answer. A correct answer ends the challenge at once.
func TestR186_FewWrongAnswersAndOneCorrectOne(t *testing.T) {
	everyUse(t, func(t *testing.T, w *world, u use, k *softkey.Key) {
		for wrong := range 7 {
			w.forgive()
			b := u.open()
			options, state := b.asks(u.ask, m{})
			for _, nothing := range []m{{}, {"credential": ""}, {"credential": nil}, {"credential": "{}"}} {
				b.Post(u.ask+"/"+state, nothing).Refused("no answer")
			}
			for range wrong {
				b.Post(u.ask+"/"+state, m{"credential": w.gets(k, options,
					softkey.SendAs("signature", "AAAA"))}).Refused("a bad signature")
			}
			if r := b.Post(u.ask+"/"+state, m{"credential": w.gets(k, options)}); u.done(b, r) != (wrong < 5) {
				t.Errorf("after %d wrong answers: %d %s", wrong, r.Status, r.Body)
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
				b.Post("/wan-register/"+state,
					m{"credential": w.creates(k, options, softkey.Say("challenge", "AAAA"))}).Want(400)
			}
			before := len(a.passkeys())
			b.Post("/wan-register/"+state, m{"credential": w.creates(w.key(phoneKey), options)})
			if got := len(a.passkeys()) == before+1; got != (wrong < 5) {
				t.Errorf("after %d wrong answers: added %v", wrong, got)
			}
			if wrong < 5 {
				b.Post("/wan-delete", m{"name": "key"}).Want(200)
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
				if r := b.copy().Post("/wan-signin/"+state, m{"credential": bad}); strings.Contains(r.Body,
					`"credential"`) {
					looked.Add(1)
				}
			})
		}
		tried.Wait()
		if n := looked.Load(); n != 5 {
			t.Errorf("%d of 12 parallel answers were looked at", n)
		}
		b.Post("/wan-signin/"+state, m{"credential": good}).Refused("after five wrong ones")
		b.out("after five wrong ones")
		options, state = b.asks("/wan-signin", m{})
		good = w.gets(k, options)
		w.forgive()
		var in atomic.Int32
		for range 12 {
			tried.Go(func() {
				if r := b.copy().Post("/wan-signin/"+state, m{"credential": good}); r.Cookie("twofold") != "" {
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

// TestR240_ADuplicateFieldHasOneValue checks that a form may repeat a field if both values
// are equal or one is empty. The value is tried and counted once. Two different values are refused,
// since two parsers of one request could choose either.
func TestR240_ADuplicateFieldHasOneValue(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	post := func(b *browser, body string) *answer {
		t.Helper()
		return b.Do("POST", "/tf-validate", testkit.TypeForm, body, "Accept", testkit.TypeJSON)
	}
	before := w.rows("counters")
	b := w.plantPending(a)
	good, bad := a.Next(), a.Wrong()
	for _, body := range []string{
		"code=" + bad + "&code=" + good, "code=" + good + "&code=&code=" + bad, "code=&code=" + bad + "&code=" + good,
		"code=" + good + "&code=+", "csrf_token=x&csrf_token=y&code=" + good, "x=1&x=2&code=" + good,
	} {
		post(b, body).Want(400).Refused(body)
	}
	b.Post("/tf-validate", `{"code":"`+good+`","code":"`+good+`"}`).Want(400).Refused("twice in JSON")
	b.Post("/tf-validate", `{"code":"`+good+`","code":""}`).Want(400).Refused("twice in JSON, one empty")
	if w.rows("counters") != before {
		t.Error("a request with two values was counted")
	}
	post(b, "code=&code=").Want(400).Refused("twice nothing")
	post(b, "code="+bad+"&code="+bad+"&code=").Want(400).Refused("twice the same guess")
	post(b, "csrf_token=x&code="+good+"&csrf_token=x&code=").Want(200)
	b.in(a, 2)
	for _, doubled := range []string{"code=%s&code=%s", "code=&code=%s"} {
		b = w.plantPending(a)
		post(b, strings.ReplaceAll(doubled, "%s", a.Next())).Want(200)
		b.in(a, 2)
	}
}
