package security_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
)

// unified enables unified sign-in.
func unified(c *twofold.Config) { c.Passwordless = &twofold.Passwordless{} }

var codeLink = regexp.MustCompile(`/us-verify-link/[A-Za-z0-9._-]+`)

// begins enrolls a method as a first factor of the person.
func (p *person) begins(method string, phone ...string) *person {
	p.w.t.Helper()
	b, body := p.w.plantSession(p), m{"chosen_method": method}
	if len(phone) > 0 {
		p.phone, body["phone"] = phone[0], phone[0]
	}
	r := b.post("/us-setup", body).want(200)
	code := ""
	switch method {
	case storage.Email:
		code = p.mailed()
	case storage.SMS:
		code = p.texted()
	default:
		p.app = decode(p.w, r.text("authr_b32key"))
		code = p.code(0)
	}
	b.post("/us-setup/"+r.text("state"), m{"passcode": code}).want(200)
	p.w.advance(time.Minute)
	return p
}

// ask requests a code instead of a password and waits until it is sent.
func (b *browser) ask(identity, method string) *answer {
	b.w.t.Helper()
	r := b.post("/us-signin/send-code", m{"identity": identity, "chosen_method": method})
	b.w.settled()
	return r
}

func (b *browser) passcode(p *person, code string) *answer {
	b.w.t.Helper()
	return b.post("/us-signin", m{"identity": p.email, "passcode": code})
}

// linked returns the newest link that was sent with a code.
func (p *person) linked() string {
	p.w.t.Helper()
	p.w.settled()
	found := ""
	for _, mail := range p.w.mail.To(p.email) {
		if l := codeLink.FindString(mail.Text); l != "" {
			found = l
		}
	}
	if found == "" {
		p.w.t.Fatal("no link in any mail")
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
			app := p.app
			b := w.browser()
			b.login(p).want(200)
			r := b.post("/tf-setup", m{"setup": method, "phone": "+16505551212"}).want(200)
			w.settled()
			code := map[string]func() string{
				storage.SMS: p.texted, storage.Email: p.mailed,
				storage.Authenticator: func() string { return totp(app, w.Now().Unix()/30) },
			}[method]
			first := ""
			if method == storage.Authenticator {
				first = totp(decode(w, r.text("tf_authr_b32key")), w.Now().Unix()/30)
			} else {
				first = code()
				w.advance(time.Minute)
				b.post("/us-verify/send-code", m{"chosen_method": method}).want(200)
				w.settled()
			}
			b.post("/us-verify", m{"passcode": code()}).want(200)
			before := w.rows("users", "factors", "devices")
			b.post("/tf-setup/"+r.text("tf_state_token"),
				m{"code": first}).want(400).refused("one thing as both factors")
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
		b.ask(p.email, "email").want(200)
		b.passcode(p, p.mailed()).want(200)
		b.in(p, 1)
	})
	t.Run("with an app, the app is asked for", func(t *testing.T) {
		p := w.person("alice").begins(storage.Email).enrollApp()
		b := w.browser()
		b.ask(p.email, "email").want(200)
		r := b.passcode(p, p.mailed()).want(200)
		if r.json["tf_required"] != true || r.text("tf_method") != "authenticator" {
			t.Errorf("after the first factor: %v", r.json)
		}
		b.out("a mailed code alone")
		b.validate(p.next()).want(200)
		b.in(p, 2)
	})
	for method, enroll := range map[string]func(*person) *person{
		storage.Email: (*person).enrollMail,
		storage.SMS:   func(p *person) *person { return p.enrollSMS("+16505551212") },
	} {
		t.Run("the same channel is not taken twice: "+method, func(t *testing.T) {
			p := enroll(w.person("twice"+method).begins(method, "+16505551212"))
			b := w.browser()
			b.ask(p.email, method).want(200)
			code := p.texted
			if method == storage.Email {
				code = p.mailed
			}
			b.passcode(p, code()).refused("one channel for both factors")
			b.out("one channel for both factors")
			b.validate(code()).refused("a second code of the channel")
			b.post("/tf-select", m{"which": method}).refused("the channel as a choice")
			b.out("the channel chosen")
			// If the account has another factor, the channel is not offered.
			p.enrollApp()
			b = w.browser()
			b.ask(p.email, method).want(200)
			r := b.passcode(p, code()).want(200)
			if strings.Contains(r.body, `"tf_method":"`+method) || r.json["tf_select"] == true {
				t.Errorf("the channel is offered again: %s", r.body)
			}
			b.post("/tf-select", m{"which": method}).refused("the channel as a choice")
			b.validate(p.next()).want(200)
			b.in(p, 2)
		})
	}
	t.Run("an app that began a sign-in is no second factor of it", func(t *testing.T) {
		p := w.person("apps").begins(storage.Authenticator)
		first := p.app
		p.enrollApp()
		second := p.app
		if slices.Equal(first, second) {
			t.Error("two channels share one secret")
		}
		w.advance(time.Minute)
		b := w.browser()
		b.passcode(p, totp(first, w.Now().Unix()/30)).refused("app after app")
		b.out("app after app")
		b.login(p).want(200)
		w.advance(time.Minute)
		b.validate(totp(first, w.Now().Unix()/30)).refused("the first factor's app as the second")
		b.validate(totp(second, w.Now().Unix()/30)).want(200)
		b.in(p, 2)
	})
	t.Run("what began a sign-in cannot become its second factor", func(t *testing.T) {
		p := w.person("planner").begins(storage.Email)
		b := w.browser()
		b.ask(p.email, "email").want(200)
		b.passcode(p, p.mailed()).want(200)
		b.post("/tf-setup", m{"setup": "email"}).refused("the mailbox again")
		if strings.Contains(b.get("/tf-setup").want(200).body, `"email"`) {
			t.Error("the mailbox is offered again")
		}
	})
}

