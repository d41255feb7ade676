package security_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
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
	w.T.Helper()
	p := w.of(testkit.Person{Name: name, Email: name + "@good.test"})
	b := w.browser()
	b.Post("/register", m{"email": p.Email, "username": name}).Want(200)
	b.Post(w.link("confirm", p.Email), m{}).Want(200)
	w.identify(p)
	return p
}

// identify looks up the account that was registered.
func (w *world) identify(p *person) {
	w.T.Helper()
	u, err := w.Nodes[0].Auth.FindUser(w.T.Context(), p.Email)
	w.Must(err)
	p.ID = u.ID
}

// byMail signs in with a mailed code.
func (p *person) byMail() (*browser, *answer) {
	p.w.T.Helper()
	p.w.Advance(time.Minute)
	b := p.w.browser()
	b.ask(p.Email, "email").Want(200)
	return b, b.passcode(p, p.Mailed())
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
			p := w.of(testkit.Person{Email: "victim@good.test"})
			attacker := w.browser()
			r := attacker.Post("/register", m{"email": p.Email}).Want(200)
			if r.JSON["user"] != nil || r.Cookie("twofold") != "" || r.Cookie("twofold-pending") != "" {
				t.Errorf("registering answers %s", r.Body)
			}
			attacker.out("registered without a password")
			for _, guess := range []string{"", " ", "null", secret} {
				attacker.Post("/login", m{"email": p.Email, "password": guess}).Want(400).Refused(
					"no password is a password")
				attacker.Post("/us-signin", m{"identity": p.Email, "passcode": guess}).Want(400).Refused("no code")
			}
			attacker.Post("/login", m{"email": p.Email, "password": nil}).Want(400).Refused("no password is a password")
			w.settled()
			if name == "confirming" {
				owner := w.browser()
				owner.ask(p.Email, "email").Want(200)
				if n := len(w.letters("us_code", p.Email)); n != 0 {
					t.Errorf("%d codes before the address was confirmed", n)
				}
				link := w.link("confirm", p.Email)
				if r := owner.Get(link).Want(200); r.JSON["password_required"] != false {
					t.Errorf("a password is asked for: %s", r.Body)
				}
				owner.Post(link, m{}).Want(200)
				owner.Post(link, m{}).Want(400).Refused("a spent link")
			}
			w.identify(p)
			owner, r := p.byMail()
			r.Want(200)
			owner.in(p, 1)
			attacker.out("after the owner came")
			if u, err := w.Nodes[0].Store.UserByID(t.Context(), p.ID); err != nil || u.ConfirmedAt.IsZero() ||
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
	p := w.of(testkit.Person{Email: "new@good.test"})
	b := w.browser()
	page := b.Form("/register", "email", p.Email).Want(303)
	if to := page.Header.Get("Location"); to != "/us-signin" {
		t.Errorf("registering leads to %s", to)
	}
	w.settled()
	w.identify(p)
	b.Post(p.linked(), m{}).Want(200)
	b.in(p, 1)
	q := w.of(testkit.Person{Email: "other@good.test"})
	w.browser().Post("/register", m{"email": q.Email}).Want(200)
	w.settled()
	elsewhere := w.browser()
	elsewhere.Post(q.linked(), m{}).Want(400).Refused("another browser, without a word")
	elsewhere.Post(q.linked(), m{"meant": true}).Want(200)
	elsewhere.in(q, 1)
}

// TestR007_WithoutPasswordTheSecondFactorIsAnother checks that the mailbox does not count as the
// second factor too.
func TestR007_WithoutPasswordTheSecondFactorIsAnother(t *testing.T) {
	w := newWorld(t, keyless)
	p := w.opened("alice")
	b, r := p.byMail()
	r.Want(200)
	b.in(p, 1)
	b.Post("/tf-setup", m{"setup": "email"}).Want(400).Refused("the mailbox again")
	p.enrollApp()
	b, r = p.byMail()
	if r.Want(200); r.JSON["tf_required"] != true || r.Text("tf_method") != "authenticator" {
		t.Errorf("after the code: %s", r.Body)
	}
	b.out("the mailbox alone")
	options, _ := b.Get("/tf-rescue").Want(200).JSON["recovery_options"].(m)
	if options["email"] != nil || options["recovery_request"] != nil {
		t.Errorf("rescue by the same mailbox: %v", options)
	}
	b.validate(p.Next()).Want(200)
	b.in(p, 2)
}

