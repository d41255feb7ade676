package security_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

func repairOnly(c *twofold.Config) { open(c); c.TwoFactor.RescueRepairOnly = true }
func waiting(c *twofold.Config)    { open(c); c.TwoFactor.Recovery = true }
func strictly(c *twofold.Config)   { c.TwoFactor.Recovery = true }

// links returns the recovery links that were mailed to a person, newest last.
func (p *person) links() []string {
	p.w.T.Helper()
	p.w.settled()
	var out []string
	for _, mail := range p.w.Mail.To(p.Email) {
		if mail.Kind == "recovery" {
			link := testkit.Link(mail.Text, "tf-recovery")
			p.w.handedOut("recovery link", link)
			out = append(out, link)
		}
	}
	return out
}

// asks requests a recovery in a new sign-in.
func (w *world) asks(p *person) *answer {
	w.T.Helper()
	return w.plantPending(p).Post("/tf-rescue", m{"help_setup": "recovery_request"})
}

func (w *world) askedLink(p *person) string {
	w.T.Helper()
	w.asks(p).Want(200)
	links := p.links()
	if len(links) == 0 {
		w.T.Fatal("no link was mailed")
	}
	return links[len(links)-1]
}

// opens checks that the link and the password lead to an enrollment.
func (w *world) opens(link, password string) (*browser, *answer) {
	w.T.Helper()
	b := w.browser()
	return b, b.Post(link, m{"password": password})
}

// TestR075_RescueLeadsToRepair covers sites that require a repair: another factor must replace the
// lost one before there is a session.
func TestR075_RescueLeadsToRepair(t *testing.T) {
	w := newWorld(t, repairOnly)
	a := w.withApp("alice").enrollSMS("+16505551212")
	var lost, kept string
	for _, f := range a.Factors() {
		if f.Method == "authenticator" {
			lost = f.ID
		} else {
			kept = f.ID
		}
	}
	elsewhere, trusted := w.plantSession(a), w.trusted2(a, func() *browser {
		b := w.browser()
		b.login(a, m{"remember": true}).Want(200)
		b.Post("/tf-select", m{"which": "authenticator"}).Want(200)
		b.validate(a.Next()).Want(200)
		return b
	}())
	b := w.browser()
	b.login(a, m{"remember": true}).Want(200)
	b.Post("/tf-select", m{"which": "authenticator"}).Want(200)
	b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	code := a.Mailed()
	r := b.validate(code).Want(200)
	if r.JSON["tf_state"] != "setup_from_login" || b.Jar["twofold"] != "" || r.JSON["user"] != nil {
		t.Fatalf("answer %s", r.Body)
	}
	b.out("rescued, nothing repaired")
	for _, path := range []string{"/me", "/tf-sessions", "/tf-devices", "/tf-recovery", "/verify"} {
		b.copy().Get(path).Want(401)
	}
	for path, body := range map[string]m{
		"/tf-rescue": {"help_setup": "email"}, "/tf-select": {"which": "sms"}, "/verify": {"password": secret},
		"/tf-resend": {},
	} {
		b.copy().Post(path, body).Refused(path)
	}
	b.copy().Post("/tf-setup", m{"setup": "disable"}).Want(400)
	w.Advance(11 * time.Second)
	b.copy().validate(code).Refused("the rescue code again")
	b.copy().validate(a.Next()).Refused("the lost factor's code")
	trusted.asked(a, "a trusted device after a rescue")
	got := b.Get("/tf-setup").Want(200)
	if got.JSON["tf_phone_number"] != nil || got.JSON["tf_primary_method"] != nil {
		t.Errorf("a rescued sign-in is told what is set up: %s", got.Body)
	}
	r = b.Post("/tf-setup", m{"setup": "authenticator", "add": true}).Want(200)
	app := testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	old := a.App
	a.App = app
	b.validate(a.Wrong()).Want(400).Refused("a wrong code")
	b.out("a wrong code")
	done := b.validate(a.Code(0)).Want(200)
	b.in(a, 2)
	if done.Cookie("tf_validity") != "" || w.count("devices") != 0 {
		t.Error("trusted after a rescue")
	}
	var ids []string
	for _, f := range a.Factors() {
		ids = append(ids, f.ID)
	}
	if len(ids) != 2 || slices.Contains(ids, lost) || !slices.Contains(ids, kept) {
		t.Errorf("factors %v, lost %s, kept %s", ids, lost, kept)
	}
	elsewhere.out("a session from before the repair")
	late := w.browser()
	late.login(a).Want(200)
	late.Post("/tf-select", m{"which": "authenticator"}).Want(200)
	w.Advance(time.Minute)
	late.validate(testkit.App(old).At(w.Now().Unix() / 30)).Want(400).Refused("the lost factor")
	kinds := w.kinds(a.Email)
	if kinds["rescued"] != 1 || kinds["rescue_asked"] != 1 {
		t.Errorf("notices %v", kinds)
	}
}

