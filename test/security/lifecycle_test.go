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
	w.t.Helper()
	for _, mail := range w.letters(kind, to) {
		if found := mailedLink.FindStringSubmatch(mail); found != nil {
			w.handedOut("token to "+kind, found[2])
			return found[1]
		}
	}
	w.t.Fatalf("no mail %q with a link to %s", kind, to)
	return ""
}

// mails returns the texts of all mails of a kind to an address, newest first, after all stored
// mails are delivered.
func (w *world) letters(kind, to string) (texts []string) {
	w.t.Helper()
	w.settled()
	for _, mail := range w.mail.To(to) {
		if mail.Kind == kind {
			texts = append([]string{mail.Text}, texts...)
		}
	}
	return texts
}

// resets requests a reset link for an address and returns its path.
func (b *browser) resets(email string) string {
	b.w.t.Helper()
	b.w.advance(time.Second)
	b.post("/reset", m{"email": email}).want(200)
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
			link := b.resets(p.email)
			b.page(link).want(200)
			b.out("an opened link")
			b.post("/reset/"+strings.Repeat("A", 43)+".AAAA",
				m{"password": newSecret, "password_confirm": newSecret}).want(400).refused("no token")
			r := b.post(link, m{"password": newSecret, "password_confirm": newSecret}).want(200)
			if r.cookie("twofold") != "" || r.json["user"] != nil {
				t.Errorf("%s: the reset signs in: %s", name, r.body)
			}
			b.out(name + ": a reset")
			old.out("a session from before the reset")
			pending.validate(p.next()).want(400).refused("a sign-in from before the reset")
			if w.rows("factors") != before {
				t.Errorf("%s: the second factor was changed", name)
			}
			w.signsIn(p.email, secret).want(400).refused("the old password")
			in := w.browser()
			if r := in.post("/login",
				m{"email": p.email, "password": newSecret}).want(200); r.json["tf_required"] != true {
				t.Errorf("%s: the new password alone: %s", name, r.body)
			}
			in.out("the new password alone")
			in.validate(p.next()).want(200)
			in.in(p, 2)
			b.post(link, m{"password": newSecret + "x", "password_confirm": newSecret +
				"x"}).want(400).refused("a spent link")
			if n := len(w.letters("notice_password_reset", p.email)); n != 1 {
				t.Errorf("%s: %d notices", name, n)
			}
			// Access to the mailbox must not be enough (R73).
			lost := w.plantPending(p)
			if options, _ := lost.get("/tf-rescue").want(200).json["recovery_options"].(m); options["email"] != nil {
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
	r := b.form(b.resets(p.email), "password", newSecret, "password_confirm", newSecret).want(303)
	if to := r.header.Get("Location"); !strings.HasPrefix(to, "/tf-validate") {
		t.Errorf("after the reset to %s", to)
	}
	b.out("a reset in the browser that asked")
	b.validate(p.next()).want(200)
	b.in(p, 2)

	one := w.person("susan") // no second factor: the link is all that is asked
	b = w.browser()
	b.post(b.resets(one.email), m{"password": newSecret, "password_confirm": newSecret}).want(200)
	b.in(one, 1)
	other := w.browser()
	r = w.browser().post(other.resets(one.email), m{"password": secret, "password_confirm": secret}).want(200)
	if r.json["user"] != nil || r.cookie("twofold") != "" {
		t.Errorf("a reset in another browser than the one that asked signs in: %s", r.body)
	}

	e := w.person("erika").enrollMail()
	b = w.browser()
	r = b.post(b.resets(e.email), m{"password": newSecret, "password_confirm": newSecret}).want(200)
	if r.json["user"] != nil || r.json["tf_required"] == true {
		t.Errorf("a mailed link is followed by a mailed code: %s", r.body)
	}
	b.out("one mailbox twice")
	b.post("/tf-validate", m{"code": "000000"}).want(400).refused("no pending")

}

// TestR021_AResetIsDoneThoughItsCodeWaits checks that a reset succeeds even if no code can be sent
// for a while.
func TestR021_AResetIsDoneThoughItsCodeWaits(t *testing.T) {
	w := newWorld(t, life, autoLogin, func(c *twofold.Config) {
		c.Advanced.Limits.SendShort, c.Advanced.Limits.SendDay = 2, 2
	})
	p := w.person("alice").enrollSMS("+16505551212") // its code came back, and counts no more
	for range 2 {
		w.browser().login(p).want(200)
		w.advance(31 * time.Second)
	}
	w.browser().login(p).want(429)
	b := w.browser()
	r := b.post(b.resets(p.email), m{"password": newSecret, "password_confirm": newSecret}).want(200)
	if r.json["tf_required"] != true {
		t.Errorf("after the reset: %s", r.body)
	}
	b.out("a reset whose code waits")
	w.browser().post("/login", m{"email": p.email, "password": secret}).want(400)
	w.advance(25 * time.Hour)
	w.browser().post("/login", m{"email": p.email, "password": newSecret}).want(200)
}

// TestR022_ConfirmationEndsAtTheGate checks that confirming an address with a link signs the user
// in only after the required enrollment.
func TestR022_ConfirmationEndsAtTheGate(t *testing.T) {
	w := newWorld(t, life, autoLogin, func(c *twofold.Config) { c.TwoFactor.Required = true })
	b := w.browser()
	b.post("/register", m{"email": "new@good.test", "password": secret, "password_confirm": secret}).want(200)
	b.out("registered")
	r := b.post(w.link("confirm", "new@good.test"), m{}).want(200)
	if r.json["tf_state"] != "setup_from_login" || r.json["user"] != nil {
		t.Errorf("after the confirmation: %s", r.body)
	}
	b.out("confirmed, nothing set up")
}

// TestR008_ProofOfTheMailbox checks that the owner of an address that someone else registered gets
// an account in which no credential of the other person works.
func TestR008_ProofOfTheMailbox(t *testing.T) {
	const victim = "victim@good.test"
	w := newWorld(t, life)
	attacker := w.browser()
	attacker.post("/register", m{"email": victim, "password": secret, "password_confirm": secret}).want(200)
	attacker.out("registered, not confirmed")
	r := attacker.post("/login", m{"email": victim, "password": secret}).want(400).refused("not confirmed")
	if !strings.Contains(r.body, "requires confirmation") {
		t.Errorf("who knows the password is not told: %s", r.body)
	}
	w.browser().post("/login", m{"email": victim, "password": "wrong password"}).want(400)
	link := w.link("confirm", victim)
	owner := w.browser()
	if page := owner.page(link).want(200); !strings.Contains(page.body, `name="password"`) {
		t.Error("another browser is not asked for a password")
	}
	for _, body := range []m{{}, {"password": ""}, {"password": "short", "password_confirm": "short"},
		{"password": newSecret, "password_confirm": "x"}} {
		owner.post(link, body).want(400).refused("no good password")
	}
	w.signsIn(victim, secret).want(400).refused("refused passwords confirmed nothing")
	owner.post(link, m{"password": newSecret, "password_confirm": newSecret}).want(200)
	w.signsIn(victim, secret).want(400).refused("the password planted before")
	w.signsIn(victim, newSecret).want(200)
	attacker.out("after the owner confirmed")
	owner.post(link, m{"password": secret, "password_confirm": secret}).want(400).refused("a spent link")

	// In the browser that registered, clicking the button is enough.
	b := w.browser()
	b.post("/register", m{"email": "bob@good.test", "password": secret, "password_confirm": secret}).want(200)
	link = w.link("confirm", "bob@good.test")
	if page := b.page(link).want(200); strings.Contains(page.body, `name="password"`) {
		t.Error("the browser that registered is asked for a password")
	}
	b.post(link, m{}).want(200)
	w.signsIn("bob@good.test", secret).want(200)

}

// TestR008_SignedInBeforeTheProof covers sites where users may sign in before they confirm. An
// attacker cannot add a second factor, and the confirmation ends existing sessions.
func TestR008_SignedInBeforeTheProof(t *testing.T) {
	const victim = "victim@good.test"
	w := newWorld(t, life, func(c *twofold.Config) { c.Accounts.LoginUnconfirmed = true })
	attacker := w.browser()
	attacker.post("/register", m{"email": victim, "password": secret, "password_confirm": secret}).want(200)
	if user, _ := attacker.sees(); user == "" {
		t.Fatal("an unconfirmed account does not sign in although it may")
	}
	attacker.post("/tf-setup", m{"setup": "authenticator"}).want(400).refused("a factor on an unverified address")
	thief := attacker.copy()
	w.browser().post(w.link("confirm", victim), m{"password": newSecret, "password_confirm": newSecret}).want(200)
	thief.out("a session from before the proof")
	w.signsIn(victim, secret).want(400).refused("the planted password")
	// A reset also confirms the address, so that an owner whose address was registered by someone
	// else has a way in.
	attacker.jar = map[string]string{}
	attacker.post("/register", m{"email": "eve@good.test", "password": secret, "password_confirm": secret}).want(200)
	owner := w.browser()
	owner.post("/reset", m{"email": "eve@good.test"}).want(200)
	if len(w.letters("reset", "eve@good.test")) != 0 {
		t.Error("a reset link for an address that nobody has proven")
	}
}

// TestR051_OpeningALinkSpendsNothing checks that GET and HEAD never spend a link and that the
// button works once. The page sends no Referer.
func TestR051_OpeningALinkSpendsNothing(t *testing.T) {
	w := newWorld(t, life)
	p := w.person("alice")
	b := w.browser()
	b.post("/register", m{"email": "new@good.test", "password": secret, "password_confirm": secret}).want(200)
	signed := w.plantSession(p)
	signed.post("/change-email", m{"email": "alice2@good.test"}).want(200)
	for kind, c := range map[string]struct {
		link string
		b    *browser
		body m
	}{
		"confirm":      {w.link("confirm", "new@good.test"), b, m{}},
		"change-email": {w.link("change_email", "alice2@good.test"), signed, m{}},
		"reset": {b.resets(w.person("susan").email), w.browser(),
			m{"password": newSecret, "password_confirm": newSecret}},
	} {
		before := w.rows("users", "sessions", "factors", "counters")
		for range 5 {
			other := w.browser()
			if kind == "change-email" { // shown to the account that asked for it only
				other = c.b.copy()
			}
			for _, r := range []*answer{other.page(c.link), c.b.page(c.link), other.get(c.link),
				other.do("HEAD", c.link, "", "")} {
				r.want(200)
				if policy := r.header.Get("Referrer-Policy"); policy != "strict-origin" && policy != "no-referrer" {
					t.Errorf("%s: Referrer-Policy %q", kind, policy)
				}
				if !strings.Contains(r.header.Get("Cache-Control"), "no-store") || r.cookie("twofold") != "" ||
					r.cookie("twofold-pending") != "" {
					t.Errorf("%s: headers %v", kind, r.header)
				}
			}
		}
		if w.rows("users", "sessions", "factors", "counters") != before {
			t.Errorf("%s: opening the link changed something", kind)
		}
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			c.b.do(method, c.link, typeJSON, "{}").want(405)
		}
		c.b.do("POST", c.link, typeForm, "password="+newSecret, "Sec-Fetch-Site", "cross-site").want(403)
		c.b.post(c.link, c.body).want(200)
		for _, again := range []*browser{c.b, w.browser()} {
			again.post(c.link, c.body).want(400).refused(kind + " again")
			again.get(c.link).want(400)
			if to := again.page(c.link).want(303).header.Get("Location"); strings.Contains(to, "//") {
				t.Errorf("%s: a bad link leads to %s", kind, to)
			}
		}
	}
}