// TestR022_WithoutPasswordARequiredFactorIsSetUp checks that the factor is enrolled before the
// first session.
func TestR022_WithoutPasswordARequiredFactorIsSetUp(t *testing.T) {
	w := newWorld(t, keyless, autoLogin, func(c *twofold.Config) { c.TwoFactor.Required = true })
	b := w.browser()
	b.Post("/register", m{"email": "new@good.test"}).Want(200)
	r := b.Post(w.link("confirm", "new@good.test"), m{}).Want(200)
	if r.JSON["tf_state"] != "setup_from_login" {
		t.Errorf("after the confirmation: %s", r.Body)
	}
	b.out("nothing set up")
	p := w.opened("susan")
	b, r = p.byMail()
	if r.Want(200); r.JSON["tf_state"] != "setup_from_login" {
		t.Errorf("after the code: %s", r.Body)
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
	b.validate(p.Next()).Want(200)
	if r := b.Get("/change").Want(200); r.JSON["active_password"] != false {
		t.Errorf("active_password: %s", r.Body)
	}
	w.Advance(16 * time.Minute)
	for _, r := range []*answer{b.Get("/change"), b.Post("/change", fill)} {
		if r.Want(401); r.JSON["reauth_required"] != true {
			t.Errorf("not fresh: %s", r.Body)
		}
	}
	if to := b.Page("/change").Want(303).Header.Get("Location"); !strings.HasPrefix(to, "/us-verify?") {
		t.Errorf("to prove oneself again: %s", to)
	}
	if to := b.Page("/verify?next=/change").Want(303).Header.Get("Location"); to != "/us-verify?next=/change" {
		t.Errorf("the page that takes a password leads to %s", to)
	}
	b.Post("/us-verify/send-code", m{"chosen_method": "email"}).Want(200)
	if r := b.Post("/us-verify", m{"passcode": p.Mailed()}).Want(200); r.JSON["tf_required"] != true {
		t.Errorf("the mailbox alone makes an account of two factors fresh: %s", r.Body)
	}
	b.Post("/change", fill).Want(401)
	b.validate(p.Next()).Want(200)
	other, _ := p.byMail()
	other.validate(p.Next()).Want(200)
	b.Post("/change", fill).Want(200)
	b.in(p, 2)
	other.out("a session from before")
	b.Post("/change", m{"new_password": secret, "new_password_confirm": secret}).Want(400).Refused(
		"without the old password")
	if r := w.signsIn(p.Email, newSecret).Want(200); r.JSON["tf_required"] != true {
		t.Errorf("the new password: %s", r.Body)
	}
	if n := len(w.letters("notice_password_changed", p.Email)); n != 1 {
		t.Errorf("%d notices", n)
	}
}

// TestR021_AResetGivesAPassword checks that a reset changes nothing else.
func TestR021_AResetGivesAPassword(t *testing.T) {
	w := newWorld(t, keyless)
	p := w.opened("alice").enrollApp()
	b := w.browser()
	b.Post(b.resets(p.Email), m{"password": newSecret, "password_confirm": newSecret}).Want(200)
	b.out("a reset")
	for _, r := range []*answer{
		w.signsIn(p.Email, newSecret), w.browser().Post("/us-signin", m{"identity": p.Email, "passcode": newSecret}),
	} {
		if r.Want(200); r.JSON["tf_required"] != true {
			t.Errorf("the new password alone: %s", r.Body)
		}
	}
	b, r := p.byMail() // the mailbox opens it as before
	r.Want(200)
	b.validate(p.Next()).Want(200)
	b.in(p, 2)
}

// TestR059_TheMailboxIsTheLastWayIn checks that the mailbox of an account without a password cannot
// be removed by the owner or an operator, or through a race.
func TestR059_TheMailboxIsTheLastWayIn(t *testing.T) {
	w := newWorld(t, keyless)
	p := w.opened("alice")
	b, _ := p.byMail()
	b.Post("/us-setup", m{"delete_method": []string{"email"}}).Want(400).Refused("the last way in")

	// An operator's reset keeps the mailbox and removes the other factors.
	p.enrollApp()
	p.begins(storage.SMS, "+16505551212")
	w.Must(w.Nodes[0].Auth.ResetAccess(t.Context(), p.ID))
	b, r := p.byMail()
	r.Want(200)
	b.in(p, 1)
	if active := fmt.Sprint(b.Get("/us-setup").Want(200).JSON["active_methods"]); active != "[email]" {
		t.Errorf("after the operator's reset: %v", active)
	}
	if err := w.Nodes[0].Auth.StartRecovery(t.Context(), w.opened("nobody").enrollApp().ID, "lost phone"); err == nil {
		t.Error("a link that asks for a password, for an account without one")
	}

	// The mailbox is not a first factor if it is the second factor.
	q := w.opened("robert")
	b, _ = q.byMail()
	k := w.key(phoneKey)
	b.register(k, "key", storage.UseFirst).Want(200)
	b = w.browser()
	b.signInBy(k).Want(200)
	r = b.Post("/tf-setup", m{"setup": "email", "add": true}).Want(200)
	b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": q.Mailed()}).Want(200)
	b.Post("/wan-delete", m{"name": "key"}).Want(400).Refused("the only way in that the second factor can follow")
	w.browser().signInBy(k).Want(200)
}

// TestR057_WithoutPasswordTheAddressMoves checks that codes go to the new address, and that links
// and codes sent to the former one stop working.
func TestR057_WithoutPasswordTheAddressMoves(t *testing.T) {
	w := newWorld(t, keyless)
	p := w.opened("alice")
	b, _ := p.byMail()
	w.Advance(time.Minute)
	asked := w.browser()
	asked.ask(p.Email, "email").Want(200)
	code, link := p.Mailed(), p.linked()
	b.Post("/change-email", m{"email": "new@good.test"}).Want(200)
	b.Post(w.link("change_email", "new@good.test"), m{}).Want(200)
	former := p.Email
	p.Email = "new@good.test"
	asked.Post(link, m{"meant": true}).Want(400).Refused("a link to the former address")
	asked.passcode(p, code).Want(400).Refused("a code to the former address")
	asked.Post("/us-signin", m{"identity": former, "passcode": code}).Want(400).Refused("the former address")
	n := len(w.Mail.To(former))
	c, r := p.byMail()
	r.Want(200)
	c.in(p, 1)
	if len(w.Mail.To(former)) != n {
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
			w.browser().Post("/register", m{"email": "waiting@good.test"}).Want(200)
			w.settled()
			shape := func(email string) string {
				return mask(w.browser().Post("/register", m{"email": email}).Want(200)) +
					mask(w.browser().Form("/register", "email", "x"+email).Want(303))
			}
			want := strings.ReplaceAll(shape("new@good.test"), "new", "E")
			for _, email := range []string{"known@good.test", "waiting@good.test"} {
				if got := strings.ReplaceAll(shape(email), email[:strings.Index(email, "@")], "E"); got != want {
					t.Errorf("%s:\n%s\nwant, as for a new one:\n%s", email, got, want)
				}
			}
			w.settled()
			for _, mail := range w.Mail.To("known@good.test") {
				if mail.Kind == "us_code" {
					t.Error("a registration mails a code to an owner who never asked for one")
				}
			}
		})
	}
}

