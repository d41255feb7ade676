package security_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/password"
)

// life enables all account features for owners.
func life(c *twofold.Config) {
	open(c)
	c.Advanced.Limits.LinkHour, c.Advanced.Limits.LinkAddress, c.Advanced.Limits.LinkDay = 1000, 1_000_000, 1000
	a := &c.Accounts
	a.Confirmable, a.Recoverable, a.Changeable = true, true, true
	a.ChangeEmail, a.ChangeUsername, a.UsernameRecovery = true, true, true
}

// specific is a site that reveals whether an account exists.
func specific(c *twofold.Config) { c.Accounts.RevealAccounts = true }

// autoLogin lets links sign the user in, where allowed.
func autoLogin(c *twofold.Config) {
	c.Accounts.AutoLoginAfterConfirm, c.Accounts.AutoLoginAfterReset = true, true
}

var mailedLink = regexp.MustCompile(
	`https?://[^/\s]+(/(?:confirm|reset|change-email|tf-delete|tf-invite)/([A-Za-z0-9._-]+))`)

// link returns the path in the newest mail of a kind to an address.
func (w *world) link(kind, to string) string {
	w.T.Helper()
	for _, mail := range w.letters(kind, to) {
		if found := mailedLink.FindStringSubmatch(mail); found != nil {
			w.handedOut("token to "+kind, found[2])
			return found[1]
		}
	}
	w.T.Fatalf("no mail %q with a link to %s", kind, to)
	return ""
}

// mails returns the texts of all mails of a kind to an address, newest first, after all stored
// mails are delivered.
func (w *world) letters(kind, to string) (texts []string) {
	w.T.Helper()
	w.settled()
	for _, mail := range w.Mail.To(to) {
		if mail.Kind == kind {
			texts = append([]string{mail.Text}, texts...)
		}
	}
	return texts
}

// resets requests a reset link for an address and returns its path.
func (b *browser) resets(email string) string {
	b.w.T.Helper()
	b.w.Advance(time.Second)
	b.Post("/reset", m{"email": email}).Want(200)
	return b.w.link("reset", email)
}

const newSecret = "another horse 72 battery"

// TestR021_ResetKeepsTheSecondFactor checks that a reset sets a password and signs no one in. The
// next sign-in requires the same second factor as before.
func TestR021_ResetKeepsTheSecondFactor(t *testing.T) {
	for name, change := range map[string]func(*twofold.Config){"plain": func(*twofold.Config) {},
		"with auto-login": autoLogin} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, life, change)
			p := w.withApp("alice")
			old, pending := w.plantSession(p), w.plantPending(p)
			before := w.rows("factors")
			b := w.browser()
			link := b.resets(p.Email)
			b.Page(link).Want(200)
			b.out("an opened link")
			b.Post("/reset/"+strings.Repeat("A", 43)+".AAAA",
				m{"password": newSecret, "password_confirm": newSecret}).Want(400).Refused("no token")
			r := b.Post(link, m{"password": newSecret, "password_confirm": newSecret}).Want(200)
			if r.Cookie("twofold") != "" || r.JSON["user"] != nil {
				t.Errorf("%s: the reset signs in: %s", name, r.Body)
			}
			b.out(name + ": a reset")
			old.out("a session from before the reset")
			pending.validate(p.Next()).Want(400).Refused("a sign-in from before the reset")
			if w.rows("factors") != before {
				t.Errorf("%s: the second factor was changed", name)
			}
			w.signsIn(p.Email, secret).Want(400).Refused("the old password")
			in := w.browser()
			if r := in.Post("/login",
				m{"email": p.Email, "password": newSecret}).Want(200); r.JSON["tf_required"] != true {
				t.Errorf("%s: the new password alone: %s", name, r.Body)
			}
			in.out("the new password alone")
			in.validate(p.Next()).Want(200)
			in.in(p, 2)
			b.Post(link, m{"password": newSecret + "x", "password_confirm": newSecret +
				"x"}).Want(400).Refused("a spent link")
			if n := len(w.letters("notice_password_reset", p.Email)); n != 1 {
				t.Errorf("%s: %d notices", name, n)
			}
			// Access to the mailbox must not be enough (R73).
			lost := w.plantPending(p)
			if options, _ := lost.Get("/tf-rescue").Want(200).JSON["recovery_options"].(m); options["email"] != nil {
				t.Errorf("%s: rescue by mail right after a reset by mail: %v", name, options)
			}
		})
	}
}