// TestR058_LinksDieWithWhatTheyRestOn.
func TestR058_LinksDieWithWhatTheyRestOn(t *testing.T) {
	w := newWorld(t, life)
	ctx, auth := t.Context(), w.nodes[0].auth
	fill := m{"password": newSecret, "password_confirm": newSecret}
	for name, happens := range map[string]func(p *person){
		"password": func(p *person) { w.must(auth.SetPassword(ctx, p.id, newSecret+"!")) },
		"switched": func(p *person) {
			w.must(auth.SetActive(ctx, p.id, false))
			w.must(auth.SetActive(ctx, p.id, true))
		},
		"address":  func(p *person) { w.must(auth.SetIdentity(ctx, p.id, "x"+p.email, p.name)) },
		"factor":   func(p *person) { p.enrollApp() },
		"too-late": func(*person) { w.advance(61 * time.Minute) },
		"not-me": func(p *person) {
			w.must(auth.SetPassword(ctx, p.id, newSecret))
			w.browser().form("/tf-not-me/" + p.stopToken()).want(200)
		},
		"other-one": func(p *person) {
			w.browser().post(w.browser().resets(p.email),
				m{"password": newSecret + "?", "password_confirm": newSecret + "?"}).want(200)
		},
	} {
		name := strings.ReplaceAll(name, "-", "")
		p := w.person(name)
		first, second := w.browser().resets(p.email), w.browser().resets(p.email)
		if first == second {
			t.Fatal("two requests gave one link")
		}
		happens(p)
		before := w.rows("users")
		for _, link := range []string{first, second} {
			w.browser().post(link, fill).want(400).refused(name)
			w.browser().get(link).want(400)
		}
		if w.rows("users") != before {
			t.Errorf("%s: a dead link changed the account", name)
		}
	}
	late := w.person("late")
	b := w.plantSession(late)
	b.post("/change-email", m{"email": "later@good.test"}).want(200)
	link := w.link("change_email", "later@good.test")
	w.advance(2*time.Hour + time.Second)
	if r := w.browser().post(link, m{}).want(400); !strings.Contains(r.body, "2 hours") {
		t.Errorf("an old link is not told from a bad one: %s", r.body)
	}
}

