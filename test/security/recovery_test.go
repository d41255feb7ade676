package security_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
)

func repairOnly(c *twofold.Config) { open(c); c.TwoFactor.RescueRepairOnly = true }
func waiting(c *twofold.Config)    { open(c); c.TwoFactor.Recovery = true }
func strictly(c *twofold.Config)   { c.TwoFactor.Recovery = true }

var recoveryLink = regexp.MustCompile(`/tf-recovery/[A-Za-z0-9_.-]+`)

// links returns the recovery links that were mailed to a person, newest last.
func (p *person) links() []string {
	p.w.t.Helper()
	p.w.settled()
	var out []string
	for _, mail := range p.w.mail.To(p.email) {
		if mail.Kind == "recovery" {
			link := recoveryLink.FindString(mail.Text)
			p.w.handedOut("recovery link", link)
			out = append(out, link)
		}
	}
	return out
}

// asks requests a recovery in a new sign-in.
func (w *world) asks(p *person) *answer {
	w.t.Helper()
	return w.plantPending(p).post("/tf-rescue", m{"help_setup": "recovery_request"})
}

func (w *world) askedLink(p *person) string {
	w.t.Helper()
	w.asks(p).want(200)
	links := p.links()
	if len(links) == 0 {
		w.t.Fatal("no link was mailed")
	}
	return links[len(links)-1]
}

// opens checks that the link and the password lead to an enrollment.
func (w *world) opens(link, password string) (*browser, *answer) {
	w.t.Helper()
	b := w.browser()
	return b, b.post(link, m{"password": password})
}