// TestR075_ARescueEndsRecoveryCodes checks that recovery codes end when another factor replaces the
// lost one, because a user who needs a rescue does not have the codes and an attacker may. The
// owner is notified.
func TestR075_ARescueEndsRecoveryCodes(t *testing.T) {
	w := newWorld(t, repairOnly, waiting)
	for name, rescued := range map[string]func(p *person) *browser{
		"a mailed code": func(p *person) *browser {
			b := w.plantPending(p)
			b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
			b.validate(p.Mailed()).Want(200)
			return b
		},
		"a recovery": func(p *person) *browser {
			link := w.askedLink(p)
			w.Advance(24*time.Hour + time.Second)
			b, r := w.opens(link, secret)
			r.Want(200)
			return b
		},
		"an operator": func(p *person) *browser {
			w.Must(w.Nodes[0].Auth.StartRecovery(t.Context(), p.ID, "ticket 4711"))
			links := p.links()
			b, r := w.opens(links[len(links)-1], secret)
			r.Want(200)
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			for i, has := range []bool{true, false} {
				p := w.withApp(fmt.Sprint(strings.Fields(name)[1], i))
				code := "aaaa-bbbb-cccc-dddd"
				if has {
					code = p.recoveryCodes()[0]
				}
				made := p.codesLeft()
				b := rescued(p)
				if n := p.codesLeft(); n != made {
					t.Errorf("%d codes before another factor is set up, want %d", n, made)
				}
				r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
				p.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
				b.validate(p.Code(0)).Want(200)
				b.in(p, 2)
				w.plantPending(p).recover(code).Want(400).Refused("a recovery code from before the rescue")
				if n := p.codesLeft(); n != 0 {
					t.Errorf("%d codes are left", n)
				}
				if told := w.kinds(p.Email)["codes_ended"] == 1; told != has {
					t.Errorf("the owner was told that codes ended: %v", told)
				}
			}
		})
	}
}

// TestR075_ARescuedSessionThatChangesFactorsEndsRecoveryCodes checks the same for changes after a
// rescue, because the codes may be an attacker's. Changes in other sessions keep them.
func TestR075_ARescuedSessionThatChangesFactorsEndsRecoveryCodes(t *testing.T) {
	w := newWorld(t, open)
	sets := func(add bool) func(*browser, *person) {
		return func(b *browser, p *person) {
			r := b.Post("/tf-setup", m{"setup": "authenticator", "add": add}).Want(200)
			app := w.of(testkit.Person{App: testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))})
			b.validate(app.Code(0)).Want(200)
		}
	}
	for name, change := range map[string]func(*browser, *person){
		"replace": sets(false), "add": sets(true),
		"remove":       func(b *browser, p *person) { b.remove(p.factorIDs()["authenticator"]).Want(200) },
		"passkey":      func(b *browser, _ *person) { b.register(w.key(phoneKey), "key", storage.UseSecond).Want(200) },
		"first factor": func(b *browser, _ *person) { b.register(w.key(phoneKey), "key", storage.UseFirst).Want(200) },
	} {
		for _, rescued := range []bool{true, false} {
			p := w.withApp(strings.ReplaceAll(name, " ", "") + fmt.Sprint(rescued))
			p.enrollSMS(fmt.Sprint("+165055512", 10+w.count("users")))
			code := p.recoveryCodes()[0]
			b := w.plantPending(p)
			b.Post("/tf-select", m{"which": "authenticator"}).Want(200)
			if rescued {
				b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
				b.validate(p.Mailed()).Want(200)
			} else {
				b.validate(p.Next()).Want(200)
			}
			change(b, p)
			b.in(p, 2)
			ends := rescued && name != "first factor"
			if left := p.codesLeft(); (left == 0) != ends {
				t.Errorf("%s, rescued %v: %d codes are left", name, rescued, left)
			}
			if told := w.kinds(p.Email)["codes_ended"] == 1; told != ends {
				t.Errorf("%s, rescued %v: the owner was told that codes ended: %v", name, rescued, told)
			}
			if ends {
				w.plantPending(p).recover(code).Want(400).Refused("a recovery code from before the rescue")
			}
		}
	}
}