// TestR022_LinksEndAtTheGate checks that a link that signs in still requires the second factor,
// which cannot be a mailed code after it.
func TestR022_LinksEndAtTheGate(t *testing.T) {
	w := newWorld(t, life, autoLogin)
	p := w.withApp("alice")
	b := w.browser()
	r := b.Form(b.resets(p.Email), "password", newSecret, "password_confirm", newSecret).Want(303)
	if to := r.Header.Get("Location"); !strings.HasPrefix(to, "/tf-validate") {
		t.Errorf("after the reset to %s", to)
	}
	b.out("a reset in the browser that asked")
	b.validate(p.Next()).Want(200)
	b.in(p, 2)

	one := w.person("susan") // no second factor: the link is all that is asked
	b = w.browser()
	b.Post(b.resets(one.Email), m{"password": newSecret, "password_confirm": newSecret}).Want(200)
	b.in(one, 1)
	other := w.browser()
	r = w.browser().Post(other.resets(one.Email), m{"password": secret, "password_confirm": secret}).Want(200)
	if r.JSON["user"] != nil || r.Cookie("twofold") != "" {
		t.Errorf("a reset in another browser than the one that asked signs in: %s", r.Body)
	}

	e := w.person("erika").enrollMail()
	b = w.browser()
	r = b.Post(b.resets(e.Email), m{"password": newSecret, "password_confirm": newSecret}).Want(200)
	if r.JSON["user"] != nil || r.JSON["tf_required"] == true {
		t.Errorf("a mailed link is followed by a mailed code: %s", r.Body)
	}
	b.out("one mailbox twice")
	b.Post("/tf-validate", m{"code": "000000"}).Want(400).Refused("no pending")

}

// TestR021_AResetIsDoneWhileACodeIsPending checks that a reset succeeds even if no code can be sent
// for a while.
func TestR021_AResetIsDoneWhileACodeIsPending(t *testing.T) {
	w := newWorld(t, life, autoLogin, func(c *twofold.Config) {
		c.Advanced.Limits.SendShort, c.Advanced.Limits.SendDay = 2, 2
	})
	p := w.person("alice").enrollSMS("+16505551212") // its code came back, and counts no more
	for range 2 {
		w.browser().login(p).Want(200)
		w.Advance(31 * time.Second)
	}
	w.browser().login(p).Want(429)
	b := w.browser()
	r := b.Post(b.resets(p.Email), m{"password": newSecret, "password_confirm": newSecret}).Want(200)
	if r.JSON["tf_required"] != true {
		t.Errorf("after the reset: %s", r.Body)
	}
	b.out("a reset whose code waits")
	w.browser().Post("/login", m{"email": p.Email, "password": secret}).Want(400)
	w.Advance(25 * time.Hour)
	w.browser().Post("/login", m{"email": p.Email, "password": newSecret}).Want(200)
}

// TestR022_ConfirmationEndsAtTheGate checks that confirming an address with a link signs the user
// in only after the required enrollment.
func TestR022_ConfirmationEndsAtTheGate(t *testing.T) {
	w := newWorld(t, life, autoLogin, func(c *twofold.Config) { c.TwoFactor.Required = true })
	b := w.browser()
	b.Post("/register", m{"email": "new@good.test", "password": secret, "password_confirm": secret}).Want(200)
	b.out("registered")
	r := b.Post(w.link("confirm", "new@good.test"), m{}).Want(200)
	if r.JSON["tf_state"] != "setup_from_login" || r.JSON["user"] != nil {
		t.Errorf("after the confirmation: %s", r.Body)
	}
	b.out("confirmed, nothing set up")
}

// TestR008_ProofOfTheMailbox checks that the owner of an address that someone else registered gets
// an account in which no credential of the other person works.
func TestR008_ProofOfTheMailbox(t *testing.T) {
	const victim = "victim@good.test"
	w := newWorld(t, life)
	attacker := w.browser()
	attacker.Post("/register", m{"email": victim, "password": secret, "password_confirm": secret}).Want(200)
	attacker.out("registered, not confirmed")
	r := attacker.Post("/login", m{"email": victim, "password": secret}).Want(400).Refused("not confirmed")
	if !strings.Contains(r.Body, "requires confirmation") {
		t.Errorf("who knows the password is not told: %s", r.Body)
	}
	w.browser().Post("/login", m{"email": victim, "password": "wrong password"}).Want(400)
	link := w.link("confirm", victim)
	owner := w.browser()
	if page := owner.Page(link).Want(200); !strings.Contains(page.Body, `name="password"`) {
		t.Error("another browser is not asked for a password")
	}
	for _, body := range []m{{}, {"password": ""}, {"password": "short", "password_confirm": "short"},
		{"password": newSecret, "password_confirm": "x"}} {
		owner.Post(link, body).Want(400).Refused("no good password")
	}
	w.signsIn(victim, secret).Want(400).Refused("refused passwords confirmed nothing")
	owner.Post(link, m{"password": newSecret, "password_confirm": newSecret}).Want(200)
	w.signsIn(victim, secret).Want(400).Refused("the password planted before")
	w.signsIn(victim, newSecret).Want(200)
	attacker.out("after the owner confirmed")
	owner.Post(link, m{"password": secret, "password_confirm": secret}).Want(400).Refused("a spent link")

	// In the browser that registered, clicking the button is enough.
	b := w.browser()
	b.Post("/register", m{"email": "bob@good.test", "password": secret, "password_confirm": secret}).Want(200)
	link = w.link("confirm", "bob@good.test")
	if page := b.Page(link).Want(200); strings.Contains(page.Body, `name="password"`) {
		t.Error("the browser that registered is asked for a password")
	}
	b.Post(link, m{}).Want(200)
	w.signsIn("bob@good.test", secret).Want(200)

}

