package security_test

import (
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/federatedtest"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

const otherPhone = "+16505559999"

// enrolling is a site with open registration, without confirmation, where all methods can be
// enrolled.
func enrolling(t *testing.T, change ...func(*twofold.Config)) (*world, *federatedtest.Provider) {
	t.Helper()
	w, corp, _ := sites(t, append([]func(*twofold.Config){keyless, unconfirming, tokens, func(c *twofold.Config) {
		c.Passkeys = passkeys()
		c.TwoFactor.RecoveryCodes = &twofold.RecoveryCodes{}
		c.Passwordless.EnabledMethods = []string{"password", storage.Email, storage.SMS, storage.Authenticator}
	}}, change...)...)
	return w, corp
}

// registers creates an account by the regular flow and returns its browser.
func (w *world) stranger(email string) (*person, *browser) {
	w.T.Helper()
	p, b := w.of(testkit.Person{Email: email}), w.browser()
	b.Post("/register", m{"email": email, "password": secret, "password_confirm": secret}).Want(200)
	w.identify(p)
	return p, b
}

// setProven sets the proven address of an account: "" if none was ever proven, "-" for another
// address.
func (p *person) setProven(key string) {
	p.w.T.Helper()
	p.w.write(`UPDATE twofold_users SET proven_key = ? WHERE id = ?`, key, p.ID)
	p.w.Advance(2 * time.Second) // beyond what a process remembers
}

// ways returns all ways to add something to an account that opens or obstructs it. Each returns the
// first answer.
func ways(corp *federatedtest.Provider) map[string]func(b *browser) *answer {
	return map[string]func(b *browser) *answer{
		"app as second factor": func(b *browser) *answer { return b.Post("/tf-setup", m{"setup": "authenticator"}) },
		"phone as second factor": func(b *browser) *answer {
			return b.Post("/tf-setup", m{"setup": "sms", "phone": otherPhone})
		},
		"app as first factor": func(b *browser) *answer {
			return b.Post("/us-setup", m{"chosen_method": "authenticator"})
		},
		"phone as first factor": func(b *browser) *answer {
			return b.Post("/us-setup", m{"chosen_method": "sms", "phone": otherPhone})
		},
		"passkey as first factor": func(b *browser) *answer {
			return b.Post("/wan-register", m{"name": "first", "usage": storage.UseFirst})
		},
		"passkey as second factor": func(b *browser) *answer {
			return b.Post("/wan-register", m{"name": "second", "usage": storage.UseSecond})
		},
		"account elsewhere": func(b *browser) *answer { return b.Post("/login/oauth-connect/corp", m{}) },
		"personal token": func(b *browser) *answer {
			return b.Post("/access-tokens", m{"name": "ci", "scopes": []string{"read"}})
		},
	}
}

// TestR150_NothingIsSetUpBeforeTheProof checks that an account that registered itself cannot enroll
// anything that opens or obstructs it, in any way, before a code mailed to its address is entered.
// After that, each way works at once.
func TestR150_NothingIsSetUpBeforeTheProof(t *testing.T) {
	w, corp := enrolling(t)
	i := 0
	for name, way := range ways(corp) {
		i++
		p, b := w.stranger("victim" + string(rune('a'+i)) + "@good.test")
		w.settled()
		n := len(w.Mail.To(p.Email))
		r := way(b).Want(400).Refused(name)
		if r.JSON["email_proof_required"] != true || r.JSON["tf_state"] != "ready" || r.JSON["tf_method"] != "email" {
			t.Errorf("%s: a client is not told what comes next: %s", name, r.Body)
		}
		way(b).Want(400).Refused(name + ", again")
		for _, table := range []string{"factors", "connections", "tokens", "drafts"} {
			if w.number(`SELECT COUNT(*) FROM twofold_`+table+` WHERE user_id = '`+p.ID+`'`) != 0 {
				t.Errorf("%s: a row of %s", name, table)
			}
		}
		w.settled()
		if got := len(w.Mail.To(p.Email)) - n; got != 1 {
			t.Errorf("%s: %d mails, want one code", name, got)
		}
		code := p.Mailed()
		b.Post("/tf-validate", m{"code": other(code)}).Want(400)
		way(b).Want(400).Refused(name + " after a wrong code")
		w.plantSession(p).Post("/tf-validate", m{"code": code}).Refused(name + ": a code of another session")
		b.Post("/tf-validate", m{"code": code}).Want(200)
		b.in(p, 1)
		if r := way(b); r.Status != 200 && r.Status != 302 {
			t.Errorf("%s: refused after the proof: %d %s", name, r.Status, r.Body)
		}
	}
}

// TestR150_AMailedCodeOfASetUpIsTheProof checks that enrolling the mailbox proves it.
func TestR150_AMailedCodeOfASetUpIsTheProof(t *testing.T) {
	w, _ := enrolling(t)
	for path, body := range map[string]m{"/tf-setup": {"setup": "email"}, "/us-setup": {"chosen_method": "email"}} {
		p, b := w.stranger("new" + path[1:3] + "@good.test")
		r := b.Post(path, body).Want(200)
		if path == "/tf-setup" {
			b.Post(path+"/"+r.Text("tf_state_token"), m{"code": p.Mailed()}).Want(200)
		} else {
			b.Post(path+"/"+r.Text("state"), m{"passcode": p.Mailed()}).Want(200)
		}
		b.Post("/wan-register", m{"name": "key", "usage": storage.UseFirst}).Want(200)
	}
}

// doors holds the steps that take a mailed code which proves an address. Each requests a code and
// returns the step.
func doors() []func(b *browser) func(code string) *answer {
	return []func(b *browser) func(code string) *answer{
		func(b *browser) func(code string) *answer {
			b.Post("/tf-setup", m{"setup": "authenticator"}).Want(400)
			return func(code string) *answer { return b.Post("/tf-validate", m{"code": code}) }
		},
		func(b *browser) func(code string) *answer {
			state := b.Post("/tf-setup", m{"setup": "email"}).Want(200).Text("tf_state_token")
			return func(code string) *answer { return b.Post("/tf-setup/"+state, m{"code": code}) }
		},
		func(b *browser) func(code string) *answer {
			state := b.Post("/us-setup", m{"chosen_method": "email"}).Want(200).Text("state")
			return func(code string) *answer { return b.Post("/us-setup/"+state, m{"passcode": code}) }
		},
	}
}

// TestR156_MailedProofsHaveOneCount checks that guesses at the codes that prove an address are
// limited in a row, and then to one a day, over all steps and sessions.
func TestR156_MailedProofsHaveOneCount(t *testing.T) {
	w, _ := enrolling(t, func(c *twofold.Config) {
		c.Advanced.Limits.SecondFailures, c.Advanced.Limits.FactorFailures = 5, 10
	})
	p, _ := w.stranger("victim@good.test")
	tried := 0
	for _, door := range doors() {
		try := door(w.plantSession(p))
		code := p.Mailed()
		for range 4 {
			if try(other(code)).Status == 400 {
				tried++
			}
		}
		if tried == 10 {
			try(code).Want(429).Refused("a right code after too many wrong ones")
		}
		w.Advance(16 * time.Minute)
	}
	if tried != 10 {
		t.Fatalf("%d of 12 wrong codes were tried, want 10", tried)
	}
	for i, door := range doors() { // one a day, and that at one of the steps
		if i == 0 {
			w.Advance(25 * time.Hour)
		}
		try := door(w.plantSession(p))
		code := p.Mailed()
		if i == 0 {
			try(other(code)).Want(400)
		}
		try(code).Want(429).Refused("a second guess of a day")
		w.Advance(16 * time.Minute)
	}
	w.Advance(25 * time.Hour)
	b := w.plantSession(p)
	doors()[1](b)(p.Mailed()).Want(200) // the owner, the next day
	b.Post("/wan-register", m{"name": "key", "usage": storage.UseFirst}).Want(200)
	b.Post("/tf-setup", m{"setup": "sms", "phone": otherPhone, "add": true}).Want(200)
}

// TestR150_NoRefreshTokenBeforeTheProof checks that a sign-in that requests tokens gets only the
// access token, which is valid for fifteen minutes.
func TestR150_NoRefreshTokenBeforeTheProof(t *testing.T) {
	w, _ := enrolling(t)
	p, _ := w.stranger("new@good.test")
	sign := func() (header, refresh any) {
		r := w.browser().Post("/login?include_auth_token", m{"email": p.Email, "password": secret}).Want(200)
		user, _ := r.JSON["user"].(m)
		return user["authentication_token"], user["refresh_token"]
	}
	if header, refresh := sign(); header == nil || refresh != nil {
		t.Errorf("before the proof: header token %v, refresh token %v", header != nil, refresh != nil)
	}
	p.setProven(p.Email)
	if header, refresh := sign(); header == nil || refresh == nil {
		t.Errorf("after the proof: header token %v, refresh token %v", header != nil, refresh != nil)
	}
}

// TestR150_AnAccountCreatedByAnOperatorIsProven checks that an account created by an operator or the
// application can enroll everything without another step.
func TestR150_AnAccountCreatedByAnOperatorIsProven(t *testing.T) {
	w, corp := enrolling(t)
	for name, way := range ways(corp) {
		p := w.person("alice" + string(rune('a'+len(name))) + name[:1])
		if r := way(w.plantSession(p)); r.Status != 200 && r.Status != 302 {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
}

// TestR150_WithoutMailNothingIsAsked covers sites that send no mail, where no one could prove an
// address.
func TestR150_WithoutMailNothingIsAsked(t *testing.T) {
	w := newWorld(t, open, func(c *twofold.Config) {
		c.Mail, c.TwoFactor.HelpAddress, c.TwoFactor.RescueEmail = nil, "", false
		c.TwoFactor.EnabledMethods = []string{storage.Authenticator}
	})
	_, b := w.stranger("new@good.test")
	b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
}

// TestR151_TheFirstProofEndsWhatWasThere checks that the owner's first reset removes everything
// that was enrolled before it, sessions included. Second factors are removed only if no address of
// the account was ever proven.
func TestR151_TheFirstProofEndsWhatWasThere(t *testing.T) {
	w, corp := enrolling(t)
	for name, c := range map[string]struct {
		proven          string
		keeps, keepsApp bool
	}{
		"never proven":            {proven: ""},
		"proven elsewhere":        {proven: "-", keepsApp: true},
		"proven, an honest reset": {keeps: true, keepsApp: true},
	} {
		p, b := w.stranger("victim" + string(rune('a'+len(name))) + "@good.test")
		p.setProven(p.Email) // as things were before this was asked
		k := w.key(phoneKey)
		b.register(k, "key", storage.UseFirst).Want(200)
		p.begins(storage.SMS, "+1650555"+string(rune('1'+len(name)%7))+"111")
		corp.SignIn(name)
		p.connected(corp, "corp")
		p.enrollApp()
		if !c.keeps {
			p.setProven(c.proven)
		}
		stays := w.plantSession(p)
		owner := w.browser()
		owner.Post(owner.resets(p.Email), m{"password": newSecret, "password_confirm": newSecret}).Want(200)
		stays.out(name + ": a session from before the proof")
		w.signsIn(p.Email, secret).Want(400).Refused(name + ": the former password")
		asked := w.browser()
		asked.ask(p.Email, storage.SMS)
		firsts, err := w.Nodes[0].Store.FirstFactorsOf(t.Context(), p.ID)
		w.Must(err)
		connections, err := w.Nodes[0].Store.ConnectionsOf(t.Context(), p.ID)
		w.Must(err)
		if kept := len(firsts) > 0 && len(connections) > 0; kept != c.keeps ||
			!c.keeps && len(firsts)+len(connections) > 0 {
			t.Errorf("%s: %d first factors and %d connections are left", name, len(firsts), len(connections))
		}
		by := w.browser().signInBy(k)
		if opened := by.Status == 200; opened != c.keeps {
			t.Errorf("%s: by the passkey of before: %d %s", name, by.Status, by.Body)
		}
		if n := len(p.Factors()); (n > 0) != c.keepsApp {
			t.Errorf("%s: %d second factors are left", name, n)
		}
	}
}

// TestR154_AnAddressSetByAnOperatorMovesWhatRestsOnIt checks that codes of first and second factors
// go to the new mailbox. The former mailbox and other first factors no longer open the account.
func TestR154_AnAddressSetByAnOperatorMovesWhatRestsOnIt(t *testing.T) {
	w, corp := enrolling(t)
	auth := w.Nodes[0].Auth
	second := w.person("second").enrollMail()
	first := w.person("first").begins(storage.Email)
	k := w.key(phoneKey)
	w.plantSession(first).register(k, "key", storage.UseFirst).Want(200)
	first.begins(storage.SMS, otherPhone)
	corp.SignIn("first")
	first.connected(corp, "corp")

	under, asked := w.plantPending(second), w.browser()
	under.Post("/tf-resend", m{}).Want(200)
	oldCode := second.Mailed()
	asked.ask(first.Email, storage.Email).Want(200)
	oldFirst := first.Mailed()
	stays := w.plantSession(first)
	w.Advance(time.Minute)
	for _, p := range []*person{second, first} {
		old := p.Email
		p.Email = "moved." + old
		w.Must(auth.SetIdentity(t.Context(), p.ID, p.Email, p.Name))
		w.settled()
		before := len(w.Mail.To(old))
		b := w.browser()
		if p == second {
			b.Post("/login", m{"email": p.Email, "password": secret}).Want(200)
		} else {
			b.ask(p.Email, storage.Email).Want(200)
		}
		w.settled()
		if len(w.Mail.To(old)) != before {
			t.Errorf("%s: a code went to the former mailbox", p.Name)
		}
		if p == second {
			b.validate(oldCode).Want(400).Refused("a code of the former mailbox")
			b.validate(p.Mailed()).Want(200)
			b.in(p, 2)
			continue
		}
		b.passcode(p, p.Mailed()).Want(200)
		b.in(p, 1)
	}
	under.validate(oldCode).Refused("a sign-in from before")
	asked.passcode(first, oldFirst).Want(400).Refused("a first code of the former mailbox")
	stays.out("a session from before")
	w.browser().signInBy(k).Want(400).Refused("a passkey of before")
	w.browser().through(corp, "corp").Want(400).Refused("an account elsewhere of before")
	asked.ask(first.Email, storage.SMS)
	if n := w.number(`SELECT COUNT(*) FROM twofold_factors WHERE user_id = '` + first.ID +
		`' AND method = 'sms'`); n != 0 {
		t.Error("a phone of before is left")
	}
	// The new address is not proven, so an attacker who knows the password cannot enroll anything.
	b := w.browser()
	b.Post("/login", m{"email": first.Email, "password": secret}).Want(200)
	b.Post("/us-setup", m{"chosen_method": "sms", "phone": otherPhone}).Want(400).Refused("before the proof")
	b.Post("/tf-validate", m{"code": first.Mailed()}).Want(200)
	b.Post("/us-setup", m{"chosen_method": "sms", "phone": otherPhone}).Want(200)
}

// TestR151_AClickAloneMovesNoAddress checks that an attacker's account and its factors do not
// become another person's account through one click of that person.
func TestR151_AClickAloneMovesNoAddress(t *testing.T) {
	const victim = "victim@good.test"
	w, _ := enrolling(t)
	p, _ := w.stranger("stranger@good.test")
	p.setProven(p.Email)
	b := w.browser()
	b.Post("/login", m{"email": p.Email, "password": secret}).Want(200)
	p.begins(storage.SMS, otherPhone)
	b = w.browser()
	b.Post("/login", m{"email": p.Email, "password": secret}).Want(200)
	b.Post("/change-email", m{"email": victim}).Want(200)
	link := w.link("change_email", victim)
	w.browser().Post(link, m{}).Want(401).Refused("a click of the victim")
	w.browser().Form(link).Want(303)
	other := w.plantSession(w.person("other"))
	other.Post(link, m{}).Want(400).Refused("a click while signed in to an account of one's own")
	if u, err := w.Nodes[0].Auth.FindUser(t.Context(), victim); err == nil {
		t.Errorf("the victim's address is %s's", u.ID)
	}
	w.stranger(victim) // the address is free for its owner
}

// TestR151_TwoMailedCodesAreOneProof covers a new owner of a mailbox who requests the first codes
// by mail, while the former owner's password is still valid. The enrollment of mail as a factor
// counts, but the address stays unproven.
func TestR151_TwoMailedCodesAreOneProof(t *testing.T) {
	w, _ := enrolling(t)
	p := w.person("alice").begins(storage.Email)
	p.Email = "moved." + p.Email
	w.Must(w.Nodes[0].Auth.SetIdentity(t.Context(), p.ID, p.Email, p.Name))
	w.Advance(time.Minute)
	reader := w.browser()
	reader.ask(p.Email, storage.Email).Want(200)
	reader.passcode(p, p.Mailed()).Want(200)
	state := reader.Post("/us-setup", m{"chosen_method": "email"}).Want(200).Text("state")
	reader.Post("/us-setup/"+state, m{"passcode": p.Mailed()}).Want(200)
	former := w.browser()
	former.Post("/login", m{"email": p.Email, "password": secret}).Want(200)
	r := former.Post("/wan-register", m{"name": "key", "usage": storage.UseFirst}).Want(400)
	r.Refused("before both proofs came together")
}

// TestR155_NotMeEndsWhatOpensTheAccountAlone checks that recently added factors that open the
// account alone are removed with the sessions. Second factors, and factors older than a week, are
// kept.
func TestR155_NotMeEndsWhatOpensTheAccountAlone(t *testing.T) {
	w, corp := enrolling(t)
	p := w.withApp("alice")
	old, late := w.key(phoneKey), w.key(phoneKey)
	w.plantSession(p).register(old, "old", storage.UseFirst).Want(200)
	w.Advance(15 * 24 * time.Hour)
	w.plantSession(p).register(late, "late", storage.UseFirst).Want(200)
	corp.SignIn("alice")
	p.connected(corp, "corp")
	p.begins(storage.SMS, otherPhone)
	p.begins(storage.Email)
	w.browser().Form("/tf-not-me/" + p.newestStop()).Want(200)
	w.browser().signInBy(late).Want(400).Refused("a passkey of the last days")
	w.browser().through(corp, "corp").Want(400).Refused("a connection of the last days")
	w.browser().signInBy(old).Want(200)
	firsts, err := w.Nodes[0].Store.FirstFactorsOf(t.Context(), p.ID)
	w.Must(err)
	if len(firsts) != 1 || firsts[0].Method != storage.Email {
		t.Errorf("first factors left: %+v", firsts)
	}
	if len(p.Factors()) != 1 {
		t.Error("the second factor is gone")
	}
}
