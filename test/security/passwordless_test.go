package security_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// unified enables unified sign-in.
func unified(c *twofold.Config) { c.Passwordless = &twofold.Passwordless{} }

// begins enrolls a method as a first factor of the person.
func (p *person) begins(method string, phone ...string) *person {
	p.w.T.Helper()
	b, body := p.w.plantSession(p), m{"chosen_method": method}
	if len(phone) > 0 {
		p.Phone, body["phone"] = phone[0], phone[0]
	}
	r := b.Post("/us-setup", body).Want(200)
	code := ""
	switch method {
	case storage.Email:
		code = p.Mailed()
	case storage.SMS:
		code = p.Texted()
	default:
		p.App = testkit.ReadApp(p.w.T, r.Text("authr_b32key"))
		code = p.Code(0)
	}
	b.Post("/us-setup/"+r.Text("state"), m{"passcode": code}).Want(200)
	p.w.Advance(time.Minute)
	return p
}

// ask requests a code instead of a password and waits until it is sent.
func (b *browser) ask(identity, method string) *answer {
	b.w.T.Helper()
	r := b.Post("/us-signin/send-code", m{"identity": identity, "chosen_method": method})
	b.w.settled()
	return r
}

func (b *browser) passcode(p *person, code string) *answer {
	b.w.T.Helper()
	return b.Post("/us-signin", m{"identity": p.Email, "passcode": code})
}

// linked returns the newest link that was sent with a code.
func (p *person) linked() string {
	p.w.T.Helper()
	p.w.settled()
	found := ""
	for _, mail := range p.w.Mail.To(p.Email) {
		if l := testkit.Link(mail.Text, "us-verify-link"); l != "" {
			found = l
		}
	}
	if found == "" {
		p.w.T.Fatal("no link in any mail")
	}
	p.w.handedOut("link beside a code", strings.TrimPrefix(found, "/us-verify-link/"))
	return found
}

// TestR007_AProofInBetweenCountsForASetUp starts an enrollment after a password sign-in and then
// re-authenticates with a code. The channel of this code can no longer become the second factor:
// the code of the enrollment is refused, and nothing changes.
func TestR007_AProofInBetweenCountsForASetUp(t *testing.T) {
	for _, method := range []string{storage.SMS, storage.Email, storage.Authenticator} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t, unified)
			p := w.person("alice").begins(method, "+16505551212")
			app := p.App
			b := w.browser()
			b.login(p).Want(200)
			r := b.Post("/tf-setup", m{"setup": method, "phone": "+16505551212"}).Want(200)
			w.settled()
			code := map[string]func() string{
				storage.SMS: p.Texted, storage.Email: p.Mailed,
				storage.Authenticator: func() string { return testkit.App(app).At(w.Now().Unix() / 30) },
			}[method]
			first := ""
			if method == storage.Authenticator {
				first = testkit.ReadApp(w.T, r.Text("tf_authr_b32key")).Code(w.Now())
			} else {
				first = code()
				w.Advance(time.Minute)
				b.Post("/us-verify/send-code", m{"chosen_method": method}).Want(200)
				w.settled()
			}
			b.Post("/us-verify", m{"passcode": code()}).Want(200)
			before := w.rows("users", "factors", "devices")
			b.Post("/tf-setup/"+r.Text("tf_state_token"),
				m{"code": first}).Want(400).Refused("one thing as both factors")
			if after := w.rows("users", "factors", "devices"); after != before {
				t.Errorf("a refused set-up changed what is stored:\n%s\n%s", before, after)
			}
			b.in(p, 1)
		})
	}
}