// TestR075_AFactorThatDoesNotCountIsNotLost checks that a user who must replace a factor that is no
// longer accepted keeps the recovery codes, even if they requested a rescue.
func TestR075_AFactorThatDoesNotCountIsNotLost(t *testing.T) {
	w := newWorld(t, open)
	p := w.person("alice").enrollSMS("+16505551212")
	p.recoveryCodes()
	left := p.codesLeft()
	b := w.plantPending(p)
	b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	b = b.on(w.Restart(strongOnly))
	w.Advance(time.Minute)
	b.Post("/tf-resend", m{}).Want(200)
	b.validate(p.Texted()).Want(200)
	r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	p.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	b.validate(p.Code(0)).Want(200)
	b.in(p, 2)
	if n := p.codesLeft(); n != left || left == 0 {
		t.Errorf("%d codes are left of %d", n, left)
	}
	if n := w.kinds(p.Email)["codes_ended"]; n != 0 {
		t.Errorf("the owner was told %d times that codes ended", n)
	}
}

// TestR075_TheSamePhoneAgain checks that a repair with a phone that is already enrolled keeps that
// phone once and removes the lost factor.
func TestR075_TheSamePhoneAgain(t *testing.T) {
	w := newWorld(t, repairOnly)
	a := w.person("alice").enrollSMS("+16505551212").enrollApp() // the phone is the default
	b := w.browser()
	b.login(a).Want(200)
	b.Post("/tf-select", m{"which": "authenticator"}).Want(200)
	b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	b.validate(a.Mailed()).Want(200)
	w.Advance(time.Minute)
	b.Post("/tf-setup", m{"setup": "sms", "phone": a.Phone}).Want(200)
	b.validate(a.Texted()).Want(200)
	b.in(a, 2)
	if got := a.Factors(); len(got) != 1 || got[0].Method != "sms" || !got[0].Primary {
		t.Errorf("%d factors are left: %v", len(got), got)
	}
}

// TestR076_RescueStaysBlocked checks that after "this was not me" there is no rescue until the user
// proves a second factor. The user can still contact the administrators.
func TestR076_RescueStaysBlocked(t *testing.T) {
	w := newWorld(t, waiting)
	a := w.withApp("alice")
	link := w.askedLink(a)
	w.browser().Form("/tf-not-me/" + a.newestStop()).Want(200)
	shut := func(why string) {
		t.Helper()
		b := w.plantPending(a)
		options, _ := b.Get("/tf-rescue").Want(200).JSON["recovery_options"].(m)
		if len(options) != 1 || options["help"] == nil {
			t.Errorf("%s: options %v", why, options)
		}
		for _, option := range []string{"email", "recovery_request"} {
			b.Post("/tf-rescue", m{"help_setup": option}).Want(400).Refused(why)
		}
	}
	shut("after the button")
	w.Advance(25 * time.Hour)
	_, r := w.opens(link, secret)
	r.Want(400).Refused("the link asked for before")
	w.Restart()
	shut("a day and a restart later")
	w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), a.ID, "another horse 72 battery"))
	shut("after a new password")
	b := w.plantPending(a)
	b.validate(a.Wrong()).Want(400)
	shut("after a wrong code")
	w.Advance(time.Minute)
	b = w.plantPending(a)
	b.validate(a.Code(0)).Want(200)
	options, _ := w.plantPending(a).Get("/tf-rescue").Want(200).JSON["recovery_options"].(m)
	if options["email"] == nil || options["recovery_request"] == nil {
		t.Errorf("after a real factor: options %v", options)
	}
	w.asks(a).Want(200)
}