// TestR008_SignedInBeforeTheProof covers sites where users may sign in before they confirm. An
// attacker cannot add a second factor, and the confirmation ends existing sessions.
func TestR008_SignedInBeforeTheProof(t *testing.T) {
	const victim = "victim@good.test"
	w := newWorld(t, life, func(c *twofold.Config) { c.Accounts.LoginUnconfirmed = true })
	attacker := w.browser()
	attacker.Post("/register", m{"email": victim, "password": secret, "password_confirm": secret}).Want(200)
	if user, _ := attacker.sees(); user == "" {
		t.Fatal("an unconfirmed account does not sign in although it may")
	}
	attacker.Post("/tf-setup", m{"setup": "authenticator"}).Want(400).Refused("a factor on an unverified address")
	thief := attacker.copy()
	w.browser().Post(w.link("confirm", victim), m{"password": newSecret, "password_confirm": newSecret}).Want(200)
	thief.out("a session from before the proof")
	w.signsIn(victim, secret).Want(400).Refused("the planted password")
	// A reset also confirms the address, so that an owner whose address was registered by someone
	// else has a way in.
	attacker.Jar = map[string]string{}
	attacker.Post("/register", m{"email": "eve@good.test", "password": secret, "password_confirm": secret}).Want(200)
	owner := w.browser()
	owner.Post("/reset", m{"email": "eve@good.test"}).Want(200)
	if len(w.letters("reset", "eve@good.test")) != 0 {
		t.Error("a reset link for an address that nobody has proven")
	}
}

// TestR051_OpeningALinkUsesNothingUp checks that GET and HEAD never spend a link and that the
// button works once. The page sends no Referer.
func TestR051_OpeningALinkUsesNothingUp(t *testing.T) {
	w := newWorld(t, life)
	p := w.person("alice")
	b := w.browser()
	b.Post("/register", m{"email": "new@good.test", "password": secret, "password_confirm": secret}).Want(200)
	signed := w.plantSession(p)
	signed.Post("/change-email", m{"email": "alice2@good.test"}).Want(200)
	for kind, c := range map[string]struct {
		link string
		b    *browser
		body m
	}{
		"confirm":      {w.link("confirm", "new@good.test"), b, m{}},
		"change-email": {w.link("change_email", "alice2@good.test"), signed, m{}},
		"reset": {b.resets(w.person("susan").Email), w.browser(),
			m{"password": newSecret, "password_confirm": newSecret}},
	} {
		before := w.rows("users", "sessions", "factors", "counters")
		for range 5 {
			other := w.browser()
			if kind == "change-email" { // shown to the account that asked for it only
				other = c.b.copy()
			}
			for _, r := range []*answer{other.Page(c.link), c.b.Page(c.link), other.Get(c.link),
				other.Do("HEAD", c.link, "", "")} {
				r.Want(200)
				if policy := r.Header.Get("Referrer-Policy"); policy != "strict-origin" && policy != "no-referrer" {
					t.Errorf("%s: Referrer-Policy %q", kind, policy)
				}
				if !strings.Contains(r.Header.Get("Cache-Control"), "no-store") || r.Cookie("twofold") != "" ||
					r.Cookie("twofold-pending") != "" {
					t.Errorf("%s: headers %v", kind, r.Header)
				}
			}
		}
		if w.rows("users", "sessions", "factors", "counters") != before {
			t.Errorf("%s: opening the link changed something", kind)
		}
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			c.b.Do(method, c.link, testkit.TypeJSON, "{}").Want(405)
		}
		c.b.Do("POST", c.link, testkit.TypeForm, "password="+newSecret, "Sec-Fetch-Site", "cross-site").Want(403)
		c.b.Post(c.link, c.body).Want(200)
		for _, again := range []*browser{c.b, w.browser()} {
			again.Post(c.link, c.body).Want(400).Refused(kind + " again")
			again.Get(c.link).Want(400)
			if to := again.Page(c.link).Want(303).Header.Get("Location"); strings.Contains(to, "//") {
				t.Errorf("%s: a bad link leads to %s", kind, to)
			}
		}
	}
}