// TestR007_ACodeIsOneFactorOnly checks that a second factor is required and must differ from the
// first one.
func TestR007_ACodeIsOneFactorOnly(t *testing.T) {
	w := newWorld(t, unified)
	t.Run("a mailed code opens a session of one factor", func(t *testing.T) {
		p := w.person("plain").begins(storage.Email)
		b := w.browser()
		b.ask(p.Email, "email").Want(200)
		b.passcode(p, p.Mailed()).Want(200)
		b.in(p, 1)
	})
	t.Run("with an app, the app is asked for", func(t *testing.T) {
		p := w.person("alice").begins(storage.Email).enrollApp()
		b := w.browser()
		b.ask(p.Email, "email").Want(200)
		r := b.passcode(p, p.Mailed()).Want(200)
		if r.JSON["tf_required"] != true || r.Text("tf_method") != "authenticator" {
			t.Errorf("after the first factor: %v", r.JSON)
		}
		b.out("a mailed code alone")
		b.validate(p.Next()).Want(200)
		b.in(p, 2)
	})
	for method, enroll := range map[string]func(*person) *person{
		storage.Email: (*person).enrollMail,
		storage.SMS:   func(p *person) *person { return p.enrollSMS("+16505551212") },
	} {
		t.Run("the same channel is not taken twice: "+method, func(t *testing.T) {
			p := enroll(w.person("twice"+method).begins(method, "+16505551212"))
			b := w.browser()
			b.ask(p.Email, method).Want(200)
			code := p.Texted
			if method == storage.Email {
				code = p.Mailed
			}
			b.passcode(p, code()).Refused("one channel for both factors")
			b.out("one channel for both factors")
			b.validate(code()).Refused("a second code of the channel")
			b.Post("/tf-select", m{"which": method}).Refused("the channel as a choice")
			b.out("the channel chosen")
			// If the account has another factor, the channel is not offered.
			p.enrollApp()
			b = w.browser()
			b.ask(p.Email, method).Want(200)
			r := b.passcode(p, code()).Want(200)
			if strings.Contains(r.Body, `"tf_method":"`+method) || r.JSON["tf_select"] == true {
				t.Errorf("the channel is offered again: %s", r.Body)
			}
			b.Post("/tf-select", m{"which": method}).Refused("the channel as a choice")
			b.validate(p.Next()).Want(200)
			b.in(p, 2)
		})
	}
	t.Run("an app that began a sign-in is no second factor of it", func(t *testing.T) {
		p := w.person("apps").begins(storage.Authenticator)
		first := p.App
		p.enrollApp()
		second := p.App
		if slices.Equal(first, second) {
			t.Error("two channels share one secret")
		}
		w.Advance(time.Minute)
		b := w.browser()
		b.passcode(p, testkit.App(first).At(w.Now().Unix()/30)).Refused("app after app")
		b.out("app after app")
		b.login(p).Want(200)
		w.Advance(time.Minute)
		b.validate(testkit.App(first).At(w.Now().Unix() / 30)).Refused("the first factor's app as the second")
		b.validate(testkit.App(second).At(w.Now().Unix() / 30)).Want(200)
		b.in(p, 2)
	})
	t.Run("what began a sign-in cannot become its second factor", func(t *testing.T) {
		p := w.person("planner").begins(storage.Email)
		b := w.browser()
		b.ask(p.Email, "email").Want(200)
		b.passcode(p, p.Mailed()).Want(200)
		b.Post("/tf-setup", m{"setup": "email"}).Refused("the mailbox again")
		if strings.Contains(b.Get("/tf-setup").Want(200).Body, `"email"`) {
			t.Error("the mailbox is offered again")
		}
	})
}

// TestR049_UnknownIdentitiesLookTheSame covers requests for a code and attempts with one.
func TestR049_UnknownIdentitiesLookTheSame(t *testing.T) {
	w := newWorld(t, unified)
	known, off := w.person("known").begins(storage.Email), w.person("gone").begins(storage.Email)
	w.person("never")
	w.Must(w.Nodes[0].Auth.SetActive(t.Context(), off.ID, false))
	sent := w.mails()
	shape := func(identity string) string {
		b := w.browser()
		r := b.ask(identity, "email")
		again := b.Post("/us-signin", m{"identity": identity, "passcode": "000000"})
		return mask(r) + mask(again)
	}
	want := shape(known.Email)
	if !strings.Contains(want, "200") {
		t.Fatal(want)
	}
	for _, identity := range []string{"nobody@good.test", "gone@good.test", "never@good.test", "never", "Nobody",
		"no such name"} {
		if got := shape(identity); got != want {
			t.Errorf("%s:\n%s\nwant, as for an account:\n%s", identity, got, want)
		}
	}
	if n := w.mails(); n != sent+1 {
		t.Errorf("%d messages went out, want 1", n-sent)
	}
}

