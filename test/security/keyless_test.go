package security_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
)

// keyless lets people register without a password, on a site that confirms addresses.
func keyless(c *twofold.Config) {
	life(c)
	unified(c)
	c.Accounts.PasswordOptional = true
}

// unconfirming is like keyless on a site that does not confirm addresses.
func unconfirming(c *twofold.Config) { c.Accounts.Confirmable = false }

// opened registers without a password and confirms the address.
func (w *world) opened(name string) *person {
	w.t.Helper()
	p := &person{w: w, name: name, email: name + "@good.test"}
	b := w.browser()
	b.post("/register", m{"email": p.email, "username": name}).want(200)
	b.post(w.link("confirm", p.email), m{}).want(200)
	w.identify(p)
	return p
}

// identify looks up the account that was registered.
func (w *world) identify(p *person) {
	w.t.Helper()
	u, err := w.nodes[0].auth.FindUser(w.t.Context(), p.email)
	w.must(err)
	p.id = u.ID
}

// byMail signs in with a mailed code.
func (p *person) byMail() (*browser, *answer) {
	p.w.t.Helper()
	p.w.advance(time.Minute)
	b := p.w.browser()
	b.ask(p.email, "email").want(200)
	return b, b.passcode(p, p.mailed())
}

// TestR008_WithoutPasswordTheMailboxComesFirst checks that registration never signs the user in,
// whatever the setting for confirmation is, so an attacker cannot add a factor before the mailbox
// is proven.
func TestR008_WithoutPasswordTheMailboxComesFirst(t *testing.T) {
	for name, change := range map[string]func(*twofold.Config){
		"confirming": func(*twofold.Config) {}, "unconfirming": unconfirming,
		"lets in before": func(c *twofold.Config) { c.Accounts.LoginUnconfirmed = true },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, keyless, change)
			p := &person{w: w, email: "victim@good.test"}
			attacker := w.browser()
			r := attacker.post("/register", m{"email": p.email}).want(200)
			if r.json["user"] != nil || r.cookie("twofold") != "" || r.cookie("twofold-pending") != "" {
				t.Errorf("registering answers %s", r.body)
			}
			attacker.out("registered without a password")
			for _, guess := range []string{"", " ", "null", secret} {
				attacker.post("/login", m{"email": p.email, "password": guess}).want(400).refused(
					"no password is a password")
				attacker.post("/us-signin", m{"identity": p.email, "passcode": guess}).want(400).refused("no code")
			}
			attacker.post("/login", m{"email": p.email, "password": nil}).want(400).refused("no password is a password")
			w.settled()
			if name == "confirming" {
				owner := w.browser()
				owner.ask(p.email, "email").want(200)
				if n := len(w.letters("us_code", p.email)); n != 0 {
					t.Errorf("%d codes before the address was confirmed", n)
				}
				link := w.link("confirm", p.email)
				if r := owner.get(link).want(200); r.json["password_required"] != false {
					t.Errorf("a password is asked for: %s", r.body)
				}
				owner.post(link, m{}).want(200)
				owner.post(link, m{}).want(400).refused("a spent link")
			}
			w.identify(p)
			owner, r := p.byMail()
			r.want(200)
			owner.in(p, 1)
			attacker.out("after the owner came")
			if u, err := w.nodes[0].db.UserByID(t.Context(), p.id); err != nil || u.ConfirmedAt.IsZero() ||
				u.PasswordHash != "" {
				t.Errorf("the account: %+v %v", u, err)
			}
		})
	}
}

// TestR008_AMailedLinkIsTheFirstProof checks that without confirmation, registration mails a link
// that opens the account. It works for the owner in any browser.
func TestR008_AMailedLinkIsTheFirstProof(t *testing.T) {
	w := newWorld(t, keyless, unconfirming)
	p := &person{w: w, email: "new@good.test"}
	b := w.browser()
	page := b.form("/register", "email", p.email).want(303)
	if to := page.header.Get("Location"); to != "/us-signin" {
		t.Errorf("registering leads to %s", to)
	}
	w.settled()
	w.identify(p)
	b.post(p.linked(), m{}).want(200)
	b.in(p, 1)
	q := &person{w: w, email: "other@good.test"}
	w.browser().post("/register", m{"email": q.email}).want(200)
	w.settled()
	elsewhere := w.browser()
	elsewhere.post(q.linked(), m{}).want(400).refused("another browser, without a word")
	elsewhere.post(q.linked(), m{"meant": true}).want(200)
	elsewhere.in(q, 1)
}