// TestR058_LinksEndWithWhatTheyRestOn.
func TestR058_LinksEndWithWhatTheyRestOn(t *testing.T) {
	w := newWorld(t, life)
	ctx, auth := t.Context(), w.Nodes[0].Auth
	fill := m{"password": newSecret, "password_confirm": newSecret}
	for name, happens := range map[string]func(p *person){
		"password": func(p *person) { w.Must(auth.SetPassword(ctx, p.ID, newSecret+"!")) },
		"switched": func(p *person) {
			w.Must(auth.SetActive(ctx, p.ID, false))
			w.Must(auth.SetActive(ctx, p.ID, true))
		},
		"address":  func(p *person) { w.Must(auth.SetIdentity(ctx, p.ID, "x"+p.Email, p.Name)) },
		"factor":   func(p *person) { p.enrollApp() },
		"too-late": func(*person) { w.Advance(61 * time.Minute) },
		"not-me": func(p *person) {
			w.Must(auth.SetPassword(ctx, p.ID, newSecret))
			w.browser().Form("/tf-not-me/" + p.stopToken()).Want(200)
		},
		"other-one": func(p *person) {
			w.browser().Post(w.browser().resets(p.Email),
				m{"password": newSecret + "?", "password_confirm": newSecret + "?"}).Want(200)
		},
	} {
		name := strings.ReplaceAll(name, "-", "")
		p := w.person(name)
		first, second := w.browser().resets(p.Email), w.browser().resets(p.Email)
		if first == second {
			t.Fatal("two requests gave one link")
		}
		happens(p)
		before := w.rows("users")
		for _, link := range []string{first, second} {
			w.browser().Post(link, fill).Want(400).Refused(name)
			w.browser().Get(link).Want(400)
		}
		if w.rows("users") != before {
			t.Errorf("%s: a dead link changed the account", name)
		}
	}
	late := w.person("late")
	b := w.plantSession(late)
	b.Post("/change-email", m{"email": "later@good.test"}).Want(200)
	link := w.link("change_email", "later@good.test")
	w.Advance(2*time.Hour + time.Second)
	if r := w.browser().Post(link, m{}).Want(400); !strings.Contains(r.Body, "2 hours") {
		t.Errorf("an old link is not told from a bad one: %s", r.Body)
	}
}

// TestR136_LinksAreTyped checks that each link works only at its own path and for its own account.
func TestR136_LinksAreTyped(t *testing.T) {
	w := newWorld(t, life)
	p := w.person("alice")
	b := w.browser()
	b.Post("/register", m{"email": "new@good.test", "password": secret, "password_confirm": secret}).Want(200)
	w.plantSession(p).Post("/change-email", m{"email": "alice2@good.test"}).Want(200)
	w.Must(w.Nodes[0].Auth.SetPassword(t.Context(), w.person("susan").ID, newSecret))
	tokens := map[string]string{
		"confirm": w.link("confirm", "new@good.test"), "reset": b.resets(p.Email),
		"change-email": w.link("change_email", "alice2@good.test"),
		"tf-not-me":    "/tf-not-me/" + (w.of(testkit.Person{Email: "susan@good.test"})).stopToken(),
	}
	before := w.rows("users", "sessions")
	fill := m{"password": newSecret, "password_confirm": newSecret}
	for kind, link := range tokens {
		token := link[strings.LastIndex(link, "/")+1:]
		w.handedOut("token to "+kind, token)
		for path := range tokens {
			variants := map[string]string{"another path": token}
			if path == kind {
				payload, mac, _ := strings.Cut(token, ".")
				variants = map[string]string{
					"cut": token[:len(token)-1], "longer": token + "A", "other case": swapCase(token),
					"encoded":      strings.ReplaceAll(token, ".", "%2E") + "%20",
					"only payload": payload, "only mac": mac, "swapped": mac + "." + payload,
				}
			}
			for what, v := range variants {
				w.browser().Post("/"+path+"/"+v, fill).Refused(kind + " at " + path + ": " + what)
			}
		}
		for _, as := range []string{"twofold", "twofold-pending", "tf_validity", "twofold-asked"} {
			other := w.browser()
			other.Jar[as] = token
			other.out(kind + " as a cookie")
		}
	}
	if w.rows("users", "sessions") != before {
		t.Error("something changed")
	}
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 32
		case r >= 'A' && r <= 'Z':
			return r + 32
		}
		return r
	}, s)
}