// mask returns an answer without the values that vary.
func mask(a *answer) string {
	var names []string
	for _, line := range a.Header.Values("Set-Cookie") {
		name, rest, _ := strings.Cut(line, "=")
		_, attributes, _ := strings.Cut(rest, ";")
		names = append(names, name+attributes)
	}
	slices.Sort(names)
	body := a.Body
	if token, ok := a.JSON["csrf_token"].(string); ok {
		body = strings.ReplaceAll(body, token, "T")
	}
	return strings.Join(append(names, a.What, body, a.Header.Get("Location")), "\n") + " " +
		time.Duration(a.Status).String()
}

// TestR050_StrangersCannotInvalidateACode checks that requests for codes in another user's name
// neither invalidate the user's code nor prevent the next one.
func TestR050_StrangersCannotInvalidateACode(t *testing.T) {
	w := newWorld(t, unified, proxied)
	p := w.person("victim").begins(storage.Email).enrollApp()
	mine := w.browser()
	mine.Header["X-Forwarded-For"] = "203.0.113.9"
	mine.ask(p.Email, "email").Want(200)
	code := p.Mailed()
	for i := range 100 {
		b := w.browser()
		b.Header["X-Forwarded-For"] = "198.51.100." + string(rune('1'+i%9)) + string(rune('0'+i/9%2))
		b.Post("/us-signin/send-code", m{"identity": p.Email, "chosen_method": "email"})
		b.passcode(p, p.Wrong())
	}
	w.settled()
	w.Advance(time.Minute)
	again := w.browser()
	again.Header["X-Forwarded-For"] = "203.0.113.9"
	again.ask(p.Email, "email").Want(200)
	if p.Mailed() == code {
		t.Error("the next code did not arrive")
	}
	// The guesses pause the account as usual; the code that was sent stays valid afterwards.
	w.Advance(2 * time.Hour)
	again.ask(p.Email, "email").Want(200)
	again.passcode(p, p.Mailed()).Want(200)
	// They do not use the budget of the second factor's codes.
	b := w.browser()
	b.login(p).Want(200)
	b.validate(p.Next()).Want(200)
	b.in(p, 2)
}

// TestR051_OpeningALinkDoesNothing checks that the page of the link has a button that works once.
// In another browser, the user must confirm first.
func TestR051_OpeningALinkDoesNothing(t *testing.T) {
	w := newWorld(t, unified)
	p := w.person("alice").begins(storage.Email)
	b := w.browser()
	b.ask(p.Email, "email").Want(200)
	link := p.linked()
	rows := w.rows("challenges", "sessions")
	scanner := w.browser()
	for range 5 {
		for _, method := range []string{"GET", "HEAD"} {
			r := scanner.Do(method, link, "", "", "Accept", "text/html").Want(200)
			if r.Cookie("twofold") != "" || r.Header.Get("Referrer-Policy") != "strict-origin" ||
				!strings.Contains(r.Header.Get("Cache-Control"), "no-store") {
				t.Errorf("%s: %v", method, r.Header)
			}
		}
	}
	if w.rows("challenges", "sessions") != rows {
		t.Error("opening the link changed something")
	}
	scanner.out("opened the link")
	scanner.Form(link, "csrf_token", "").Refused("another browser, without a word")
	scanner.Post(link, m{}).Want(400).Refused("another browser, without a word")
	scanner.Post(link, m{"meant": false}).Want(400)
	scanner.out("another browser, without a word")
	b.Post(link, m{}).Want(200)
	b.in(p, 1)
	for _, again := range []*browser{w.browser(), scanner} {
		again.Post(link, m{"meant": true}).Want(400).Refused("a link that was used")
		again.out("a link that was used")
	}
	w.Advance(time.Minute)

	elsewhere := w.browser()
	b = w.browser()
	b.ask(p.Email, "email").Want(200)
	link = p.linked()
	elsewhere.Post(link, m{"meant": true}).Want(200)
	elsewhere.in(p, 1)
	b.passcode(p, p.Mailed()).Refused("the code beside a link that was used")

	for why, change := range map[string]func(){
		"too old":            func() { w.Advance(10*time.Minute + time.Second) },
		"credentials change": func() { w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), p.ID, secret+"!")) },
		"another was sent":   func() { w.Advance(time.Minute); b.ask(p.Email, "email").Want(200) },
		"its code was used":  func() { w.browserOf(b).passcode(p, p.Mailed()).Want(200) },
	} {
		t.Run(why, func(t *testing.T) {
			w.Advance(time.Minute)
			b = w.browser()
			b.ask(p.Email, "email").Want(200)
			link := p.linked()
			change()
			b.copy().Post(link, m{"meant": true}).Refused(why)
			b.copy().Page(link)
		})
	}
}