// TestR007_WithoutPasswordTheSecondFactorIsAnother checks that the mailbox does not count as the
// second factor too.
func TestR007_WithoutPasswordTheSecondFactorIsAnother(t *testing.T) {
	w := newWorld(t, keyless)
	p := w.opened("alice")
	b, r := p.byMail()
	r.want(200)
	b.in(p, 1)
	b.post("/tf-setup", m{"setup": "email"}).want(400).refused("the mailbox again")
	p.enrollApp()
	b, r = p.byMail()
	if r.want(200); r.json["tf_required"] != true || r.text("tf_method") != "authenticator" {
		t.Errorf("after the code: %s", r.body)
	}
	b.out("the mailbox alone")
	options, _ := b.get("/tf-rescue").want(200).json["recovery_options"].(m)
	if options["email"] != nil || options["recovery_request"] != nil {
		t.Errorf("rescue by the same mailbox: %v", options)
	}
	b.validate(p.next()).want(200)
	b.in(p, 2)
}

// TestR022_WithoutPasswordARequiredFactorIsSetUp checks that the factor is enrolled before the
// first session.
func TestR022_WithoutPasswordARequiredFactorIsSetUp(t *testing.T) {
	w := newWorld(t, keyless, autoLogin, func(c *twofold.Config) { c.TwoFactor.Required = true })
	b := w.browser()
	b.post("/register", m{"email": "new@good.test"}).want(200)
	r := b.post(w.link("confirm", "new@good.test"), m{}).want(200)
	if r.json["tf_state"] != "setup_from_login" {
		t.Errorf("after the confirmation: %s", r.body)
	}
	b.out("nothing set up")
	p := w.opened("susan")
	b, r = p.byMail()
	if r.want(200); r.json["tf_state"] != "setup_from_login" {
		t.Errorf("after the code: %s", r.body)
	}
	b.out("nothing set up")
}

// TestR053_AFirstPasswordNeedsAFreshSignIn checks that the first password requires a fresh sign-in
// with all factors. Later changes require the current password.
func TestR053_AFirstPasswordNeedsAFreshSignIn(t *testing.T) {
	w := newWorld(t, keyless)
	fill := m{"new_password": newSecret, "new_password_confirm": newSecret}
	p := w.opened("alice").enrollApp()
	b, _ := p.byMail()
	b.validate(p.next()).want(200)
	if r := b.get("/change").want(200); r.json["active_password"] != false {
		t.Errorf("active_password: %s", r.body)
	}
	w.advance(16 * time.Minute)
	for _, r := range []*answer{b.get("/change"), b.post("/change", fill)} {
		if r.want(401); r.json["reauth_required"] != true {
			t.Errorf("not fresh: %s", r.body)
		}
	}
	if to := b.page("/change").want(303).header.Get("Location"); !strings.HasPrefix(to, "/us-verify?") {
		t.Errorf("to prove oneself again: %s", to)
	}
	if to := b.page("/verify?next=/change").want(303).header.Get("Location"); to != "/us-verify?next=/change" {
		t.Errorf("the page that takes a password leads to %s", to)
	}
	b.post("/us-verify/send-code", m{"chosen_method": "email"}).want(200)
	if r := b.post("/us-verify", m{"passcode": p.mailed()}).want(200); r.json["tf_required"] != true {
		t.Errorf("the mailbox alone makes an account of two factors fresh: %s", r.body)
	}
	b.post("/change", fill).want(401)
	b.validate(p.next()).want(200)
	other, _ := p.byMail()
	other.validate(p.next()).want(200)
	b.post("/change", fill).want(200)
	b.in(p, 2)
	other.out("a session from before")
	b.post("/change", m{"new_password": secret, "new_password_confirm": secret}).want(400).refused(
		"without the old password")
	if r := w.signsIn(p.email, newSecret).want(200); r.json["tf_required"] != true {
		t.Errorf("the new password: %s", r.body)
	}
	if n := len(w.letters("notice_password_changed", p.email)); n != 1 {
		t.Errorf("%d notices", n)
	}
}