// TestR144_LinksOnceInParallel checks that of many concurrent clicks one counts.
func TestR144_LinksOnceInParallel(t *testing.T) {
	w := newWorld(t, life)
	second := w.Start(nil)
	for round := range 2 {
		p := w.person(fmt.Sprintf("alice%d", round))
		b := w.browser()
		email := fmt.Sprintf("new%d@good.test", round)
		b.Post("/register", m{"email": email, "password": secret, "password_confirm": secret}).Want(200)
		signed := w.plantSession(p)
		signed.Post("/change-email", m{"email": "x" + p.Email}).Want(200)
		who := map[string]*browser{"confirm": b, "change-email": signed}
		for kind, link := range map[string]string{"confirm": w.link("confirm", email),
			"change-email": w.link("change_email", "x"+p.Email)} {
			var won [20]int
			testkit.Par(len(won), func(i int) {
				c := who[kind].copy()
				if i%2 == 0 {
					c.on(second)
				}
				won[i] = c.Post(link, m{}).Status
				if won[i] == 401 { // another one was faster, and its session is over
					won[i] = 400
				}
			})
			counted(t, kind, won[:])
		}
		susan := w.person(fmt.Sprintf("susan%d", round))
		links := []string{b.resets(susan.Email), b.resets(susan.Email)} // either, but one
		var won [8]int
		testkit.Par(len(won), func(i int) {
			c := w.browser()
			if i%2 == 0 {
				c.on(second)
			}
			plain := fmt.Sprintf("%s %d", newSecret, i)
			won[i] = c.Post(links[i/2%2], m{"password": plain, "password_confirm": plain}).Status
		})
		counted(t, "reset", won[:])
		right := 0
		for i := range won {
			if r := w.signsIn(susan.Email, fmt.Sprintf("%s %d", newSecret, i)); r.Status == 200 {
				right++
			}
		}
		if right != 1 {
			t.Errorf("%d passwords are right", right)
		}
	}
}

func counted(t *testing.T, what string, statuses []int) {
	t.Helper()
	n := map[int]int{}
	for _, s := range statuses {
		n[s]++
	}
	if n[200] != 1 || n[400] != len(statuses)-1 {
		t.Errorf("%s: %v", what, n)
	}
}

// TestR057_NewAddressIsProven checks that nothing changes before the link to the new address is
// used. Then the former address is notified, and links mailed to it stop working.
func TestR057_NewAddressIsProven(t *testing.T) {
	w := newWorld(t, life)
	p := w.person("alice").enrollMail()
	old := p.Email
	stale := w.plantSession(p)
	w.Advance(16 * time.Minute)
	stale.Post("/change-email", m{"email": "alice2@good.test"}).Want(401).Refused("not fresh")
	w.plantPending(p).Post("/change-email", m{"email": "alice2@good.test"}).Want(401).Refused("pending")
	w.browser().Post("/change-email", m{"email": "alice2@good.test"}).Want(401).Refused("nobody")
	b, elsewhere := w.plantSession(p), w.plantSession(p)
	for _, bad := range []any{[]string{"a@good.test", "b@good.test"}, "a@good.test,b@good.test",
		"a@good.test\r\nBcc: c@evil.test", "a b@good.test", "", nil, 7} {
		b.Post("/change-email", m{"email": bad}).Want(400)
	}
	b.Post("/change-email", m{"email": "alice2@good.test"}).Want(200)
	reset := w.browser().resets(old)
	if n := len(w.letters("notice_email_wanted", old)); n != 1 {
		t.Errorf("%d words to the present address", n)
	}
	pending := w.plantPending(p)
	pending.Post("/tf-resend", m{}).Want(200)
	code := p.Mailed() // to the old address: nothing has changed
	link := w.link("change_email", "alice2@good.test")
	b.Post(link, m{}).Want(200)
	p.Email = "alice2@good.test"
	w.settled()
	b.in(p, 2)
	elsewhere.out("another session after the change")
	pending.validate(code).Want(400).Refused("a code mailed to the former address")
	w.browser().Post(reset, m{"password": newSecret, "password_confirm": newSecret}).Want(400).Refused(
		"a link mailed to the former address")
	if f := p.Factors(); len(f) != 1 || f[0].Destination != p.Email {
		t.Errorf("codes go on to %+v", f)
	}
	for _, to := range []string{old, p.Email} {
		if n := len(w.letters("notice_identity_changed", to)); n != 1 {
			t.Errorf("%d notices to %s", n, to)
		}
	}
	w.signsIn(old, secret).Want(400).Refused("the former address")
	w.signsIn(p.Email, secret).Want(200)
	b.Get("/change-email").Want(200)
}