// TestR075_RescueLeadsToRepair covers sites that require a repair: another factor must replace the
// lost one before there is a session.
func TestR075_RescueLeadsToRepair(t *testing.T) {
	w := newWorld(t, repairOnly)
	a := w.withApp("alice").enrollSMS("+16505551212")
	var lost, kept string
	for _, f := range a.factors() {
		if f.Method == "authenticator" {
			lost = f.ID
		} else {
			kept = f.ID
		}
	}
	elsewhere, trusted := w.plantSession(a), w.trusted2(a, func() *browser {
		b := w.browser()
		b.login(a, m{"remember": true}).want(200)
		b.post("/tf-select", m{"which": "authenticator"}).want(200)
		b.validate(a.next()).want(200)
		return b
	}())
	b := w.browser()
	b.login(a, m{"remember": true}).want(200)
	b.post("/tf-select", m{"which": "authenticator"}).want(200)
	b.post("/tf-rescue", m{"help_setup": "email"}).want(200)
	code := a.mailed()
	r := b.validate(code).want(200)
	if r.json["tf_state"] != "setup_from_login" || b.jar["twofold"] != "" || r.json["user"] != nil {
		t.Fatalf("answer %s", r.body)
	}
	b.out("rescued, nothing repaired")
	for _, path := range []string{"/me", "/tf-sessions", "/tf-devices", "/tf-recovery", "/verify"} {
		b.copy().get(path).want(401)
	}
	for path, body := range map[string]m{
		"/tf-rescue": {"help_setup": "email"}, "/tf-select": {"which": "sms"}, "/verify": {"password": secret},
		"/tf-resend": {},
	} {
		b.copy().post(path, body).refused(path)
	}
	b.copy().post("/tf-setup", m{"setup": "disable"}).want(400)
	w.advance(11 * time.Second)
	b.copy().validate(code).refused("the rescue code again")
	b.copy().validate(a.next()).refused("the lost factor's code")
	trusted.asked(a, "a trusted device after a rescue")
	got := b.get("/tf-setup").want(200)
	if got.json["tf_phone_number"] != nil || got.json["tf_primary_method"] != nil {
		t.Errorf("a rescued sign-in is told what is set up: %s", got.body)
	}
	r = b.post("/tf-setup", m{"setup": "authenticator", "add": true}).want(200)
	app := decode(w, r.text("tf_authr_b32key"))
	old := a.app
	a.app = app
	b.validate(a.wrong()).want(400).refused("a wrong code")
	b.out("a wrong code")
	done := b.validate(a.code(0)).want(200)
	b.in(a, 2)
	if done.cookie("tf_validity") != "" || w.count("devices") != 0 {
		t.Error("trusted after a rescue")
	}
	var ids []string
	for _, f := range a.factors() {
		ids = append(ids, f.ID)
	}
	if len(ids) != 2 || slices.Contains(ids, lost) || !slices.Contains(ids, kept) {
		t.Errorf("factors %v, lost %s, kept %s", ids, lost, kept)
	}
	elsewhere.out("a session from before the repair")
	late := w.browser()
	late.login(a).want(200)
	late.post("/tf-select", m{"which": "authenticator"}).want(200)
	w.advance(time.Minute)
	late.validate(totp(old, w.Now().Unix()/30)).want(400).refused("the lost factor")
	kinds := w.kinds(a.email)
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
			b.post("/tf-rescue", m{"help_setup": "email"}).want(200)
			b.validate(p.mailed()).want(200)
			return b
		},
		"a recovery": func(p *person) *browser {
			link := w.askedLink(p)
			w.advance(24*time.Hour + time.Second)
			b, r := w.opens(link, secret)
			r.want(200)
			return b
		},
		"an operator": func(p *person) *browser {
			w.must(w.nodes[0].auth.StartRecovery(t.Context(), p.id, "ticket 4711"))
			links := p.links()
			b, r := w.opens(links[len(links)-1], secret)
			r.want(200)
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
				r := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
				p.app = decode(w, r.text("tf_authr_b32key"))
				b.validate(p.code(0)).want(200)
				b.in(p, 2)
				w.plantPending(p).recover(code).want(400).refused("a recovery code from before the rescue")
				if n := p.codesLeft(); n != 0 {
					t.Errorf("%d codes are left", n)
				}
				if told := w.kinds(p.email)["codes_ended"] == 1; told != has {
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
			r := b.post("/tf-setup", m{"setup": "authenticator", "add": add}).want(200)
			app := &person{w: w, app: decode(w, r.text("tf_authr_b32key"))}
			b.validate(app.code(0)).want(200)
		}
	}
	for name, change := range map[string]func(*browser, *person){
		"replace": sets(false), "add": sets(true),
		"remove":       func(b *browser, p *person) { b.remove(p.factorIDs()["authenticator"]).want(200) },
		"passkey":      func(b *browser, _ *person) { b.register(w.key(phoneKey), "key", storage.UseSecond).want(200) },
		"first factor": func(b *browser, _ *person) { b.register(w.key(phoneKey), "key", storage.UseFirst).want(200) },
	} {
		for _, rescued := range []bool{true, false} {
			p := w.withApp(strings.ReplaceAll(name, " ", "") + fmt.Sprint(rescued))
			p.enrollSMS(fmt.Sprint("+165055512", 10+w.count("users")))
			code := p.recoveryCodes()[0]
			b := w.plantPending(p)
			b.post("/tf-select", m{"which": "authenticator"}).want(200)
			if rescued {
				b.post("/tf-rescue", m{"help_setup": "email"}).want(200)
				b.validate(p.mailed()).want(200)
			} else {
				b.validate(p.next()).want(200)
			}
			change(b, p)
			b.in(p, 2)
			ends := rescued && name != "first factor"
			if left := p.codesLeft(); (left == 0) != ends {
				t.Errorf("%s, rescued %v: %d codes are left", name, rescued, left)
			}
			if told := w.kinds(p.email)["codes_ended"] == 1; told != ends {
				t.Errorf("%s, rescued %v: the owner was told that codes ended: %v", name, rescued, told)
			}
			if ends {
				w.plantPending(p).recover(code).want(400).refused("a recovery code from before the rescue")
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
	b.post("/tf-rescue", m{"help_setup": "email"}).want(200)
	b = b.on(w.restart(strongOnly))
	w.advance(time.Minute)
	b.post("/tf-resend", m{}).want(200)
	b.validate(p.texted()).want(200)
	r := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	p.app = decode(w, r.text("tf_authr_b32key"))
	b.validate(p.code(0)).want(200)
	b.in(p, 2)
	if n := p.codesLeft(); n != left || left == 0 {
		t.Errorf("%d codes are left of %d", n, left)
	}
	if n := w.kinds(p.email)["codes_ended"]; n != 0 {
		t.Errorf("the owner was told %d times that codes ended", n)
	}
}

// TestR075_TheSamePhoneAgain checks that a repair with a phone that is already enrolled keeps that
// phone once and removes the lost factor.
func TestR075_TheSamePhoneAgain(t *testing.T) {
	w := newWorld(t, repairOnly)
	a := w.person("alice").enrollSMS("+16505551212").enrollApp() // the phone is the default
	b := w.browser()
	b.login(a).want(200)
	b.post("/tf-select", m{"which": "authenticator"}).want(200)
	b.post("/tf-rescue", m{"help_setup": "email"}).want(200)
	b.validate(a.mailed()).want(200)
	w.advance(time.Minute)
	b.post("/tf-setup", m{"setup": "sms", "phone": a.phone}).want(200)
	b.validate(a.texted()).want(200)
	b.in(a, 2)
	if got := a.factors(); len(got) != 1 || got[0].Method != "sms" || !got[0].Primary {
		t.Errorf("%d factors are left: %v", len(got), got)
	}
}

// TestR076_RescueStaysShut checks that after "this was not me" there is no rescue until the user
// proves a second factor. The user can still contact the administrators.
func TestR076_RescueStaysShut(t *testing.T) {
	w := newWorld(t, waiting)
	a := w.withApp("alice")
	link := w.askedLink(a)
	w.browser().form("/tf-not-me/" + a.newestStop()).want(200)
	shut := func(why string) {
		t.Helper()
		b := w.plantPending(a)
		options, _ := b.get("/tf-rescue").want(200).json["recovery_options"].(m)
		if len(options) != 1 || options["help"] == nil {
			t.Errorf("%s: options %v", why, options)
		}
		for _, option := range []string{"email", "recovery_request"} {
			b.post("/tf-rescue", m{"help_setup": option}).want(400).refused(why)
		}
	}
	shut("after the button")
	w.advance(25 * time.Hour)
	_, r := w.opens(link, secret)
	r.want(400).refused("the link asked for before")
	w.restart()
	shut("a day and a restart later")
	w.must(w.nodes[0].auth.SetPassword(t.Context(), a.id, "another horse 72 battery"))
	shut("after a new password")
	b := w.plantPending(a)
	b.validate(a.wrong()).want(400)
	shut("after a wrong code")
	w.advance(time.Minute)
	b = w.plantPending(a)
	b.validate(a.code(0)).want(200)
	options, _ := w.plantPending(a).get("/tf-rescue").want(200).json["recovery_options"].(m)
	if options["email"] == nil || options["recovery_request"] == nil {
		t.Errorf("after a real factor: options %v", options)
	}
	w.asks(a).want(200)
}

// TestR073_RecoveryNeedsPasswordAndMailbox checks that a recovery is not offered without the
// password, after a first factor by mail, or after a reset through the mailbox, and that its link
// requires the password again.
func TestR073_RecoveryNeedsPasswordAndMailbox(t *testing.T) {
	w := newWorld(t, strictly)
	a := w.withApp("alice")
	w.browser().post("/tf-rescue", m{"help_setup": "recovery_request"}).want(400)
	w.plantSession(a).post("/tf-rescue", m{"help_setup": "recovery_request"}).want(400)
	w.write(`UPDATE twofold_users SET reset_at = ? WHERE id = ?`, w.Now().UnixMicro(), a.id)
	w.asks(a).want(400)
	w.advance(24*time.Hour + time.Minute)
	link := w.askedLink(a)
	w.advance(24*time.Hour + time.Second)
	for _, wrong := range []string{"", "wrong", secret + "x"} {
		b, r := w.opens(link, wrong)
		r.want(400).refused("the link without the password")
		b.out("the link without the password")
		b.post("/tf-setup", m{"setup": "authenticator"}).refused("the link without the password")
	}
	b := w.browser()
	b.post("/tf-setup", m{"setup": "authenticator"}).refused("no link at all")
	for range 12 {
		w.opens(link, "wrong")
	}
	_, r := w.opens(link, secret)
	r.want(429)
	w.advance(time.Hour)
	_, r = w.opens(link, secret)
	r.want(200)
}

// TestR074_RecoveryLink checks the waiting period, the single use and the validity of a day. A
// second request does not change them.
func TestR074_RecoveryLink(t *testing.T) {
	w := newWorld(t, waiting)
	a := w.withApp("alice")
	old := a.app
	link := w.askedLink(a)
	early := func() {
		t.Helper()
		b, r := w.opens(link, secret)
		r.want(400).refused("before it opens")
		b.out("before it opens")
		b.post("/tf-setup", m{"setup": "authenticator"}).refused("before it opens")
	}
	early()
	w.advance(12 * time.Hour)
	r := w.asks(a).want(200)
	if r.json["opens"] != w.Now().Add(12*time.Hour).Format(time.RFC3339) {
		t.Errorf("asked again, it opens at %v", r.json["opens"])
	}
	if n := len(a.links()); n != 1 {
		t.Errorf("%d links were mailed, want 1", n)
	}
	w.advance(11*time.Hour + 59*time.Minute)
	early()
	w.restart()
	w.advance(time.Minute)
	before := w.rows("users", "factors", "recoveries")
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} {
		w.browser().do(method, link, "", "", "Accept", "text/html")
	}
	if w.rows("users", "factors", "recoveries") != before {
		t.Error("opening the link changed something")
	}
	w.browser().post(forge(link), m{"password": secret}).want(400).refused("a forged link")
	w.browser().do("POST", link, typeForm, "password="+secret, "Sec-Fetch-Site", "cross-site", "Origin",
		"https://evil.test").want(403)
	answers := make([]*answer, 8)
	browsers := make([]*browser, 8)
	par(8, func(i int) { browsers[i], answers[i] = w.opens(link, secret) })
	var b *browser
	for i, r := range answers {
		if r.status == 200 {
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
	if len(a.factors()) != 1 || a.factors()[0].Method != "authenticator" {
		t.Fatal("the link switched something off")
	}
	s := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	a.app = decode(w, s.text("tf_authr_b32key"))
	b.validate(a.code(0)).want(200)
	b.in(a, 2)
	if len(a.factors()) != 1 {
		t.Errorf("%d factors", len(a.factors()))
	}
	w.plantPending(a).validate(totp(old, w.Now().Unix()/30)).want(400).refused("the lost factor")
	_, r = w.opens(link, secret)
	r.want(400).refused("a second time")

	v := w.withApp("victor")
	link = w.askedLink(v)
	w.advance(48 * time.Hour)
	_, r = w.opens(link, secret)
	r.want(400).refused("a day after it opened")
	w.asks(v).want(200) // one that is over does not stand in the way
}

// TestR076_RecoveryIsAnnouncedAndStopped checks that the owner is notified at once by mail, by SMS
// and in every signed-in browser, and that a change of anything that the recovery depends on ends
// it.
func TestR076_RecoveryIsAnnouncedAndStopped(t *testing.T) {
	w := newWorld(t, waiting)
	a, v := w.withApp("alice").enrollSMS("+16505551212"), w.withApp("victor")
	owner, stranger := w.plantSession(a), w.plantSession(v)
	texts := w.sms.Count("+16505551212")
	b := w.browser()
	b.login(a).want(200)
	b.post("/tf-select", m{"which": "authenticator"}).want(200)
	b.post("/tf-rescue", m{"help_setup": "recovery_request"}).want(200)
	if n := w.kinds(a.email)["recovery_asked"]; n != 1 {
		t.Errorf("%d notices, want 1", n)
	}
	if n := w.sms.Count("+16505551212"); n != texts+1 {
		t.Errorf("%d texts, want 1", n-texts)
	}
	links := a.links()
	asked, _ := owner.get("/me").want(200).json["recovery"].(m)
	if asked["opens"] == nil || asked["address"] != "127.0.0.1" {
		t.Errorf("the account says %v", asked)
	}
	if page := owner.page("/me").want(200); !strings.Contains(page.body, `action="/tf-recovery"`) {
		t.Error("the page offers no way to stop it")
	}
	stranger.del("/tf-recovery").want(404)
	w.browser().del("/tf-recovery").want(401)
	w.advance(30 * time.Minute) // no fresh proof is needed to stop it
	owner.form("/tf-recovery").want(303)
	w.advance(24 * time.Hour)
	_, r := w.opens(links[0], secret)
	r.want(400).refused("stopped by the owner")

	for name, dies := range map[string]func(p *person){
		"signed in with the factor": func(p *person) {
			w.advance(time.Minute)
			w.plantPending(p).validate(p.code(0)).want(200)
		},
		"new password": func(p *person) { w.must(w.nodes[0].auth.SetPassword(t.Context(), p.id, secret+" x")) },
		"not me":       func(p *person) { w.browser().form("/tf-not-me/" + p.newestStop()).want(200) },
		"another factor": func(p *person) {
			s := w.plantSession(p)
			r := s.post("/tf-setup", m{"setup": "email", "add": true}).want(200)
			s.post("/tf-setup/"+r.text("tf_state_token"), m{"code": p.mailed()}).want(200)
		},
		"another address": func(p *person) {
			w.must(w.nodes[0].auth.SetIdentity(t.Context(), p.id, "new"+p.email, ""))
		},
		"switched off": func(p *person) {
			w.must(w.nodes[0].auth.SetActive(t.Context(), p.id, false))
			w.must(w.nodes[0].auth.SetActive(t.Context(), p.id, true))
		},
		"all others signed out": func(p *person) { w.plantSession(p).post("/tf-sessions", nil).want(200) },
	} {
		p := w.withApp(strings.ReplaceAll(name, " ", ""))
		link := w.askedLink(p)
		dies(p)
		w.advance(25 * time.Hour)
		password := secret
		if name == "new password" {
			password += " x"
		}
		b, r := w.opens(link, password)
		r.want(400).refused(name)
		b.out(name)
		b.post("/tf-setup", m{"setup": "authenticator"}).refused(name)
	}
}

// TestR077_AnOperatorStartsARecovery checks that the operator cannot use the recovery: the link
// goes to the owner, who is notified, and the reason is recorded.
func TestR077_AnOperatorStartsARecovery(t *testing.T) {
	w := newWorld(t, open) // people cannot ask for it themselves here
	a := w.withApp("alice")
	w.asks(a).want(400)
	w.browser().form("/tf-not-me/" + a.newestStop()).want(200) // and rescue is shut
	n := w.nodes[0]
	w.must(n.auth.StartRecovery(t.Context(), a.id, "called back, ticket 4711"))
	links := a.links()
	if len(links) != 1 || w.kinds(a.email)["recovery_started"] != 1 {
		t.Fatalf("%d links, notices %v", len(links), w.kinds(a.email))
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
	r.want(200)
	b.out("the link alone")
	s := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	a.app = decode(w, s.text("tf_authr_b32key"))
	b.validate(a.code(0)).want(200)
	b.in(a, 2)
	if err := n.auth.StartRecovery(t.Context(), w.person("plain").id, "x"); err == nil {
		t.Error("an account without a second factor has one to recover")
	}
}