// TestR021_AResetGivesAPassword checks that a reset changes nothing else.
func TestR021_AResetGivesAPassword(t *testing.T) {
	w := newWorld(t, keyless)
	p := w.opened("alice").enrollApp()
	b := w.browser()
	b.post(b.resets(p.email), m{"password": newSecret, "password_confirm": newSecret}).want(200)
	b.out("a reset")
	for _, r := range []*answer{
		w.signsIn(p.email, newSecret), w.browser().post("/us-signin", m{"identity": p.email, "passcode": newSecret}),
	} {
		if r.want(200); r.json["tf_required"] != true {
			t.Errorf("the new password alone: %s", r.body)
		}
	}
	b, r := p.byMail() // the mailbox opens it as before
	r.want(200)
	b.validate(p.next()).want(200)
	b.in(p, 2)
}

// TestR059_TheMailboxIsTheLastWayIn checks that the mailbox of an account without a password cannot
// be removed by the owner or an operator, or through a race.
func TestR059_TheMailboxIsTheLastWayIn(t *testing.T) {
	w := newWorld(t, keyless)
	p := w.opened("alice")
	b, _ := p.byMail()
	b.post("/us-setup", m{"delete_method": []string{"email"}}).want(400).refused("the last way in")

	// An operator's reset keeps the mailbox and removes the other factors.
	p.enrollApp()
	p.begins(storage.SMS, "+16505551212")
	w.must(w.nodes[0].auth.ResetAccess(t.Context(), p.id))
	b, r := p.byMail()
	r.want(200)
	b.in(p, 1)
	if active := fmt.Sprint(b.get("/us-setup").want(200).json["active_methods"]); active != "[email]" {
		t.Errorf("after the operator's reset: %v", active)
	}
	if err := w.nodes[0].auth.StartRecovery(t.Context(), w.opened("nobody").enrollApp().id, "lost phone"); err == nil {
		t.Error("a link that asks for a password, to who has none")
	}

	// The mailbox is not a first factor if it is the second factor.
	q := w.opened("robert")
	b, _ = q.byMail()
	k := w.key(phoneKey)
	b.register(k, "key", storage.UseFirst).want(200)
	b = w.browser()
	b.signInBy(k).want(200)
	r = b.post("/tf-setup", m{"setup": "email", "add": true}).want(200)
	b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": q.mailed()}).want(200)
	b.post("/wan-delete", m{"name": "key"}).want(400).refused("the only way in that the second factor can follow")
	w.browser().signInBy(k).want(200)
}

// TestR057_WithoutPasswordTheAddressMoves checks that codes go to the new address, and that links
// and codes sent to the former one stop working.
func TestR057_WithoutPasswordTheAddressMoves(t *testing.T) {
	w := newWorld(t, keyless)
	p := w.opened("alice")
	b, _ := p.byMail()
	w.advance(time.Minute)
	asked := w.browser()
	asked.ask(p.email, "email").want(200)
	code, link := p.mailed(), p.linked()
	b.post("/change-email", m{"email": "new@good.test"}).want(200)
	b.post(w.link("change_email", "new@good.test"), m{}).want(200)
	former := p.email
	p.email = "new@good.test"
	asked.post(link, m{"meant": true}).want(400).refused("a link to the former address")
	asked.passcode(p, code).want(400).refused("a code to the former address")
	asked.post("/us-signin", m{"identity": former, "passcode": code}).want(400).refused("the former address")
	n := len(w.mail.To(former))
	c, r := p.byMail()
	r.want(200)
	c.in(p, 1)
	if len(w.mail.To(former)) != n {
		t.Error("a code went to the former address")
	}
}