// TestR125_TakenAddresses checks that registration and change of address have the same answer for a
// taken and a free address. Only the owner of the taken address is notified.
func TestR125_TakenAddresses(t *testing.T) {
	w := newWorld(t, life)
	owner, mover := w.person("owner"), w.person("mover")
	register := func(email string) string {
		b := w.browser()
		w.Advance(time.Second)
		r := b.Post("/register", m{"email": email, "password": secret, "password_confirm": secret}).Want(200)
		page := w.browser().Form("/register", "email", "2"+email, "password", secret, "password_confirm", secret)
		return blank(r) + blank(page)
	}
	w.person("2owner")
	if a, b := register(owner.Email), register("fresh@good.test"); a != b {
		t.Errorf("registration tells:\n%s\n%s", a, b)
	}
	change := func(email string) string {
		b := w.plantSession(mover)
		return blank(b.Post("/change-email", m{"email": email}).Want(200)) +
			blank(w.plantSession(mover).Form("/change-email", "email", "2"+email).Want(200))
	}
	if a, b := change(owner.Email), change("free@good.test"); a != b {
		t.Errorf("change of address tells:\n%s\n%s", a, b)
	}
	w.settled()
	for kind, n := range map[string]int{"taken": 1, "email_wanted": 1, "confirm": 0, "change_email": 0} {
		if got := len(w.letters(kind, owner.Email)); got != n {
			t.Errorf("the owner of the taken address got %d mails %q, want %d", got, kind, n)
		}
	}
	if link := w.letters("taken", owner.Email); mailedLink.MatchString(strings.Join(link, "")) {
		t.Error("the mail to the owner opens something")
	}
	var made [20]int
	testkit.Par(len(made), func(i int) {
		made[i] = w.browser().Post("/register",
			m{"email": "race@good.test", "password": secret, "password_confirm": secret}).Status
	})
	if n := w.number(`SELECT COUNT(*) FROM twofold_users WHERE email_key = 'race@good.test'`); n != 1 {
		t.Errorf("%d accounts of one address", n)
	}
	for _, s := range made {
		if s != 200 {
			t.Errorf("statuses %v", made)
			break
		}
	}
	// The notice of a taken username is mailed to the submitted address and not shown on the page.
	w.browser().Post("/register",
		m{"email": "second@good.test", "username": "owner", "password": secret, "password_confirm": secret}).Want(200)
	w.settled()
	if n := len(w.letters("username_taken", "second@good.test")); n != 1 {
		t.Errorf("%d mails about the taken username", n)
	}
}

// blank removes random and submitted values from an answer.
func blank(r *answer) string {
	return blanks.ReplaceAllString(fmt.Sprintf("%d %v %s", r.Status, r.Header, r.Body), "*")
}

var blanks = regexp.MustCompile(
	`[a-z0-9]+@good\.test|value="[A-Za-z0-9_-]{43}"|(?:Date|X-Request-Id):\[[^]]*\]|Content-Length:\[\d+\]|twofold-(?:csrf|asked|inbox)=[^;]*|"csrf_token":"[^"]*"|"id":"[^"]*"`)

// TestR122_MailRequestsTellNothing checks that requests for mail have the same answer for every
// state of an account.
func TestR122_MailRequestsTellNothing(t *testing.T) {
	w := newWorld(t, life)
	emails := append(w.classes(), "waiting@good.test")
	w.browser().Post("/register",
		m{"email": "waiting@good.test", "password": secret, "password_confirm": secret}).Want(200)
	for _, path := range []string{"/reset", "/confirm", "/recover-username"} {
		seen := map[string][]string{}
		for _, email := range emails {
			b, form := w.browser(), w.browser()
			text := blank(b.Post(path, m{"email": email})) + blank(form.Form(path, "email", email))
			seen[text] = append(seen[text], email)
		}
		if len(seen) != 1 {
			t.Errorf("%s: %d different answers: %v", path, len(seen), seen)
		}
	}
	w.settled()
	for email, kinds := range map[string]map[string]int{
		"nobody@good.test": {}, "disabled@good.test": {}, "active@good.test": {"reset": 2, "username": 2},
		"waiting@good.test": {"confirm": 5},
	} {
		got := map[string]int{}
		for _, mail := range w.Mail.To(email) {
			got[mail.Kind]++
		}
		if fmt.Sprint(got) != fmt.Sprint(kinds) {
			t.Errorf("%s got %v, want %v", email, got, kinds)
		}
	}
}

// TestR122_SitesThatTell checks that sites that reveal accounts use the messages of the contract.
func TestR122_SitesThatTell(t *testing.T) {
	w := newWorld(t, life, specific)
	w.classes()
	w.browser().Post("/register",
		m{"email": "waiting@good.test", "password": secret, "password_confirm": secret}).Want(200)
	for path, texts := range map[string]map[string]string{
		"/reset":            {"nobody": "does not exist", "disabled": "disabled", "waiting": "requires confirmation"},
		"/confirm":          {"nobody": "does not exist", "active": "already been confirmed"},
		"/recover-username": {"nobody": "does not exist", "disabled": "disabled"},
	} {
		for name, text := range texts {
			r := w.browser().Post(path, m{"email": name + "@good.test"}).Want(400)
			if fields, _ := r.JSON["field_errors"].(m); !strings.Contains(fmt.Sprint(fields["email"]), text) {
				t.Errorf("%s %s: %s", path, name, r.Body)
			}
		}
	}
}