// TestR049_UnknownIdentitiesLookTheSame covers requests for a code and attempts with one.
func TestR049_UnknownIdentitiesLookTheSame(t *testing.T) {
	w := newWorld(t, unified)
	known, off := w.person("known").begins(storage.Email), w.person("gone").begins(storage.Email)
	w.person("never")
	w.must(w.nodes[0].auth.SetActive(t.Context(), off.id, false))
	sent := w.mails()
	shape := func(identity string) string {
		b := w.browser()
		r := b.ask(identity, "email")
		again := b.post("/us-signin", m{"identity": identity, "passcode": "000000"})
		return mask(r) + mask(again)
	}
	want := shape(known.email)
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
	for _, line := range a.header.Values("Set-Cookie") {
		name, rest, _ := strings.Cut(line, "=")
		_, attributes, _ := strings.Cut(rest, ";")
		names = append(names, name+attributes)
	}
	slices.Sort(names)
	body := a.body
	if token, ok := a.json["csrf_token"].(string); ok {
		body = strings.ReplaceAll(body, token, "T")
	}
	return strings.Join(append(names, a.what, body, a.header.Get("Location")), "\n") + " " +
		time.Duration(a.status).String()
}

// TestR050_StrangersCannotSpoilASignIn checks that requests for codes in another user's name
// neither invalidate the user's code nor prevent the next one.
func TestR050_StrangersCannotSpoilASignIn(t *testing.T) {
	w := newWorld(t, unified, proxied)
	p := w.person("victim").begins(storage.Email).enrollApp()
	mine := w.browser()
	mine.header["X-Forwarded-For"] = "203.0.113.9"
	mine.ask(p.email, "email").want(200)
	code := p.mailed()
	for i := range 100 {
		b := w.browser()
		b.header["X-Forwarded-For"] = "198.51.100." + string(rune('1'+i%9)) + string(rune('0'+i/9%2))
		b.post("/us-signin/send-code", m{"identity": p.email, "chosen_method": "email"})
		b.passcode(p, p.wrong())
	}
	w.settled()
	w.advance(time.Minute)
	again := w.browser()
	again.header["X-Forwarded-For"] = "203.0.113.9"
	again.ask(p.email, "email").want(200)
	if p.mailed() == code {
		t.Error("the next code did not arrive")
	}
	// The guesses pause the account as usual; the code that was sent stays valid afterwards.
	w.advance(2 * time.Hour)
	again.ask(p.email, "email").want(200)
	again.passcode(p, p.mailed()).want(200)
	// They do not use the budget of the second factor's codes.
	b := w.browser()
	b.login(p).want(200)
	b.validate(p.next()).want(200)
	b.in(p, 2)
}

