package security_test

import (
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/federatedtest"
	"github.com/twofold-auth/twofold/internal/storage"
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
	w.t.Helper()
	p, b := &person{w: w, email: email}, w.browser()
	b.post("/register", m{"email": email, "password": secret, "password_confirm": secret}).want(200)
	w.identify(p)
	return p, b
}

// setProven sets the proven address of an account: "" if none was ever proven, "-" for another
// address.
func (p *person) setProven(key string) {
	p.w.t.Helper()
	p.w.write(`UPDATE twofold_users SET proven_key = ? WHERE id = ?`, key, p.id)
	p.w.advance(2 * time.Second) // beyond what a process remembers
}

// ways returns all ways to add something to an account that opens or obstructs it. Each returns the
// first answer.
func ways(corp *federatedtest.Provider) map[string]func(b *browser) *answer {
	return map[string]func(b *browser) *answer{
		"app as second factor": func(b *browser) *answer { return b.post("/tf-setup", m{"setup": "authenticator"}) },
		"phone as second factor": func(b *browser) *answer {
			return b.post("/tf-setup", m{"setup": "sms", "phone": otherPhone})
		},
		"app as first factor": func(b *browser) *answer {
			return b.post("/us-setup", m{"chosen_method": "authenticator"})
		},
		"phone as first factor": func(b *browser) *answer {
			return b.post("/us-setup", m{"chosen_method": "sms", "phone": otherPhone})
		},
		"passkey as first factor": func(b *browser) *answer {
			return b.post("/wan-register", m{"name": "first", "usage": storage.UseFirst})
		},
		"passkey as second factor": func(b *browser) *answer {
			return b.post("/wan-register", m{"name": "second", "usage": storage.UseSecond})
		},
		"account elsewhere": func(b *browser) *answer { return b.post("/login/oauth-connect/corp", m{}) },
		"personal token": func(b *browser) *answer {
			return b.post("/access-tokens", m{"name": "ci", "scopes": []string{"read"}})
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
		n := len(w.mail.To(p.email))
		r := way(b).want(400).refused(name)
		if r.json["email_proof_required"] != true || r.json["tf_state"] != "ready" || r.json["tf_method"] != "email" {
			t.Errorf("%s: a client is not told what comes next: %s", name, r.body)
		}
		way(b).want(400).refused(name + ", again")
		for _, table := range []string{"factors", "connections", "tokens", "drafts"} {
			if w.number(`SELECT COUNT(*) FROM twofold_`+table+` WHERE user_id = '`+p.id+`'`) != 0 {
				t.Errorf("%s: a row of %s", name, table)
			}
		}
		w.settled()
		if got := len(w.mail.To(p.email)) - n; got != 1 {
			t.Errorf("%s: %d mails, want one code", name, got)
		}
		code := p.mailed()
		b.post("/tf-validate", m{"code": other(code)}).want(400)
		way(b).want(400).refused(name + " after a wrong code")
		w.plantSession(p).post("/tf-validate", m{"code": code}).refused(name + ": a code of another session")
		b.post("/tf-validate", m{"code": code}).want(200)
		b.in(p, 1)
		if r := way(b); r.status != 200 && r.status != 302 {
			t.Errorf("%s: refused after the proof: %d %s", name, r.status, r.body)
		}
	}
}

// TestR150_AMailedCodeOfASetUpIsTheProof checks that enrolling the mailbox proves it.
func TestR150_AMailedCodeOfASetUpIsTheProof(t *testing.T) {
	w, _ := enrolling(t)
	for path, body := range map[string]m{"/tf-setup": {"setup": "email"}, "/us-setup": {"chosen_method": "email"}} {
		p, b := w.stranger("new" + path[1:3] + "@good.test")
		r := b.post(path, body).want(200)
		if path == "/tf-setup" {
			b.post(path+"/"+r.text("tf_state_token"), m{"code": p.mailed()}).want(200)
		} else {
			b.post(path+"/"+r.text("state"), m{"passcode": p.mailed()}).want(200)
		}
		b.post("/wan-register", m{"name": "key", "usage": storage.UseFirst}).want(200)
	}
}

// doors holds the steps that take a mailed code which proves an address. Each requests a code and
// returns the step.
func doors() []func(b *browser) func(code string) *answer {
	return []func(b *browser) func(code string) *answer{
		func(b *browser) func(code string) *answer {
			b.post("/tf-setup", m{"setup": "authenticator"}).want(400)
			return func(code string) *answer { return b.post("/tf-validate", m{"code": code}) }
		},
		func(b *browser) func(code string) *answer {
			state := b.post("/tf-setup", m{"setup": "email"}).want(200).text("tf_state_token")
			return func(code string) *answer { return b.post("/tf-setup/"+state, m{"code": code}) }
		},
		func(b *browser) func(code string) *answer {
			state := b.post("/us-setup", m{"chosen_method": "email"}).want(200).text("state")
			return func(code string) *answer { return b.post("/us-setup/"+state, m{"passcode": code}) }
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
		code := p.mailed()
		for range 4 {
			if try(other(code)).status == 400 {
				tried++
			}
		}
		if tried == 10 {
			try(code).want(429).refused("a right code after too many wrong ones")
		}
		w.advance(16 * time.Minute)
	}
	if tried != 10 {
		t.Fatalf("%d of 12 wrong codes were tried, want 10", tried)
	}
	for i, door := range doors() { // one a day, and that at one of the steps
		if i == 0 {
			w.advance(25 * time.Hour)
		}
		try := door(w.plantSession(p))
		code := p.mailed()
		if i == 0 {
			try(other(code)).want(400)
		}
		try(code).want(429).refused("a second guess of a day")
		w.advance(16 * time.Minute)
	}
	w.advance(25 * time.Hour)
	b := w.plantSession(p)
	doors()[1](b)(p.mailed()).want(200) // the owner, the next day
	b.post("/wan-register", m{"name": "key", "usage": storage.UseFirst}).want(200)
	b.post("/tf-setup", m{"setup": "sms", "phone": otherPhone, "add": true}).want(200)
}

// TestR150_NoRefreshTokenBeforeTheProof checks that a sign-in that requests tokens gets only the
// access token, which lives fifteen minutes.
func TestR150_NoRefreshTokenBeforeTheProof(t *testing.T) {
	w, _ := enrolling(t)
	p, _ := w.stranger("new@good.test")
	sign := func() (header, refresh any) {
		r := w.browser().post("/login?include_auth_token", m{"email": p.email, "password": secret}).want(200)
		user, _ := r.json["user"].(m)
		return user["authentication_token"], user["refresh_token"]
	}
	if header, refresh := sign(); header == nil || refresh != nil {
		t.Errorf("before the proof: header token %v, refresh token %v", header != nil, refresh != nil)
	}
	p.setProven(p.email)
	if header, refresh := sign(); header == nil || refresh == nil {
		t.Errorf("after the proof: header token %v, refresh token %v", header != nil, refresh != nil)
	}
}

// TestR150_WhoeverIsVouchedForIsProven checks that an account created by an operator or the
// application can enroll everything without another step.
func TestR150_WhoeverIsVouchedForIsProven(t *testing.T) {
	w, corp := enrolling(t)
	for name, way := range ways(corp) {
		p := w.person("alice" + string(rune('a'+len(name))) + name[:1])
		if r := way(w.plantSession(p)); r.status != 200 && r.status != 302 {
			t.Errorf("%s: %d %s", name, r.status, r.body)
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
	b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
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
		p.setProven(p.email) // as things were before this was asked
		k := w.key(phoneKey)
		b.register(k, "key", storage.UseFirst).want(200)
		p.begins(storage.SMS, "+1650555"+string(rune('1'+len(name)%7))+"111")
		corp.SignIn(name)
		p.connected(corp, "corp")
		p.enrollApp()
		if !c.keeps {
			p.setProven(c.proven)
		}
		stays := w.plantSession(p)
		owner := w.browser()
		owner.post(owner.resets(p.email), m{"password": newSecret, "password_confirm": newSecret}).want(200)
		stays.out(name + ": a session from before the proof")
		w.signsIn(p.email, secret).want(400).refused(name + ": the former password")
		asked := w.browser()
		asked.ask(p.email, storage.SMS)
		firsts, err := w.nodes[0].db.FirstFactorsOf(t.Context(), p.id)
		w.must(err)
		connections, err := w.nodes[0].db.ConnectionsOf(t.Context(), p.id)
		w.must(err)
		if kept := len(firsts) > 0 && len(connections) > 0; kept != c.keeps ||
			!c.keeps && len(firsts)+len(connections) > 0 {
			t.Errorf("%s: %d first factors and %d connections are left", name, len(firsts), len(connections))
		}
		by := w.browser().signInBy(k)
		if opened := by.status == 200; opened != c.keeps {
			t.Errorf("%s: by the passkey of before: %d %s", name, by.status, by.body)
		}
		if n := len(p.factors()); (n > 0) != c.keepsApp {
			t.Errorf("%s: %d second factors are left", name, n)
		}
	}
}

// TestR154_AnAddressSetByAnOperatorMovesWhatRestsOnIt checks that codes of first and second factors
// go to the new mailbox. The former mailbox and other first factors no longer open the account.
func TestR154_AnAddressSetByAnOperatorMovesWhatRestsOnIt(t *testing.T) {
	w, corp := enrolling(t)
	auth := w.nodes[0].auth
	second := w.person("second").enrollMail()
	first := w.person("first").begins(storage.Email)
	k := w.key(phoneKey)
	w.plantSession(first).register(k, "key", storage.UseFirst).want(200)
	first.begins(storage.SMS, otherPhone)
	corp.SignIn("first")
	first.connected(corp, "corp")

	under, asked := w.plantPending(second), w.browser()
	under.post("/tf-resend", m{}).want(200)
	oldCode := second.mailed()
	asked.ask(first.email, storage.Email).want(200)
	oldFirst := first.mailed()
	stays := w.plantSession(first)
	w.advance(time.Minute)
	for _, p := range []*person{second, first} {
		old := p.email
		p.email = "moved." + old
		w.must(auth.SetIdentity(t.Context(), p.id, p.email, p.name))
		w.settled()
		before := len(w.mail.To(old))
		b := w.browser()
		if p == second {
			b.post("/login", m{"email": p.email, "password": secret}).want(200)
		} else {
			b.ask(p.email, storage.Email).want(200)
		}
		w.settled()
		if len(w.mail.To(old)) != before {
			t.Errorf("%s: a code went to the former mailbox", p.name)
		}
		if p == second {
			b.validate(oldCode).want(400).refused("a code of the former mailbox")
			b.validate(p.mailed()).want(200)
			b.in(p, 2)
			continue
		}
		b.passcode(p, p.mailed()).want(200)
		b.in(p, 1)
	}
	under.validate(oldCode).refused("a sign-in from before")
	asked.passcode(first, oldFirst).want(400).refused("a first code of the former mailbox")
	stays.out("a session from before")
	w.browser().signInBy(k).want(400).refused("a passkey of before")
	w.browser().through(corp, "corp").want(400).refused("an account elsewhere of before")
	asked.ask(first.email, storage.SMS)
	if n := w.number(`SELECT COUNT(*) FROM twofold_factors WHERE user_id = '` + first.id +
		`' AND method = 'sms'`); n != 0 {
		t.Error("a phone of before is left")
	}
	// The new address is not proven, so an attacker who knows the password cannot enroll anything.
	b := w.browser()
	b.post("/login", m{"email": first.email, "password": secret}).want(200)
	b.post("/us-setup", m{"chosen_method": "sms", "phone": otherPhone}).want(400).refused("before the proof")
	b.post("/tf-validate", m{"code": first.mailed()}).want(200)
	b.post("/us-setup", m{"chosen_method": "sms", "phone": otherPhone}).want(200)
}

// TestR151_AClickAloneMovesNoAddress checks that an attacker's account and its factors do not
// become another person's account through one click of that person.
func TestR151_AClickAloneMovesNoAddress(t *testing.T) {
	const victim = "victim@good.test"
	w, _ := enrolling(t)
	p, _ := w.stranger("stranger@good.test")
	p.setProven(p.email)
	b := w.browser()
	b.post("/login", m{"email": p.email, "password": secret}).want(200)
	p.begins(storage.SMS, otherPhone)
	b = w.browser()
	b.post("/login", m{"email": p.email, "password": secret}).want(200)
	b.post("/change-email", m{"email": victim}).want(200)
	link := w.link("change_email", victim)
	w.browser().post(link, m{}).want(401).refused("a click of the victim")
	w.browser().form(link).want(303)
	other := w.plantSession(w.person("other"))
	other.post(link, m{}).want(400).refused("a click while signed in to an account of one's own")
	if u, err := w.nodes[0].auth.FindUser(t.Context(), victim); err == nil {
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
	p.email = "moved." + p.email
	w.must(w.nodes[0].auth.SetIdentity(t.Context(), p.id, p.email, p.name))
	w.advance(time.Minute)
	reader := w.browser()
	reader.ask(p.email, storage.Email).want(200)
	reader.passcode(p, p.mailed()).want(200)
	state := reader.post("/us-setup", m{"chosen_method": "email"}).want(200).text("state")
	reader.post("/us-setup/"+state, m{"passcode": p.mailed()}).want(200)
	former := w.browser()
	former.post("/login", m{"email": p.email, "password": secret}).want(200)
	r := former.post("/wan-register", m{"name": "key", "usage": storage.UseFirst}).want(400)
	r.refused("before both proofs came together")
}

// TestR155_NotMeEndsWhatOpensTheAccountAlone checks that recently added factors that open the
// account alone are removed with the sessions. Second factors, and factors older than a week, are
// kept.
func TestR155_NotMeEndsWhatOpensTheAccountAlone(t *testing.T) {
	w, corp := enrolling(t)
	p := w.withApp("alice")
	old, late := w.key(phoneKey), w.key(phoneKey)
	w.plantSession(p).register(old, "old", storage.UseFirst).want(200)
	w.advance(15 * 24 * time.Hour)
	w.plantSession(p).register(late, "late", storage.UseFirst).want(200)
	corp.SignIn("alice")
	p.connected(corp, "corp")
	p.begins(storage.SMS, otherPhone)
	p.begins(storage.Email)
	w.browser().form("/tf-not-me/" + p.newestStop()).want(200)
	w.browser().signInBy(late).want(400).refused("a passkey of the last days")
	w.browser().through(corp, "corp").want(400).refused("a connection of the last days")
	w.browser().signInBy(old).want(200)
	firsts, err := w.nodes[0].db.FirstFactorsOf(t.Context(), p.id)
	w.must(err)
	if len(firsts) != 1 || firsts[0].Method != storage.Email {
		t.Errorf("first factors left: %+v", firsts)
	}
	if len(p.factors()) != 1 {
		t.Error("the second factor is gone")
	}
}