// browserOf returns another tab of a browser that is signed out.
func (w *world) browserOf(b *browser) *browser {
	c := b.copy()
	delete(c.Jar, "twofold")
	return c
}

// TestR043_ACodeIsForTheBrowserThatAsked also checks that a code is valid for one purpose, one
// channel, one use and five tries.
func TestR043_ACodeInPlaceOfAPasswordIsBound(t *testing.T) {
	w := newWorld(t, unified)
	p := w.person("alice").begins(storage.Email).begins(storage.SMS, "+16505551212")
	q := w.person("robert").begins(storage.Email)
	one, two := w.browser(), w.browser()
	one.ask(p.Email, "email").Want(200)
	code := p.Mailed()
	two.passcode(p, code).Refused("another browser")
	two.ask(p.Email, "email").Want(200)
	two.passcode(p, code).Refused("another browser's code")
	one.passcode(q, code).Refused("another account")
	signed := w.plantSession(p)
	signed.Post("/us-verify", m{"passcode": code}).Refused("a code of a sign-in, to prove oneself again")
	// Only the newest code is valid, whatever the channel.
	w.Advance(time.Minute)
	one.ask(p.Email, "sms").Want(200)
	one.passcode(p, code).Refused("a code before the newest")
	text := p.Texted()
	one.copy().passcode(p, text).Want(200)
	one.passcode(p, text).Refused("a used code")
	// A code for re-authentication is not valid for a sign-in.
	signed.Post("/us-verify/send-code", m{"chosen_method": "email"}).Want(200)
	one.passcode(p, p.Mailed()).Refused("a code to prove oneself again, at a sign-in")
	// Five tries.
	w.Advance(10 * time.Minute)
	one.ask(p.Email, "email").Want(200)
	code = p.Mailed()
	for range 5 {
		one.passcode(p, other(code)).Refused("a wrong code")
	}
	one.passcode(p, code).Refused("after five tries")
}

// TestR197_ASetUpOfASignInIsShownToItsSession checks that a session can view its enrollment of a
// first factor until it is completed, and the key only while the session is fresh. Other sessions
// cannot.
func TestR197_ASetUpOfASignInIsShownToItsSession(t *testing.T) {
	w := newWorld(t, unified, func(c *twofold.Config) { c.TwoFactor.SetupWithin = 30 * time.Minute })
	p := w.person("alice")
	b, other := w.plantSession(p), w.plantSession(p)
	r := b.Post("/us-setup", m{"chosen_method": "authenticator"}).Want(200)
	key, path := r.Text("authr_b32key"), "/us-setup/"+r.Text("state")
	b.Post(path, m{"passcode": "000000"}).Want(400)
	page := b.Page(path).Want(200)
	again := b.Get(path).Want(200).Text("authr_b32key")
	if !strings.Contains(page.Body, "<span>"+key[:4]+"</span>") || again != key {
		t.Error("a wrong code closed the set-up")
	}
	for _, stranger := range []*browser{other, w.plantSession(w.person("victor"))} {
		stranger.Get(path).Want(400)
		stranger.Post(path, m{"resend": true}).Want(400)
		if strings.Contains(stranger.Page(path).Want(303).Body, key[:4]) {
			t.Error("another session is shown the key")
		}
	}
	w.browser().Get(path).Want(401)
	w.Advance(20 * time.Minute)
	_, told := b.Get(path).Want(200).JSON["authr_b32key"]
	if told || strings.Contains(b.Page(path).Body, "<span>"+key[:4]+"</span>") {
		t.Error("a session that is no longer fresh is shown the key")
	}
}