// TestR073_RecoveryNeedsPasswordAndMailbox checks that a recovery is not offered without the
// password, after a first factor by mail, or after a reset through the mailbox, and that its link
// requires the password again.
func TestR073_RecoveryNeedsPasswordAndMailbox(t *testing.T) {
	w := newWorld(t, strictly)
	a := w.withApp("alice")
	w.browser().Post("/tf-rescue", m{"help_setup": "recovery_request"}).Want(400)
	w.plantSession(a).Post("/tf-rescue", m{"help_setup": "recovery_request"}).Want(400)
	w.write(`UPDATE twofold_users SET reset_at = ? WHERE id = ?`, w.Now().UnixMicro(), a.ID)
	w.asks(a).Want(400)
	w.Advance(24*time.Hour + time.Minute)
	link := w.askedLink(a)
	w.Advance(24*time.Hour + time.Second)
	for _, wrong := range []string{"", "wrong", secret + "x"} {
		b, r := w.opens(link, wrong)
		r.Want(400).Refused("the link without the password")
		b.out("the link without the password")
		b.Post("/tf-setup", m{"setup": "authenticator"}).Refused("the link without the password")
	}
	b := w.browser()
	b.Post("/tf-setup", m{"setup": "authenticator"}).Refused("no link at all")
	for range 12 {
		w.opens(link, "wrong")
	}
	_, r := w.opens(link, secret)
	r.Want(429)
	w.Advance(time.Hour)
	_, r = w.opens(link, secret)
	r.Want(200)
}

// TestR074_RecoveryLink checks the waiting period, the single use and the validity of a day. A
// second request does not change them.
func TestR074_RecoveryLink(t *testing.T) {
	w := newWorld(t, waiting)
	a := w.withApp("alice")
	old := a.App
	link := w.askedLink(a)
	early := func() {
		t.Helper()
		b, r := w.opens(link, secret)
		r.Want(400).Refused("before it opens")
		b.out("before it opens")
		b.Post("/tf-setup", m{"setup": "authenticator"}).Refused("before it opens")
	}
	early()
	w.Advance(12 * time.Hour)
	r := w.asks(a).Want(200)
	if r.JSON["opens"] != w.Now().Add(12*time.Hour).Format(time.RFC3339) {
		t.Errorf("asked again, it opens at %v", r.JSON["opens"])
	}
	if n := len(a.links()); n != 1 {
		t.Errorf("%d links were mailed, want 1", n)
	}
	w.Advance(11*time.Hour + 59*time.Minute)
	early()
	w.Restart()
	w.Advance(time.Minute)
	before := w.rows("users", "factors", "recoveries")
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} {
		w.browser().Do(method, link, "", "", "Accept", "text/html")
	}
	if w.rows("users", "factors", "recoveries") != before {
		t.Error("opening the link changed something")
	}
	w.browser().Post(testkit.Forge(link), m{"password": secret}).Want(400).Refused("a forged link")
	w.browser().Do("POST", link, testkit.TypeForm, "password="+secret, "Sec-Fetch-Site", "cross-site", "Origin",
		"https://evil.test").Want(403)
	answers := make([]*answer, 8)
	browsers := make([]*browser, 8)
	testkit.Par(8, func(i int) { browsers[i], answers[i] = w.opens(link, secret) })
	var b *browser
	for i, r := range answers {
		if r.Status == 200 {
			if b != nil {
				t.Error("the link worked twice")
			}
			b = browsers[i]
		}
		browsers[i].out("the link alone")
	}
	if b == nil {
		t.Fatal("the link does not work")
	}
	if len(a.Factors()) != 1 || a.Factors()[0].Method != "authenticator" {
		t.Fatal("the link switched something off")
	}
	s := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	a.App = testkit.ReadApp(w.T, s.Text("tf_authr_b32key"))
	b.validate(a.Code(0)).Want(200)
	b.in(a, 2)
	if len(a.Factors()) != 1 {
		t.Errorf("%d factors", len(a.Factors()))
	}
	w.plantPending(a).validate(testkit.App(old).At(w.Now().Unix() / 30)).Want(400).Refused("the lost factor")
	_, r = w.opens(link, secret)
	r.Want(400).Refused("a second time")

	v := w.withApp("victor")
	link = w.askedLink(v)
	w.Advance(48 * time.Hour)
	_, r = w.opens(link, secret)
	r.Want(400).Refused("a day after it opened")
	w.asks(v).Want(200) // one that is over does not stand in the way
}