// TestR144_AKeylessAccountIsTakenOnce clicks the link several times at once. One click counts, and
// the account keeps its sign-in method.
func TestR144_AKeylessAccountIsTakenOnce(t *testing.T) {
	w := newWorld(t, keyless)
	second := w.Start(nil)
	for round := range 5 {
		p := w.of(testkit.Person{Name: fmt.Sprint("p", round), Email: fmt.Sprintf("p%d@good.test", round)})
		w.browser().Post("/register", m{"email": p.Email}).Want(200)
		link := w.link("confirm", p.Email)
		var won [20]int
		testkit.Par(len(won), func(i int) {
			c := w.browser()
			if i%2 == 0 {
				c.on(second)
			}
			won[i] = c.Post(link, m{}).Status
		})
		counted(t, "confirm", won[:])
		w.identify(p)
		b, r := p.byMail()
		r.Want(200)
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
		"locked":   func() { locked = p.Email },
		"disabled": func() { w.Must(w.Nodes[0].Auth.SetActive(t.Context(), p.ID, false)) },
	} {
		w.Advance(time.Minute)
		b, c := w.browser(), w.browser()
		b.ask(p.Email, "email").Want(200)
		code := p.Mailed()
		c.ask(p.Email, "email").Want(200)
		link := p.linked()
		keepOut()
		b.passcode(p, code).Want(400).Refused(what)
		c.Post(link, m{}).Want(400).Refused(what)
		locked = ""
		w.Must(w.Nodes[0].Auth.SetActive(t.Context(), p.ID, true))
	}
}

// TestR005_APasswordIsRequired checks the default setting.
func TestR005_APasswordIsRequired(t *testing.T) {
	w := newWorld(t, life, unified)
	before := w.rows("users")
	for _, body := range []m{{}, {"password": ""}, {"password": nil}, {"password": "", "password_confirm": ""}} {
		body["email"] = "new@good.test"
		w.browser().Post("/register", body).Want(400).Refused("no password")
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
		w.browser().Post("/register", body).Want(400).Refused("half a password")
	}
}