// TestR122_RegisteringWithoutPasswordTellsNothing checks that the answer and its cookies are the
// same for known and new addresses.
func TestR122_RegisteringWithoutPasswordTellsNothing(t *testing.T) {
	for name, change := range map[string]func(*twofold.Config){"confirming": func(*twofold.Config) {},
		"unconfirming": unconfirming} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, keyless, change)
			w.person("known")
			w.browser().post("/register", m{"email": "waiting@good.test"}).want(200)
			w.settled()
			shape := func(email string) string {
				return mask(w.browser().post("/register", m{"email": email}).want(200)) +
					mask(w.browser().form("/register", "email", "x"+email).want(303))
			}
			want := strings.ReplaceAll(shape("new@good.test"), "new", "E")
			for _, email := range []string{"known@good.test", "waiting@good.test"} {
				if got := strings.ReplaceAll(shape(email), email[:strings.Index(email, "@")], "E"); got != want {
					t.Errorf("%s:\n%s\nwant, as for a new one:\n%s", email, got, want)
				}
			}
			w.settled()
			for _, mail := range w.mail.To("known@good.test") {
				if mail.Kind == "us_code" {
					t.Error("a registration mails a code to who never asked for any")
				}
			}
		})
	}
}

// TestR144_AKeylessAccountIsTakenOnce clicks the link several times at once. One click counts, and
// the account keeps its sign-in method.
func TestR144_AKeylessAccountIsTakenOnce(t *testing.T) {
	w := newWorld(t, keyless)
	second := w.start(nil)
	for round := range 5 {
		p := &person{w: w, name: fmt.Sprint("p", round), email: fmt.Sprintf("p%d@good.test", round)}
		w.browser().post("/register", m{"email": p.email}).want(200)
		link := w.link("confirm", p.email)
		var won [20]int
		par(len(won), func(i int) {
			c := w.browser()
			if i%2 == 0 {
				c.on(second)
			}
			won[i] = c.post(link, m{}).status
		})
		counted(t, "confirm", won[:])
		w.identify(p)
		b, r := p.byMail()
		r.want(200)
		b.in(p, 1)
	}
}

// TestR102_StatesHoldForTheMailbox checks that a sign-in to a disabled or locked account is refused
// at the end, whatever the first factor is.
func TestR102_StatesHoldForTheMailbox(t *testing.T) {
	locked := ""
	w := newWorld(t, keyless, func(c *twofold.Config) {
		c.Accounts.Locked = func(i twofold.User) bool { return i.Email == locked }
	})
	p := w.opened("alice")
	for what, keepOut := range map[string]func(){
		"locked":   func() { locked = p.email },
		"disabled": func() { w.must(w.nodes[0].auth.SetActive(t.Context(), p.id, false)) },
	} {
		w.advance(time.Minute)
		b, c := w.browser(), w.browser()
		b.ask(p.email, "email").want(200)
		code := p.mailed()
		c.ask(p.email, "email").want(200)
		link := p.linked()
		keepOut()
		b.passcode(p, code).want(400).refused(what)
		c.post(link, m{}).want(400).refused(what)
		locked = ""
		w.must(w.nodes[0].auth.SetActive(t.Context(), p.id, true))
	}
}

// TestR005_APasswordIsRequired checks the default setting.
func TestR005_APasswordIsRequired(t *testing.T) {
	w := newWorld(t, life, unified)
	before := w.rows("users")
	for _, body := range []m{{}, {"password": ""}, {"password": nil}, {"password": "", "password_confirm": ""}} {
		body["email"] = "new@good.test"
		w.browser().post("/register", body).want(400).refused("no password")
	}
	if w.rows("users") != before {
		t.Error("an account without password was made")
	}
}

// TestR005_HalfAPassword checks that a malformed password is refused, and not treated as a
// registration without a password.
func TestR005_HalfAPassword(t *testing.T) {
	w := newWorld(t, keyless)
	for _, body := range []m{{"password_confirm": secret}, {"password": secret},
		{"password": secret, "password_confirm": newSecret}} {
		body["email"] = "new@good.test"
		w.browser().post("/register", body).want(400).refused("half a password")
	}
}