// TestR076_RecoveryIsAnnouncedAndStopped checks that the owner is notified at once by mail, by SMS
// and in every signed-in browser, and that a change of anything that the recovery depends on ends
// it.
func TestR076_RecoveryIsAnnouncedAndStopped(t *testing.T) {
	w := newWorld(t, waiting)
	a, v := w.withApp("alice").enrollSMS("+16505551212"), w.withApp("victor")
	owner, stranger := w.plantSession(a), w.plantSession(v)
	texts := w.SMS.Count("+16505551212")
	b := w.browser()
	b.login(a).Want(200)
	b.Post("/tf-select", m{"which": "authenticator"}).Want(200)
	b.Post("/tf-rescue", m{"help_setup": "recovery_request"}).Want(200)
	if n := w.kinds(a.Email)["recovery_asked"]; n != 1 {
		t.Errorf("%d notices, want 1", n)
	}
	if n := w.SMS.Count("+16505551212"); n != texts+1 {
		t.Errorf("%d texts, want 1", n-texts)
	}
	links := a.links()
	asked, _ := owner.Get("/me").Want(200).JSON["recovery"].(m)
	if asked["opens"] == nil || asked["address"] != "127.0.0.1" {
		t.Errorf("the account says %v", asked)
	}
	if page := owner.Page("/me").Want(200); !strings.Contains(page.Body, `action="/tf-recovery"`) {
		t.Error("the page offers no way to stop it")
	}
	stranger.del("/tf-recovery").Want(404)
	w.browser().del("/tf-recovery").Want(401)
	w.Advance(30 * time.Minute) // no fresh proof is needed to stop it
	owner.Form("/tf-recovery").Want(303)
	w.Advance(24 * time.Hour)
	_, r := w.opens(links[0], secret)
	r.Want(400).Refused("stopped by the owner")

	for name, dies := range map[string]func(p *person){
		"signed in with the factor": func(p *person) {
			w.Advance(time.Minute)
			w.plantPending(p).validate(p.Code(0)).Want(200)
		},
		"new password": func(p *person) { w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), p.ID, secret+" x")) },
		"not me":       func(p *person) { w.browser().Form("/tf-not-me/" + p.newestStop()).Want(200) },
		"another factor": func(p *person) {
			s := w.plantSession(p)
			r := s.Post("/tf-setup", m{"setup": "email", "add": true}).Want(200)
			s.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": p.Mailed()}).Want(200)
		},
		"another address": func(p *person) {
			w.Must(w.Nodes[0].Auth.SetIdentity(t.Context(), p.ID, "new"+p.Email, ""))
		},
		"switched off": func(p *person) {
			w.Must(w.Nodes[0].Auth.SetActive(t.Context(), p.ID, false))
			w.Must(w.Nodes[0].Auth.SetActive(t.Context(), p.ID, true))
		},
		"all others signed out": func(p *person) { w.plantSession(p).Post("/tf-sessions", nil).Want(200) },
	} {
		p := w.withApp(strings.ReplaceAll(name, " ", ""))
		link := w.askedLink(p)
		dies(p)
		w.Advance(25 * time.Hour)
		password := secret
		if name == "new password" {
			password += " x"
		}
		b, r := w.opens(link, password)
		r.Want(400).Refused(name)
		b.out(name)
		b.Post("/tf-setup", m{"setup": "authenticator"}).Refused(name)
	}
}

// TestR077_AnOperatorStartsARecovery checks that the operator cannot use the recovery: the link
// goes to the owner, who is notified, and the reason is recorded.
func TestR077_AnOperatorStartsARecovery(t *testing.T) {
	w := newWorld(t, open) // people cannot ask for it themselves here
	a := w.withApp("alice")
	w.asks(a).Want(400)
	w.browser().Form("/tf-not-me/" + a.newestStop()).Want(200) // and rescue is shut
	n := w.Nodes[0]
	w.Must(n.Auth.StartRecovery(t.Context(), a.ID, "called back, ticket 4711"))
	links := a.links()
	if len(links) != 1 || w.kinds(a.Email)["recovery_started"] != 1 {
		t.Fatalf("%d links, notices %v", len(links), w.kinds(a.Email))
	}
	if rows := happened[event.RecoveryStarted](w); len(rows) != 1 || rows[0].Reason != "called back, ticket 4711" {
		t.Errorf("events %+v", rows)
	}
	found := false
	for _, e := range w.trail(0) {
		found = found || e.Event == "recovery-started" && e.Reason == "called back, ticket 4711"
	}
	if !found {
		t.Error("the reason is not in the trail")
	}
	b, r := w.opens(links[0], secret)
	r.Want(200)
	b.out("the link alone")
	s := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	a.App = testkit.ReadApp(w.T, s.Text("tf_authr_b32key"))
	b.validate(a.Code(0)).Want(200)
	b.in(a, 2)
	if err := n.Auth.StartRecovery(t.Context(), w.person("plain").ID, "x"); err == nil {
		t.Error("an account without a second factor has one to recover")
	}
}
