package security_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/factor/onetime"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// keepNothing is a store that discards codes.
type keepNothing struct {
	storage.Challenges
	storage.FactorUses
}

func (keepNothing) PutChallenge(context.Context, storage.Challenge) error { return nil }

// TestR038_CodesAreUniform examines a hundred thousand codes.
func TestR038_CodesAreUniform(t *testing.T) {
	t.Parallel()
	keys, err := seal.NewKeys(firstKey)
	if err != nil {
		t.Fatal(err)
	}
	const n = 100_000
	var digit [6][10]int
	seen, repeats := map[string]bool{}, 0
	var app []string
	for step := int64(58_000_000); step < 58_000_000+5760; step++ { // a day either way
		app = append(app, testkit.App("12345678901234567890").At(step))
	}
	likeApp := 0
	m, err := onetime.New(onetime.Config{
		Channel: storage.SMS, Challenges: keepNothing{}, Factors: keepNothing{}, Keys: keys, Now: time.Now,
		Life: 5 * time.Minute,
		Send: func(_ context.Context, c onetime.Code) error {
			if len(c.Code) != 6 {
				t.Fatalf("code %q", c.Code)
			}
			for i, d := range c.Code {
				digit[i][d-'0']++
			}
			if seen[c.Code] {
				repeats++
			}
			if len(seen) < 1000 && slices.Contains(app, c.Code) {
				likeApp++
			}
			seen[c.Code] = true
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if err := m.Send(t.Context(), factor.Transaction{ID: "x", Purpose: factor.SignIn}, "+16505551212"); err != nil {
			t.Fatal(err)
		}
	}
	for i := range digit {
		chi := 0.0
		for _, count := range digit[i] {
			off := float64(count) - n/10
			chi += off * off / (n / 10)
		}
		if chi > 45 { // nine degrees of freedom: one in a million
			t.Errorf("digit %d: chi-square %.1f, counts %v", i, chi, digit[i])
		}
	}
	// Of 100,000 draws from a million, about 4,837 repeat, with a deviation of about 70.
	if repeats < 4400 || repeats > 5300 {
		t.Errorf("%d repeats", repeats)
	}
	if likeApp > 25 { // about six by chance
		t.Errorf("%d of the first thousand are codes of the app", likeApp)
	}
}

// TestR039_CodesLiveBriefly checks that codes expire after five minutes by default, and ten at
// most, counted from their creation. An expired code stays expired if the clock is set back.
func TestR039_CodesLiveBriefly(t *testing.T) {
	w := newWorld(t)
	e, s := w.person("erika").enrollMail(), w.person("susan").enrollSMS("+16505551212")
	for _, p := range []*person{e, s} {
		read := p.Mailed
		if p == s {
			read = p.Texted
		}
		b := w.plantPending(p)
		b.Post("/tf-resend", m{}).Want(200)
		w.Advance(5*time.Minute - time.Second)
		b.copy().validate(read()).Want(200)
		b = w.plantPending(p)
		b.Post("/tf-resend", m{}).Want(200)
		code := read()
		w.Advance(5*time.Minute + time.Second)
		b.validate(code).Want(400).Refused(p.Name + ": after five minutes")
		w.Advance(-2 * time.Minute)
		b.validate(code).Want(400).Refused(p.Name + ": the clock stepped back")
		_, err := w.Nodes[0].Store.Sweep(t.Context(), w.Now(), 1000)
		w.Must(err)
		b.on(w.Restart()).validate(code).Want(400).Refused(p.Name + ": after a restart")
		b.out(p.Name)
		w.Advance(time.Hour)
	}
	c := twofold.Config{Origin: w.Nodes[0].Origin, Key: twofold.KeyText(firstKey), Store: w.Nodes[0].Store,
		Mail: w.Mail}
	c.TwoFactor.MailValidity = 10*time.Minute + time.Second
	if _, err := twofold.New(c); err == nil || !strings.Contains(err.Error(), "MailValidity") {
		t.Errorf("a life above ten minutes is taken: %v", err)
	}
}

// TestR040_CodesWorkOnce checks that each code is single-use, wherever it is entered.
func TestR040_CodesWorkOnce(t *testing.T) {
	w := newWorld(t)
	e := w.person("erika").enrollMail()
	b := w.browser()
	b.login(e).Want(200)
	code, old := e.Mailed(), b.copy()
	b.validate(code).Want(200)
	b.in(e, 2)
	w.Advance(11 * time.Second) // until then it is the same answer once more
	old.validate(code).Want(400).Refused("in the same sign-in")
	w.plantPending(e).validate(code).Want(400).Refused("in a new one")
	b.Post("/verify", m{"password": secret}).Want(200)
	b.validate(code).Want(400).Refused("at re-authentication")
	r := b.Post("/tf-setup", m{"setup": "email"})
	if r.Status == 200 {
		b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": code}).Want(400).Refused("at a set-up")
	}
	old.out("spent code")
}

// TestR041_FiveTriesPerCode checks that after five wrong tries even the correct code fails, and that
// new codes do not allow more guesses.
func TestR041_FiveTriesPerCode(t *testing.T) {
	w := newWorld(t, func(c *twofold.Config) { c.Advanced.Limits = limit.Limits{SecondFailures: 10} })
	e := w.person("erika").enrollMail()
	b := w.plantPending(e)
	b.Post("/tf-resend", m{}).Want(200)
	code := e.Mailed()
	for range 5 {
		b.validate(other(code)).Want(400)
	}
	b.validate(code).Want(400).Refused("right code after five wrong ones")
	b.out("right code after five wrong ones")

	w = w.another()
	s := w.person("susan").enrollSMS("+16505551212").enrollMail()
	guesses := 0
	for round := range 10 {
		b := w.plantPending(s)
		method := []string{"sms", "email"}[round%2]
		if r := b.Post("/tf-select", m{"which": method}); r.Status != 200 {
			break
		}
		for range 4 {
			if b.validate(s.Wrong()).Status == 400 {
				guesses++
			}
		}
		w.Advance(31 * time.Second)
	}
	if guesses != 5 {
		t.Errorf("%d guesses within minutes by asking for new codes, want 5", guesses)
	}
}

// another returns a new world with default limits within the same test.
func (w *world) another(change ...func(*twofold.Config)) *world {
	w.T.Helper()
	n := &world{replies: w.replies, issued: w.issued, Site: &testkit.Site{
		T: w.T, Clock: testkit.NewClock(), Mail: w.Mail, SMS: w.SMS, Log: w.Log, Events: &testkit.Events{},
		DB: testkit.NewDatabase(w.T), Client: w.Client, Seen: w.records, Pages: frontPage,
		Change: append([]func(*twofold.Config){features}, change...),
	}}
	n.Set(w.Now())
	n.Start(nil)
	return n
}

// TestR042_OnlyTheNewestCode works.
func TestR042_OnlyTheNewestCode(t *testing.T) {
	w := newWorld(t, plenty)
	e := w.person("erika").enrollMail()
	b := w.plantPending(e)
	b.Post("/tf-resend", m{}).Want(200)
	first := e.Mailed()
	w.Advance(time.Minute)
	b.Post("/tf-resend", m{}).Want(200)
	second := e.Mailed()
	b.validate(first).Want(400).Refused("replaced code")
	b.validate(second).Want(200)

	b = w.plantPending(e)
	before := w.Mail.Count(e.Email)
	testkit.Par(20, func(int) { b.copy().Post("/tf-resend", m{}) })
	w.settled()
	works := 0
	for _, mail := range w.Mail.To(e.Email)[before:] {
		if mail.Kind != "two_factor_code" {
			continue
		}
		w.write(`DELETE FROM twofold_counters`)
		w.write(`UPDATE twofold_challenges SET tries = 5`)
		if b.copy().validate(testkit.Code(mail.Text)).Status == 200 {
			works++
		}
	}
	if works != 1 {
		t.Errorf("%d of the codes sent at once work, want 1", works)
	}
}

// TestR043_ACodeIsBoundToOneTransaction checks that a code mailed for one browser does not work in another
// browser of the same user.
func TestR043_ACodeIsBoundToOneTransaction(t *testing.T) {
	w := newWorld(t)
	e := w.person("erika").enrollMail()
	one, two := w.browser(), w.browser()
	one.login(e).Want(200)
	code := e.Mailed()
	two.login(e).Want(200)
	two.validate(code).Want(400).Refused("code of another browser")
	w.browser().validate(code).Want(400).Refused("code without its cookie")
	two.out("code of another browser")
	one.validate(code).Want(200)
	one.in(e, 2)
}

// TestR044_CodeIsForOnePurpose tries each kind of code at each place.
func TestR044_CodeIsForOnePurpose(t *testing.T) {
	w := newWorld(t, plenty)
	e := w.person("erika").enrollMail()
	s := w.person("susan").enrollSMS("+16505551212").enrollMail()
	v := w.person("victor").enrollMail()

	signIn := w.plantPending(e)
	signIn.Post("/tf-resend", m{}).Want(200)
	signInCode := e.Mailed()
	rescue := w.plantPending(e)
	rescue.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	rescueCode := e.Mailed()
	verify := w.plantSession(e)
	verify.Post("/verify", m{"password": secret}).Want(200)
	verifyCode := e.Mailed()
	setup := w.plantSession(e)
	setupToken := setup.Post("/tf-setup", m{"setup": "email", "add": true}).Want(200).Text("tf_state_token")
	setupCode := e.Mailed()

	type place struct {
		name string
		own  string
		try  func(code string) *answer
	}
	for _, p := range []place{
		{"sign-in", signInCode, signIn.validate},
		{"rescue", rescueCode, rescue.validate},
		{"re-authentication", verifyCode, verify.validate},
		{"set-up", setupCode, func(code string) *answer {
			return setup.Post("/tf-setup/"+setupToken, m{"code": code})
		}},
	} {
		for name, code := range map[string]string{"sign-in": signInCode, "rescue": rescueCode,
			"re-authentication": verifyCode, "set-up": setupCode} {
			if code != p.own {
				p.try(code).Want(400).Refused(name + " code at " + p.name)
			}
		}
	}
	others := w.plantPending(v)
	others.Post("/tf-resend", m{}).Want(200)
	others.validate(signInCode).Want(400).Refused("another user's code")
	w.write(`DELETE FROM twofold_counters`)
	signIn.validate(signInCode).Want(200)
	rescue.validate(rescueCode).Want(200)
	verify.validate(verifyCode).Want(200)

	b := w.plantPending(s)
	b.Post("/tf-select", m{"which": "sms"}).Want(200)
	texted := s.Texted()
	b.Post("/tf-select", m{"which": "email"}).Want(200)
	b.validate(texted).Want(400).Refused("texted code as mailed code")
	b.validate(s.Mailed()).Want(200)
	b = w.plantPending(s)
	b.Post("/tf-select", m{"which": "sms"}).Want(200)
	texted = s.Texted()
	w.write(`UPDATE twofold_factors SET destination = '+16505551299' WHERE user_id = ? AND method = 'sms'`, s.ID)
	b.validate(texted).Want(400).Refused("code sent to a number that is no longer hers")
	b.out("code sent to a number that is no longer hers")
}

// TestR045_TheDestinationIsNeverFromTheRequest checks that a destination in a request is refused or
// ignored. Messages go to the stored address only.
func TestR045_TheDestinationIsNeverFromTheRequest(t *testing.T) {
	w := newWorld(t, open)
	e := w.person("erika").enrollMail()
	session := w.plantSession(e)
	evil := []string{
		`["erika@good.test","evil@evil.test"]`, `"erika@good.test,evil@evil.test"`, `"erika@good.test;evil@evil.test"`,
		`"erika@good.test evil@evil.test"`, `"erika@good.test\nCc:evil@evil.test"`, `"\"evil@evil.test\"@good.test"`,
		`"evil@evil.test"`,
		`{"0":"evil@evil.test"}`,
	}
	for _, v := range evil {
		b := w.plantPending(e)
		for _, field := range []string{"email", "phone", "to", "destination"} {
			b.Post("/tf-resend", `{"`+field+`":`+v+`}`)
			b.Post("/tf-select", `{"which":"email","`+field+`":`+v+`}`)
			b.Post("/tf-rescue", `{"help_setup":"email","`+field+`":`+v+`}`)
			session.Post("/tf-setup", `{"setup":"email","`+field+`":`+v+`}`)
		}
		w.browser().Post("/login", `{"email":`+v+`,"password":"`+secret+`"}`).Want(400)
		w.browser().Post("/login", `{"email":"erika@good.test","email":`+v+`,"password":"`+secret+`"}`).Want(400)
		if r := session.Post("/tf-setup", `{"setup":"sms","phone":`+v+`}`); r.Status == 200 {
			t.Errorf("a set-up for %s: %s", v, r.Body)
		}
	}
	w.browser().Do("POST", "/login", testkit.TypeForm,
		"email=erika%40good.test&email=evil%40evil.test&password=x").Want(303)
	w.settled()
	for _, mail := range append(w.Mail.All(), w.SMS.All()...) {
		if mail.To != e.Email {
			t.Errorf("a message went to %q", mail.To)
		}
	}
}

// TestR046_CodesAreInTheMessageOnly checks that codes are not in logs or responses, or in the part
// of a message that a locked screen shows.
func TestR046_CodesAreInTheMessageOnly(t *testing.T) {
	w := newWorld(t, plenty)
	s := w.person("susan").enrollSMS("+16505551212").enrollMail()
	for _, method := range []string{"sms", "email"} {
		b := w.browser()
		b.login(s).Want(200)
		b.Post("/tf-select", m{"which": method}).Want(200)
		b.Page("/tf-validate").Want(200)
		b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
		b.validate(s.Wrong()).Want(400)
	}
	codes := 0
	for _, mail := range append(w.Mail.All(), w.SMS.All()...) {
		for _, code := range testkit.Codes(mail.Text) {
			codes++
			for place, text := range map[string]string{"a reply": w.replies.String(), "the log": w.Log.String()} {
				if hasWord(text, code) {
					t.Errorf("code %s is in %s", code, place)
				}
			}
			if hasWord(fmt.Sprintf("%+v", w.Events.All()), code) {
				t.Errorf("code %s is in an event", code)
			}
		}
	}
	if codes < 6 || !strings.Contains(w.Log.String(), "message sent") {
		t.Errorf("%d codes seen: this test looks in the wrong place", codes)
	}
}

// hasWord reports whether a text contains a code that is not part of a longer number.
func hasWord(text, code string) bool {
	for rest := text; ; {
		i := strings.Index(rest, code)
		if i < 0 {
			return false
		}
		before := i > 0 && rest[i-1] >= '0' && rest[i-1] <= '9'
		after := i+6 < len(rest) && rest[i+6] >= '0' && rest[i+6] <= '9'
		if !before && !after {
			return true
		}
		rest = rest[i+6:]
	}
}