// TestR051_OpeningALinkDoesNothing checks that the page of the link has a button that works once.
// In another browser, the user must confirm first.
func TestR051_OpeningALinkDoesNothing(t *testing.T) {
	w := newWorld(t, unified)
	p := w.person("alice").begins(storage.Email)
	b := w.browser()
	b.ask(p.email, "email").want(200)
	link := p.linked()
	rows := w.rows("challenges", "sessions")
	scanner := w.browser()
	for range 5 {
		for _, method := range []string{"GET", "HEAD"} {
			r := scanner.do(method, link, "", "", "Accept", "text/html").want(200)
			if r.cookie("twofold") != "" || r.header.Get("Referrer-Policy") != "strict-origin" ||
				!strings.Contains(r.header.Get("Cache-Control"), "no-store") {
				t.Errorf("%s: %v", method, r.header)
			}
		}
	}
	if w.rows("challenges", "sessions") != rows {
		t.Error("opening the link changed something")
	}
	scanner.out("opened the link")
	scanner.form(link, "csrf_token", "").refused("another browser, without a word")
	scanner.post(link, m{}).want(400).refused("another browser, without a word")
	scanner.post(link, m{"meant": false}).want(400)
	scanner.out("another browser, without a word")
	b.post(link, m{}).want(200)
	b.in(p, 1)
	for _, again := range []*browser{w.browser(), scanner} {
		again.post(link, m{"meant": true}).want(400).refused("a link that was used")
		again.out("a link that was used")
	}
	w.advance(time.Minute)

	elsewhere := w.browser()
	b = w.browser()
	b.ask(p.email, "email").want(200)
	link = p.linked()
	elsewhere.post(link, m{"meant": true}).want(200)
	elsewhere.in(p, 1)
	b.passcode(p, p.mailed()).refused("the code beside a link that was used")

	for why, change := range map[string]func(){
		"too old":            func() { w.advance(10*time.Minute + time.Second) },
		"credentials change": func() { w.must(w.nodes[0].auth.SetPassword(t.Context(), p.id, secret+"!")) },
		"another was sent":   func() { w.advance(time.Minute); b.ask(p.email, "email").want(200) },
		"its code was used":  func() { w.browserOf(b).passcode(p, p.mailed()).want(200) },
	} {
		t.Run(why, func(t *testing.T) {
			w.advance(time.Minute)
			b = w.browser()
			b.ask(p.email, "email").want(200)
			link := p.linked()
			change()
			b.copy().post(link, m{"meant": true}).refused(why)
			b.copy().page(link)
		})
	}
}

// browserOf returns another tab of a browser that is signed out.
func (w *world) browserOf(b *browser) *browser {
	c := b.copy()
	delete(c.jar, "twofold")
	return c
}

// TestR043_ACodeIsForTheBrowserThatAsked also checks that a code is valid for one purpose, one
// channel, one use and five tries.
func TestR043_ACodeInPlaceOfAPasswordIsBound(t *testing.T) {
	w := newWorld(t, unified)
	p := w.person("alice").begins(storage.Email).begins(storage.SMS, "+16505551212")
	q := w.person("robert").begins(storage.Email)
	one, two := w.browser(), w.browser()
	one.ask(p.email, "email").want(200)
	code := p.mailed()
	two.passcode(p, code).refused("another browser")
	two.ask(p.email, "email").want(200)
	two.passcode(p, code).refused("another browser's code")
	one.passcode(q, code).refused("another account")
	signed := w.plantSession(p)
	signed.post("/us-verify", m{"passcode": code}).refused("a code of a sign-in, to prove oneself again")
	// Only the newest code is valid, whatever the channel.
	w.advance(time.Minute)
	one.ask(p.email, "sms").want(200)
	one.passcode(p, code).refused("a code before the newest")
	text := p.texted()
	one.copy().passcode(p, text).want(200)
	one.passcode(p, text).refused("a used code")
	// A code for re-authentication is not valid for a sign-in.
	signed.post("/us-verify/send-code", m{"chosen_method": "email"}).want(200)
	one.passcode(p, p.mailed()).refused("a code to prove oneself again, at a sign-in")
	// Five tries.
	w.advance(10 * time.Minute)
	one.ask(p.email, "email").want(200)
	code = p.mailed()
	for range 5 {
		one.passcode(p, other(code)).refused("a wrong code")
	}
	one.passcode(p, code).refused("after five tries")
}

// TestR197_ASetUpOfASignInIsShownToItsSession checks that a session can view its enrollment of a
// first factor until it is completed, and the key only while the session is fresh. Other sessions
// cannot.
func TestR197_ASetUpOfASignInIsShownToItsSession(t *testing.T) {
	w := newWorld(t, unified, func(c *twofold.Config) { c.TwoFactor.SetupWithin = 30 * time.Minute })
	p := w.person("alice")
	b, other := w.plantSession(p), w.plantSession(p)
	r := b.post("/us-setup", m{"chosen_method": "authenticator"}).want(200)
	key, path := r.text("authr_b32key"), "/us-setup/"+r.text("state")
	b.post(path, m{"passcode": "000000"}).want(400)
	page := b.page(path).want(200)
	again := b.get(path).want(200).text("authr_b32key")
	if !strings.Contains(page.body, "<span>"+key[:4]+"</span>") || again != key {
		t.Error("a wrong code closed the set-up")
	}
	for _, stranger := range []*browser{other, w.plantSession(w.person("victor"))} {
		stranger.get(path).want(400)
		stranger.post(path, m{"resend": true}).want(400)
		if strings.Contains(stranger.page(path).want(303).body, key[:4]) {
			t.Error("another session is shown the key")
		}
	}
	w.browser().get(path).want(401)
	w.advance(20 * time.Minute)
	_, told := b.get(path).want(200).json["authr_b32key"]
	if told || strings.Contains(b.page(path).body, "<span>"+key[:4]+"</span>") {
		t.Error("a session that is no longer fresh is shown the key")
	}
}