// TestR050_MailRequestsDoNotAffectASignIn checks that a hundred requests for mail from twenty addresses
// do not affect the owner's code and budget.
func TestR050_MailRequestsDoNotAffectASignIn(t *testing.T) {
	w := newWorld(t, life, func(c *twofold.Config) {
		c.Advanced.Limits = limit.Limits{}
		c.Advanced.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	p := w.person("alice").enrollMail()
	b := w.plantPending(p)
	b.Post("/tf-resend", m{}).Want(200)
	code := p.Mailed()
	sent := map[int]int{}
	for i := range 100 {
		stranger := w.browser()
		stranger.Header["X-Forwarded-For"] = fmt.Sprintf("203.0.113.%d", i%20)
		for _, path := range []string{"/reset", "/recover-username"} {
			sent[stranger.Post(path, m{"email": p.Email}).Status]++
		}
	}
	if sent[200] == 0 || sent[429] == 0 || sent[200]+sent[429] != 200 {
		t.Errorf("200 requests of strangers: %v", sent)
	}
	w.Advance(31 * time.Second)
	again := w.plantPending(p)
	again.Post("/tf-resend", m{}).Want(200)
	b.validate(code).Want(200)
	b.in(p, 2)
	w.plantSession(p).Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
}

// TestR121_MailIsLimited checks the limits by requester, by address, and for changes of address.
func TestR121_MailIsLimited(t *testing.T) {
	w := newWorld(t, life, func(c *twofold.Config) { c.Advanced.Limits = limit.Limits{} })
	p := w.person("alice")
	for _, path := range []string{"/reset", "/confirm", "/recover-username"} {
		for _, email := range []string{p.Email, "nobody@good.test"} {
			got := map[int]int{}
			for range 10 {
				got[w.browser().Post(path, m{"email": email}).Status]++
			}
			if got[200] != 3 || got[429] != 7 {
				t.Errorf("%s for %s: %v", path, email, got)
			}
		}
	}
	got := map[int]int{}
	for i := range 50 {
		got[w.browser().Post("/reset", m{"email": fmt.Sprintf("n%d@good.test", i)}).Status]++
	}
	if got[429] < 20 {
		t.Errorf("50 requests from one address for many: %v", got)
	}
	w.Advance(2 * time.Hour)
	b, got := w.plantSession(p), map[int]int{}
	for i := range 20 {
		got[b.Post("/change-email", m{"email": fmt.Sprintf("m%d@good.test", i)}).Status]++
	}
	if got[200] != 3 || got[429] != 17 {
		t.Errorf("20 changes of address: %v", got)
	}
	names := map[int]int{}
	for range 60 {
		names[b.Post("/change-username", m{"username": "a"}).Status]++
	}
	if names[429] < 20 {
		t.Errorf("60 usernames tried: %v", names)
	}
}

// TestR053_ChangesNeedAFreshSignIn checks that changes also require all factors of the account and
// the current password.
func TestR053_ChangesNeedAFreshSignIn(t *testing.T) {
	w := newWorld(t, life)
	p := w.withApp("alice")
	fill := m{"password": secret, "new_password": newSecret, "new_password_confirm": newSecret}
	b := w.plantSession(p)
	w.Advance(16 * time.Minute)
	before := w.rows("users")
	for path, body := range map[string]m{"/change": fill, "/change-email": {"email": "x@good.test"},
		"/change-username": {"username": "alice99"}} {
		r := b.Post(path, body).Want(401).Refused("not fresh")
		if r.JSON["reauth_required"] != true {
			t.Errorf("%s: %s", path, r.Body)
		}
		b.Get(path).Want(401)
		if to := b.Page(path).Want(303).Header.Get("Location"); !strings.HasPrefix(to, "/verify?next=") {
			t.Errorf("%s leads to %s", path, to)
		}
		w.browser().Post(path, body).Want(401).Refused("nobody")
		w.plantPending(p).Post(path, body).Want(401).Refused("pending")
	}
	if w.rows("users") != before {
		t.Error("something changed")
	}
	b, elsewhere, device := w.plantSession(p), w.plantSession(p), w.trusted(p)
	b.Post("/change", m{"password": "wrong password", "new_password": newSecret,
		"new_password_confirm": newSecret}).Want(400).Refused("a wrong password")
	b.Post("/change", m{"new_password": newSecret, "new_password_confirm": newSecret}).Want(400).Refused("no password")
	b.Post("/change", m{"password": secret, "new_password": secret, "new_password_confirm": secret}).Want(400)
	b.Post("/change", m{"password": secret, "new_password": "password1", "new_password_confirm": "password1"}).Want(400)
	b.Post("/change", m{"password": secret, "new_password": newSecret, "new_password_confirm": secret}).Want(400)
	link := w.browser().resets(p.Email)
	b.Post("/change", fill).Want(200)
	b.in(p, 2)
	elsewhere.out("another session after the change")
	device.login(p, m{"password": newSecret}).Want(200)
	device.out("a trusted browser after the change")
	w.browser().Post(link, m{"password": secret, "password_confirm": secret}).Want(400).Refused(
		"a link from before the change")
	w.signsIn(p.Email, secret).Want(400).Refused("the old password")
	w.settled()
	if n := len(w.letters("notice_password_changed", p.Email)); n != 1 {
		t.Errorf("%d notices", n)
	}
}

// TestR117_ChangeCountsGuesses checks that guesses in the field for the current password count for
// their session, and that strangers' guesses do not count there.
func TestR117_ChangeCountsGuesses(t *testing.T) {
	w := newWorld(t, life, func(c *twofold.Config) { c.Advanced.Limits = limit.Limits{} })
	p := w.person("alice")
	b, got := w.plantSession(p), map[int]int{}
	for range 15 {
		w.signsIn(p.Email, "wrong password")
	}
	for range 15 {
		got[b.Post("/change", m{"password": "wrong password", "new_password": newSecret,
			"new_password_confirm": newSecret}).Status]++
	}
	if got[400] != 10 || got[429] != 5 {
		t.Errorf("15 guesses in a session: %v", got)
	}
}

// TestR102_LockedByTheApplication checks that the application's lock refuses every sign-in, and
// that its reason is shown only to a user who knows the password.
func TestR102_LockedByTheApplication(t *testing.T) {
	shut := false
	w := newWorld(t, life, func(c *twofold.Config) {
		c.Accounts.Locked = func(i twofold.User) bool { return shut && strings.HasPrefix(i.Email, "alice") }
	})
	p, k := w.withKey("alice", storage.UseFirst, phoneKey) // which alone is both factors
	p.enrollApp()
	pending := w.plantPending(p)
	link := w.browser().resets(p.Email)
	shut = true
	b := w.browser()
	b.signInBy(k).Want(400)
	b.out("a passkey while locked")
	r := w.browser().login(p).Want(400).Refused("locked")
	if !strings.Contains(r.Body, "locked") {
		t.Errorf("who knows the password is not told: %s", r.Body)
	}
	known, unknown := w.signsIn(p.Email, "wrong password"), w.signsIn("nobody@good.test", "wrong password")
	if blank(known) != blank(unknown) {
		t.Errorf("a stranger is told: %s", known.Body)
	}
	pending.validate(p.Next()).Want(400).Refused("pending while locked")
	w.browser().Post(link, m{"password": newSecret, "password_confirm": newSecret}).Want(400).Refused(
		"a reset while locked")
	shut = false
	w.browser().login(p).Want(200)
}

// wordless rejects one password as breached.
type wordless struct{ asked []string }

func (c *wordless) Check(_ context.Context, plain string, words ...string) error {
	c.asked = append(c.asked, strings.Join(words, " "))
	if plain == "published phrase 71" {
		return password.ErrBreached
	}
	return nil
}

// TestR002_CheckersJudgeEveryNewPassword covers registration, reset, change, confirmation in
// another browser, and an operator. A refusal does not spend the link.
func TestR002_CheckersJudgeEveryNewPassword(t *testing.T) {
	const published = "published phrase 71"
	checker := &wordless{}
	w := newWorld(t, life, func(c *twofold.Config) { c.Password.Checkers = []password.Checker{checker} })
	p := w.person("alice")
	twice := m{"password": published, "password_confirm": published}
	refused := func(r *answer, field string) {
		t.Helper()
		fields, _ := r.Want(400).JSON["field_errors"].(m)
		if !strings.Contains(fmt.Sprint(fields[field]), "breached") {
			t.Errorf("%s: %s", r.What, r.Body)
		}
	}
	refused(w.browser().Post("/register",
		m{"email": "new@good.test", "password": published, "password_confirm": published}), "password")
	link := w.browser().resets(p.Email)
	refused(w.browser().Post(link, twice), "password")
	refused(w.plantSession(p).Post("/change",
		m{"password": secret, "new_password": published, "new_password_confirm": published}), "new_password")
	w.browser().Post("/register", m{"email": "new@good.test", "password": secret, "password_confirm": secret}).Want(200)
	confirm := w.link("confirm", "new@good.test")
	refused(w.browser().Post(confirm, twice), "password")
	if err := w.Nodes[0].Auth.SetPassword(t.Context(), p.ID, published); !errors.Is(err, password.ErrBreached) {
		t.Errorf("an operator: %v", err)
	}
	w.browser().Post(confirm, m{"password": newSecret, "password_confirm": newSecret}).Want(200)
	w.browser().Post(link, m{"password": newSecret, "password_confirm": newSecret}).Want(200)
	for _, words := range checker.asked {
		if !strings.Contains(words, "@good.test") || !strings.Contains(words, "good") {
			t.Errorf("a checker was told %q only", words)
		}
	}
}