// TestR136_LinksAreTyped checks that each link works only at its own path and for its own account.
func TestR136_LinksAreTyped(t *testing.T) {
	w := newWorld(t, life)
	p := w.person("alice")
	b := w.browser()
	b.post("/register", m{"email": "new@good.test", "password": secret, "password_confirm": secret}).want(200)
	w.plantSession(p).post("/change-email", m{"email": "alice2@good.test"}).want(200)
	w.must(w.nodes[0].auth.SetPassword(t.Context(), w.person("susan").id, newSecret))
	tokens := map[string]string{
		"confirm": w.link("confirm", "new@good.test"), "reset": b.resets(p.email),
		"change-email": w.link("change_email", "alice2@good.test"),
		"tf-not-me":    "/tf-not-me/" + (&person{w: w, email: "susan@good.test"}).stopToken(),
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
				w.browser().post("/"+path+"/"+v, fill).refused(kind + " at " + path + ": " + what)
			}
		}
		for _, as := range []string{"twofold", "twofold-pending", "tf_validity", "twofold-asked"} {
			other := w.browser()
			other.jar[as] = token
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
	second := w.start(nil)
	for round := range 2 {
		p := w.person(fmt.Sprintf("alice%d", round))
		b := w.browser()
		email := fmt.Sprintf("new%d@good.test", round)
		b.post("/register", m{"email": email, "password": secret, "password_confirm": secret}).want(200)
		signed := w.plantSession(p)
		signed.post("/change-email", m{"email": "x" + p.email}).want(200)
		who := map[string]*browser{"confirm": b, "change-email": signed}
		for kind, link := range map[string]string{"confirm": w.link("confirm", email),
			"change-email": w.link("change_email", "x"+p.email)} {
			var won [20]int
			par(len(won), func(i int) {
				c := who[kind].copy()
				if i%2 == 0 {
					c.on(second)
				}
				won[i] = c.post(link, m{}).status
				if won[i] == 401 { // another one was faster, and its session is over
					won[i] = 400
				}
			})
			counted(t, kind, won[:])
		}
		susan := w.person(fmt.Sprintf("susan%d", round))
		links := []string{b.resets(susan.email), b.resets(susan.email)} // either, but one
		var won [8]int
		par(len(won), func(i int) {
			c := w.browser()
			if i%2 == 0 {
				c.on(second)
			}
			plain := fmt.Sprintf("%s %d", newSecret, i)
			won[i] = c.post(links[i/2%2], m{"password": plain, "password_confirm": plain}).status
		})
		counted(t, "reset", won[:])
		right := 0
		for i := range won {
			if r := w.signsIn(susan.email, fmt.Sprintf("%s %d", newSecret, i)); r.status == 200 {
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
	old := p.email
	stale := w.plantSession(p)
	w.advance(16 * time.Minute)
	stale.post("/change-email", m{"email": "alice2@good.test"}).want(401).refused("not fresh")
	w.plantPending(p).post("/change-email", m{"email": "alice2@good.test"}).want(401).refused("pending")
	w.browser().post("/change-email", m{"email": "alice2@good.test"}).want(401).refused("nobody")
	b, elsewhere := w.plantSession(p), w.plantSession(p)
	for _, bad := range []any{[]string{"a@good.test", "b@good.test"}, "a@good.test,b@good.test",
		"a@good.test\r\nBcc: c@evil.test", "a b@good.test", "", nil, 7} {
		b.post("/change-email", m{"email": bad}).want(400)
	}
	b.post("/change-email", m{"email": "alice2@good.test"}).want(200)
	reset := w.browser().resets(old)
	if n := len(w.letters("notice_email_wanted", old)); n != 1 {
		t.Errorf("%d words to the present address", n)
	}
	pending := w.plantPending(p)
	pending.post("/tf-resend", m{}).want(200)
	code := p.mailed() // to the old address: nothing has changed
	link := w.link("change_email", "alice2@good.test")
	b.post(link, m{}).want(200)
	p.email = "alice2@good.test"
	w.settled()
	b.in(p, 2)
	elsewhere.out("another session after the change")
	pending.validate(code).want(400).refused("a code mailed to the former address")
	w.browser().post(reset, m{"password": newSecret, "password_confirm": newSecret}).want(400).refused(
		"a link mailed to the former address")
	if f := p.factors(); len(f) != 1 || f[0].Destination != p.email {
		t.Errorf("codes go on to %+v", f)
	}
	for _, to := range []string{old, p.email} {
		if n := len(w.letters("notice_identity_changed", to)); n != 1 {
			t.Errorf("%d notices to %s", n, to)
		}
	}
	w.signsIn(old, secret).want(400).refused("the former address")
	w.signsIn(p.email, secret).want(200)
	b.get("/change-email").want(200)
}

// TestR125_TakenAddresses checks that registration and change of address have the same answer for a
// taken and a free address. Only the owner of the taken address is notified.
func TestR125_TakenAddresses(t *testing.T) {
	w := newWorld(t, life)
	owner, mover := w.person("owner"), w.person("mover")
	register := func(email string) string {
		b := w.browser()
		w.advance(time.Second)
		r := b.post("/register", m{"email": email, "password": secret, "password_confirm": secret}).want(200)
		page := w.browser().form("/register", "email", "2"+email, "password", secret, "password_confirm", secret)
		return blank(r) + blank(page)
	}
	w.person("2owner")
	if a, b := register(owner.email), register("fresh@good.test"); a != b {
		t.Errorf("registration tells:\n%s\n%s", a, b)
	}
	change := func(email string) string {
		b := w.plantSession(mover)
		return blank(b.post("/change-email", m{"email": email}).want(200)) +
			blank(w.plantSession(mover).form("/change-email", "email", "2"+email).want(200))
	}
	if a, b := change(owner.email), change("free@good.test"); a != b {
		t.Errorf("change of address tells:\n%s\n%s", a, b)
	}
	w.settled()
	for kind, n := range map[string]int{"taken": 1, "email_wanted": 1, "confirm": 0, "change_email": 0} {
		if got := len(w.letters(kind, owner.email)); got != n {
			t.Errorf("the owner of the taken address got %d mails %q, want %d", got, kind, n)
		}
	}
	if link := w.letters("taken", owner.email); mailedLink.MatchString(strings.Join(link, "")) {
		t.Error("the mail to the owner opens something")
	}
	var made [20]int
	par(len(made), func(i int) {
		made[i] = w.browser().post("/register",
			m{"email": "race@good.test", "password": secret, "password_confirm": secret}).status
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
	w.browser().post("/register",
		m{"email": "second@good.test", "username": "owner", "password": secret, "password_confirm": secret}).want(200)
	w.settled()
	if n := len(w.letters("username_taken", "second@good.test")); n != 1 {
		t.Errorf("%d mails about the taken username", n)
	}
}

// blank removes random and submitted values from an answer.
func blank(r *answer) string {
	return blanks.ReplaceAllString(fmt.Sprintf("%d %v %s", r.status, r.header, r.body), "*")
}

var blanks = regexp.MustCompile(
	`[a-z0-9]+@good\.test|value="[A-Za-z0-9_-]{43}"|(?:Date|X-Request-Id):\[[^]]*\]|Content-Length:\[\d+\]|twofold-(?:csrf|asked|inbox)=[^;]*|"csrf_token":"[^"]*"|"id":"[^"]*"`)

// TestR122_MailRequestsTellNothing checks that requests for mail have the same answer for every
// state of an account.
func TestR122_MailRequestsTellNothing(t *testing.T) {
	w := newWorld(t, life)
	emails := append(w.classes(), "waiting@good.test")
	w.browser().post("/register",
		m{"email": "waiting@good.test", "password": secret, "password_confirm": secret}).want(200)
	for _, path := range []string{"/reset", "/confirm", "/recover-username"} {
		seen := map[string][]string{}
		for _, email := range emails {
			b, form := w.browser(), w.browser()
			text := blank(b.post(path, m{"email": email})) + blank(form.form(path, "email", email))
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
		for _, mail := range w.mail.To(email) {
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
	w.browser().post("/register",
		m{"email": "waiting@good.test", "password": secret, "password_confirm": secret}).want(200)
	for path, texts := range map[string]map[string]string{
		"/reset":            {"nobody": "does not exist", "disabled": "disabled", "waiting": "requires confirmation"},
		"/confirm":          {"nobody": "does not exist", "active": "already been confirmed"},
		"/recover-username": {"nobody": "does not exist", "disabled": "disabled"},
	} {
		for name, text := range texts {
			r := w.browser().post(path, m{"email": name + "@good.test"}).want(400)
			if fields, _ := r.json["field_errors"].(m); !strings.Contains(fmt.Sprint(fields["email"]), text) {
				t.Errorf("%s %s: %s", path, name, r.body)
			}
		}
	}
}

// TestR050_MailRequestsSpoilNoSignIn checks that a hundred requests for mail from twenty addresses
// do not affect the owner's code and budget.
func TestR050_MailRequestsSpoilNoSignIn(t *testing.T) {
	w := newWorld(t, life, func(c *twofold.Config) {
		c.Advanced.Limits = limit.Limits{}
		c.Advanced.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	p := w.person("alice").enrollMail()
	b := w.plantPending(p)
	b.post("/tf-resend", m{}).want(200)
	code := p.mailed()
	sent := map[int]int{}
	for i := range 100 {
		stranger := w.browser()
		stranger.header["X-Forwarded-For"] = fmt.Sprintf("203.0.113.%d", i%20)
		for _, path := range []string{"/reset", "/recover-username"} {
			sent[stranger.post(path, m{"email": p.email}).status]++
		}
	}
	if sent[200] == 0 || sent[429] == 0 || sent[200]+sent[429] != 200 {
		t.Errorf("200 requests of strangers: %v", sent)
	}
	w.advance(31 * time.Second)
	again := w.plantPending(p)
	again.post("/tf-resend", m{}).want(200)
	b.validate(code).want(200)
	b.in(p, 2)
	w.plantSession(p).post("/tf-setup", m{"setup": "authenticator"}).want(200)
}

// TestR121_MailIsLimited checks the limits by requester, by address, and for changes of address.
func TestR121_MailIsLimited(t *testing.T) {
	w := newWorld(t, life, func(c *twofold.Config) { c.Advanced.Limits = limit.Limits{} })
	p := w.person("alice")
	for _, path := range []string{"/reset", "/confirm", "/recover-username"} {
		for _, email := range []string{p.email, "nobody@good.test"} {
			got := map[int]int{}
			for range 10 {
				got[w.browser().post(path, m{"email": email}).status]++
			}
			if got[200] != 3 || got[429] != 7 {
				t.Errorf("%s for %s: %v", path, email, got)
			}
		}
	}
	got := map[int]int{}
	for i := range 50 {
		got[w.browser().post("/reset", m{"email": fmt.Sprintf("n%d@good.test", i)}).status]++
	}
	if got[429] < 20 {
		t.Errorf("50 requests from one address for many: %v", got)
	}
	w.advance(2 * time.Hour)
	b, got := w.plantSession(p), map[int]int{}
	for i := range 20 {
		got[b.post("/change-email", m{"email": fmt.Sprintf("m%d@good.test", i)}).status]++
	}
	if got[200] != 3 || got[429] != 17 {
		t.Errorf("20 changes of address: %v", got)
	}
	names := map[int]int{}
	for range 60 {
		names[b.post("/change-username", m{"username": "a"}).status]++
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
	w.advance(16 * time.Minute)
	before := w.rows("users")
	for path, body := range map[string]m{"/change": fill, "/change-email": {"email": "x@good.test"},
		"/change-username": {"username": "alice99"}} {
		r := b.post(path, body).want(401).refused("not fresh")
		if r.json["reauth_required"] != true {
			t.Errorf("%s: %s", path, r.body)
		}
		b.get(path).want(401)
		if to := b.page(path).want(303).header.Get("Location"); !strings.HasPrefix(to, "/verify?next=") {
			t.Errorf("%s leads to %s", path, to)
		}
		w.browser().post(path, body).want(401).refused("nobody")
		w.plantPending(p).post(path, body).want(401).refused("pending")
	}
	if w.rows("users") != before {
		t.Error("something changed")
	}
	b, elsewhere, device := w.plantSession(p), w.plantSession(p), w.trusted(p)
	b.post("/change", m{"password": "wrong password", "new_password": newSecret,
		"new_password_confirm": newSecret}).want(400).refused("a wrong password")
	b.post("/change", m{"new_password": newSecret, "new_password_confirm": newSecret}).want(400).refused("no password")
	b.post("/change", m{"password": secret, "new_password": secret, "new_password_confirm": secret}).want(400)
	b.post("/change", m{"password": secret, "new_password": "password1", "new_password_confirm": "password1"}).want(400)
	b.post("/change", m{"password": secret, "new_password": newSecret, "new_password_confirm": secret}).want(400)
	link := w.browser().resets(p.email)
	b.post("/change", fill).want(200)
	b.in(p, 2)
	elsewhere.out("another session after the change")
	device.login(p, m{"password": newSecret}).want(200)
	device.out("a trusted browser after the change")
	w.browser().post(link, m{"password": secret, "password_confirm": secret}).want(400).refused(
		"a link from before the change")
	w.signsIn(p.email, secret).want(400).refused("the old password")
	w.settled()
	if n := len(w.letters("notice_password_changed", p.email)); n != 1 {
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
		w.signsIn(p.email, "wrong password")
	}
	for range 15 {
		got[b.post("/change", m{"password": "wrong password", "new_password": newSecret,
			"new_password_confirm": newSecret}).status]++
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
	link := w.browser().resets(p.email)
	shut = true
	b := w.browser()
	b.signInBy(k).want(400)
	b.out("a passkey while locked")
	r := w.browser().login(p).want(400).refused("locked")
	if !strings.Contains(r.body, "locked") {
		t.Errorf("who knows the password is not told: %s", r.body)
	}
	known, unknown := w.signsIn(p.email, "wrong password"), w.signsIn("nobody@good.test", "wrong password")
	if blank(known) != blank(unknown) {
		t.Errorf("a stranger is told: %s", known.body)
	}
	pending.validate(p.next()).want(400).refused("pending while locked")
	w.browser().post(link, m{"password": newSecret, "password_confirm": newSecret}).want(400).refused(
		"a reset while locked")
	shut = false
	w.browser().login(p).want(200)
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
		fields, _ := r.want(400).json["field_errors"].(m)
		if !strings.Contains(fmt.Sprint(fields[field]), "breached") {
			t.Errorf("%s: %s", r.what, r.body)
		}
	}
	refused(w.browser().post("/register",
		m{"email": "new@good.test", "password": published, "password_confirm": published}), "password")
	link := w.browser().resets(p.email)
	refused(w.browser().post(link, twice), "password")
	refused(w.plantSession(p).post("/change",
		m{"password": secret, "new_password": published, "new_password_confirm": published}), "new_password")
	w.browser().post("/register", m{"email": "new@good.test", "password": secret, "password_confirm": secret}).want(200)
	confirm := w.link("confirm", "new@good.test")
	refused(w.browser().post(confirm, twice), "password")
	if err := w.nodes[0].auth.SetPassword(t.Context(), p.id, published); !errors.Is(err, password.ErrBreached) {
		t.Errorf("an operator: %v", err)
	}
	w.browser().post(confirm, m{"password": newSecret, "password_confirm": newSecret}).want(200)
	w.browser().post(link, m{"password": newSecret, "password_confirm": newSecret}).want(200)
	for _, words := range checker.asked {
		if !strings.Contains(words, "@good.test") || !strings.Contains(words, "good") {
			t.Errorf("a checker was told %q only", words)
		}
	}
}
