package security_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

func required(c *twofold.Config)   { open(c); c.TwoFactor.Required = true }
func proofFirst(c *twofold.Config) { required(c); c.TwoFactor.EnrollProof = true }

// kinds counts a person's notices by kind after all messages are sent.
func (w *world) kinds(to string) map[string]int {
	w.T.Helper()
	w.settled()
	out := map[string]int{}
	for _, mail := range w.Mail.To(to) {
		if kind, ok := strings.CutPrefix(mail.Kind, "notice_"); ok {
			out[kind]++
		}
	}
	return out
}

// newestStop returns the token of the link in the person's newest notice.
func (p *person) newestStop() string {
	p.w.T.Helper()
	p.w.settled()
	for _, mail := range slices.Backward(p.w.Mail.To(p.Email)) {
		if token := stopIn(mail.Text); token != "" {
			p.w.handedOut("token to stop", token)
			return token
		}
	}
	p.w.T.Fatal("no notice came")
	return ""
}

// TestR019_ForcedEnrollment checks that a required enrollment avoids no other requirement.
func TestR019_ForcedEnrollment(t *testing.T) {
	w := newWorld(t, required)
	p := w.person("alice")
	b := w.browser()
	b.login(p, m{"next": "/app/two"}).Want(200)
	if b.Jar["twofold"] != "" {
		t.Error("a session before the set-up")
	}
	stopped := func(why string) {
		t.Helper()
		token := b.Jar["twofold-pending"]
		b := b.copy() // a step out of turn ends the sign-in in its browser
		b.out(why)
		b.Get("/me").Want(401)
		b.Post("/verify", m{"password": secret}).Want(401)
		for path, body := range map[string]m{"/tf-rescue": {"help_setup": "email"}, "/tf-select": {"which": "email"}} {
			b.Jar["twofold-pending"] = token
			b.Post(path, body).Want(400).Refused(why)
		}
		b.Get("/app/two?next=/app/two&tf_required=false").Want(401)
	}
	stopped("before the set-up")
	old := b.copy()
	w.Restart()
	b.on(w.Nodes[0])
	stopped("after a restart")
	r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	p.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	stopped("with a draft")
	b.validate(p.Wrong()).Want(400).Refused("a wrong code")
	b.copy().Post("/tf-setup", m{"setup": "disable"}).Refused("nothing to give up")
	b.validate(p.Code(0)).Want(200)
	b.in(p, 2)
	old.on(w.Nodes[0])
	old.validate(p.Next()).Refused("the pending again")
	if w.kinds(p.Email)["factor_changed"] != 1 {
		t.Errorf("notices %v", w.kinds(p.Email))
	}
	b.Post("/tf-setup", m{"setup": "disable"}).Want(400)

	v := w.person("victor")
	late := w.browser()
	late.login(v).Want(200)
	r = late.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	v.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	w.Advance(10*time.Minute + time.Second)
	late.validate(v.Code(0)).Want(400).Refused("after ten minutes")
	late.Get("/tf-setup").Want(400)
	late.out("after ten minutes")
	if len(v.Factors()) != 0 {
		t.Error("a factor came of a set-up that was over")
	}
	w.browser().Form("/register", "email", "new@good.test", "password", secret, "password_confirm", secret)
	if w.number(`SELECT COUNT(*) FROM twofold_sessions WHERE level < 2`) != 0 {
		t.Error("registration opened a session of one factor")
	}
}

// TestR019_ForcedEnrollmentWithProof covers sites that require a proof of the mailbox first.
func TestR019_ForcedEnrollmentWithProof(t *testing.T) {
	w := newWorld(t, proofFirst)
	p := w.person("alice")
	b := w.browser()
	r := b.login(p).Want(200)
	if r.JSON["tf_state"] != "ready" || r.JSON["tf_method"] != "email" {
		t.Errorf("answer %s", r.Body)
	}
	code := p.Mailed()
	shut := func(why string) {
		t.Helper()
		token := b.Jar["twofold-pending"]
		b := b.copy() // a step out of turn ends the sign-in in its browser
		b.out(why)
		b.Get("/tf-setup").Want(400)
		for _, method := range []string{"authenticator", "email", "sms", "disable"} {
			b.Jar["twofold-pending"] = token
			b.Post("/tf-setup", m{"setup": method, "phone": "+16505551212"}).Want(400).Refused(why)
		}
		for path, body := range map[string]m{"/tf-rescue": {"help_setup": "email"}, "/tf-select": {"which": "email"}} {
			b.Jar["twofold-pending"] = token
			b.Post(path, body).Want(400).Refused(why)
		}
	}
	shut("before the mailed code")
	if w.count("drafts") != 0 {
		t.Error("a draft before the mailed code")
	}
	b.validate(other(code)).Want(400).Refused("a wrong code")
	thief := w.browser()
	thief.login(p).Want(200)
	thief.validate(code).Want(400).Refused("a code of another sign-in")
	shut("after a wrong code")
	b.validate(code).Want(200)
	b.out("the mailbox is proven, no factor yet")
	w.Advance(11 * time.Second)
	b.copy().validate(code).Refused("the code a second time")
	r = b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	p.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	b.validate(p.Code(0)).Want(200)
	b.in(p, 2)
	thief.validate(p.Next()).Refused("a pending of before")
	if w.kinds(p.Email)["factor_changed"] != 1 {
		t.Errorf("notices %v", w.kinds(p.Email))
	}
	v := w.person("victor")
	late := w.browser()
	late.login(v).Want(200)
	late.validate(v.Mailed()).Want(200)
	w.Advance(10*time.Minute + time.Second)
	late.Post("/tf-setup", m{"setup": "authenticator"}).Want(400).Refused("after ten minutes")
	late.login(v).Want(200)
	late.out("after another sign-in")
}

// TestR072_RescueNeedsThePassword also checks the limits: three an hour and five a day.
func TestR072_RescueNeedsThePassword(t *testing.T) {
	w := newWorld(t, plenty)
	a := w.withApp("alice")
	sent := w.mails()
	for name, b := range map[string]*browser{
		"nobody": w.browser(), "session": w.plantSession(a), "no second factor": w.plantPending(w.person("plain")),
	} {
		for _, option := range []string{"email", "help", "", "sms"} {
			b.Post("/tf-rescue", m{"help_setup": option}).Want(400).Refused(name)
			b.Post("/tf-rescue?email="+a.Email, m{"help_setup": option, "email": a.Email}).Want(400)
		}
		b.Get("/tf-rescue").Want(400)
	}
	again := w.plantSession(a)
	again.Post("/verify", m{"password": secret}).Want(200)
	again.Post("/tf-rescue", m{"help_setup": "email"}).Want(400).Refused("a re-authentication")
	if n := w.mails(); n != sent {
		t.Fatalf("%d mails without a first factor", n-sent)
	}
	rescue := func(option string) *answer { return w.plantPending(a).Post("/tf-rescue", m{"help_setup": option}) }
	for range 3 {
		rescue("email").Want(200)
		w.Advance(time.Minute)
	}
	rescue("email").Want(429)
	w.Advance(56 * time.Minute)
	rescue("email").Want(429)
	w.Advance(6 * time.Minute)
	rescue("email").Want(200)
	rescue("email").Want(200)
	w.Advance(2 * time.Hour)
	rescue("email").Want(429)
	w.settled()
	codes := 0
	for _, mail := range w.Mail.To(a.Email) {
		codes += min(1, len(testkit.Codes(mail.Text)))
	}
	if codes != 5 {
		t.Errorf("%d rescue codes in a day, want 5", codes)
	}
	for range 3 {
		rescue("help").Want(200)
	}
	rescue("help").Want(429)
	w.settled()
	if n := w.Mail.Count(helpBox); n != 3 {
		t.Errorf("%d calls for help, want 3", n)
	}
}

// TestR073_OneMailboxIsNotEnough checks that there is no rescue by mail within 24 hours of a reset
// through that mailbox, or after a first factor that was mailed.
func TestR073_OneMailboxIsNotEnough(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t, plenty)
	a, e := w.withApp("alice"), w.withApp("erika")
	w.Must(w.Nodes[0].Store.SetPassword(ctx, storage.NewPassword{
		UserID: a.ID, Hash: hashed, CredentialVersion: strings.ToLower(storage.NewID()),
		ViaMailbox: true, Now: w.Now(),
	}))
	shut := func(b *browser, why string) {
		t.Helper()
		before := w.mails()
		r := b.Get("/tf-rescue").Want(200)
		options, _ := r.JSON["recovery_options"].(m)
		if options["email"] != nil || options["help"] == nil {
			t.Errorf("%s: options %v", why, options)
		}
		b.Post("/tf-rescue", m{"help_setup": "email"}).Want(400).Refused(why)
		b.Form("/tf-rescue", "help_setup", "email").Refused(why)
		if w.mails() != before {
			t.Errorf("%s: a mail went out", why)
		}
		b.validate("000000").Refused(why)
	}
	b := w.browser()
	b.login(a).Want(200)
	shut(b, "just reset")
	w.Advance(23*time.Hour + 59*time.Minute)
	shut(w.plantPending(a), "a day less a minute")
	w.Advance(2 * time.Minute)
	w.plantPending(a).Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	w.Must(w.Nodes[0].Auth.SetPassword(ctx, e.ID, "another horse 72 battery")) // not through the mailbox
	w.plantPending(e).Post("/tf-rescue", m{"help_setup": "email"}).Want(200)

	u, err := w.Nodes[0].Store.UserByID(ctx, e.ID)
	w.Must(err)
	token := seal.Token()
	w.Must(w.Nodes[0].Store.PutPending(ctx, storage.Pending{
		Hash: seal.HashToken(token), UserID: u.ID, CredentialVersion: u.CredentialVersion, State: storage.Ready,
		Factor: e.Factors()[0].ID,
		First:  storage.Proof{Method: storage.Email, At: w.Now()}, CreatedAt: w.Now(),
		ExpiresAt: w.Now().Add(10 * time.Minute),
	}))
	mailed := w.browser()
	mailed.Jar["twofold-pending"] = token
	shut(mailed, "signed in by mail")
}

// TestR073_AfterAResetMailIsNotTheOtherFactor checks that within 24 hours of a reset through the
// mailbox, a mailed code does not open an account with an app, even if mail is one of its factors.
// It opens an account that has no other factor.
func TestR073_AfterAResetMailIsNotTheOtherFactor(t *testing.T) {
	w := newWorld(t, plenty, func(c *twofold.Config) { c.TwoFactor.EnabledMethods = nil })
	both, only := w.withApp("alice").enrollMail(), w.person("bertram").enrollMail()
	reset := func(p *person) {
		t.Helper()
		w.Must(w.Nodes[0].Store.SetPassword(t.Context(), storage.NewPassword{
			UserID: p.ID, Hash: hashed, CredentialVersion: strings.ToLower(storage.NewID()),
			ViaMailbox: true, Now: w.Now(),
		}))
	}
	reset(both)
	reset(only)
	b := w.browser()
	if r := b.login(both).Want(200); strings.Contains(r.Body, `"method":"email"`) {
		t.Errorf("mail is offered: %s", r.Body)
	}
	before := w.mails()
	b.Post("/tf-select", m{"which": "email"}).Want(400)
	b.Get("/me").Want(401)
	if w.mails() != before {
		t.Error("a code went out")
	}
	b.validate(both.Next()).Want(200)
	b.in(both, 2)

	c := w.browser()
	c.login(only).Want(200)
	c.validate(only.Mailed()).Want(200)
	c.in(only, 2)

	w.Advance(24*time.Hour + time.Minute)
	d := w.browser()
	d.login(both).Want(200)
	d.Post("/tf-select", m{"which": "email"}).Want(200)
	d.validate(both.Mailed()).Want(200)
	d.in(both, 2)
}

// TestR074_RescueCode checks that the code has six digits, five minutes, five tries and one use,
// and is valid only for this purpose in the sign-in that requested it.
func TestR074_RescueCode(t *testing.T) {
	w := newWorld(t, open)
	a := w.withApp("alice")
	asked := func() (*browser, string) {
		b := w.plantPending(a)
		b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
		return b, a.Mailed()
	}
	b, code := asked()
	j2, _ := asked()
	if code2 := a.Mailed(); code2 != code {
		j2.validate(code).Want(400).Refused("a code of another sign-in")
	}
	w.plantPending(a).validate(code).Want(400).Refused("where none was asked for")
	w.plantSession(a).validate(code).Refused("a session")
	twin := b.copy()
	b.validate(code).Want(200)
	b.in(a, 2)
	w.Advance(11 * time.Second)
	twin.validate(code).Want(400).Refused("a second time")
	w.plantPending(a).validate(code).Want(400).Refused("in a later sign-in")

	w.Advance(20 * time.Minute)
	b, code = asked()
	w.Advance(5*time.Minute + time.Second)
	b.validate(code).Want(400).Refused("after five minutes")
	w.Advance(20 * time.Minute)
	b, code = asked()
	for range 5 {
		b.validate(other(code)).Want(400)
	}
	b.validate(code).Want(400).Refused("after five wrong ones")
	w.Advance(20 * time.Minute)
	b, code = asked()
	w.Advance(time.Minute)
	b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	if newer := a.Mailed(); newer != code {
		b.validate(code).Want(400).Refused("the code before the newest")
	}

	e := w.person("erika").enrollMail() // one mailbox, two purposes
	b = w.plantPending(e)
	b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	code = e.Mailed()
	w.plantPending(e).validate(code).Want(400).Refused("a rescue code for the factor")
	s := w.plantSession(e)
	r := s.Post("/tf-setup", m{"setup": "email", "add": true}).Want(200)
	if e.Mailed() != code {
		s.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": code}).Want(400).Refused("a rescue code for a set-up")
	}
	b.validate(e.Mailed()).Refused("a code of a set-up for the rescue")
}

// TestR076_RescueIsAnnounced checks for notices of the request and of the success, with a link that
// ends all access. Opening the link changes nothing; its button works once.
func TestR076_RescueIsAnnounced(t *testing.T) {
	w := newWorld(t, open)
	a := w.withApp("alice")
	owner, waits := w.plantSession(a), w.plantPending(a)
	trusted := w.trusted(a)
	w.Advance(11 * time.Minute)
	before := w.kinds(a.Email)
	thief := w.browser()
	thief.login(a).Want(200)
	thief.Post("/tf-rescue", m{"help_setup": "help"}).Want(200)
	thief.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	code := a.Mailed()
	after := w.kinds(a.Email)
	if after["rescue_asked"] != before["rescue_asked"]+2 || w.Mail.Count(helpBox) != 1 {
		t.Errorf("notices %v, then %v; %d to the administrators", before, after, w.Mail.Count(helpBox))
	}
	asked := a.newestStop()
	thief.validate(code).Want(200)
	if n := w.kinds(a.Email)["rescued"]; n != 1 {
		t.Errorf("%d notices of the rescue itself, want 1", n)
	}
	var names []string
	for _, e := range w.trail(0) {
		if e.User == a.ID && (e.Event == "tf-rescue-requested" || e.Method == "rescue") {
			names = append(names, e.Event+" "+e.Method)
		}
	}
	if !slices.Equal(names, []string{"tf-rescue-requested help", "tf-rescue-requested email",
		"user-authenticated rescue"}) {
		t.Errorf("rows %q", names)
	}
	trusted.asked(a, "a device trusted before the rescue")

	tables := []string{"users", "factors", "sessions", "pendings", "devices", "drafts", "challenges", "counters"}
	state := w.rows(tables...)
	link := "/tf-not-me/" + asked
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} {
		w.browser().Do(method, link, "", "", "Accept", "text/html")
		owner.copy().Do(method, link, "", "")
	}
	if w.rows(tables...) != state {
		t.Fatal("opening the link changed something")
	}
	w.browser().Do("POST", link, testkit.TypeForm, "", "Sec-Fetch-Site", "cross-site", "Origin",
		"https://evil.test").Refused("a page elsewhere pressed it")
	w.browser().Form("/tf-not-me/" + testkit.Forge(asked)).Refused("a forged link")
	thief.in(a, 2)
	pending := w.plantPending(a)
	pending.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	code = a.Mailed()
	pressed := w.browser()
	page := pressed.Form(link).Want(200)
	pressed.out("who pressed it")
	if len(page.Header.Values("Set-Cookie")) != 0 && pressed.Jar["twofold"] != "" {
		t.Error("the link opens something")
	}
	for what, b := range map[string]*browser{"thief": thief, "owner": owner} {
		b.out(what + " after the link")
	}
	for what, b := range map[string]*browser{"pending": pending, "older pending": waits} {
		b.validate(code).Refused(what + " after the link")
		b.out(what + " after the link")
	}
	for _, table := range []string{"devices"} {
		if n := w.count(table); n != 0 {
			t.Errorf("%d rows of %s are left", n, table)
		}
	}
	w.browser().Form(link).Refused("a second time")
	fresh := w.browser()
	fresh.login(a).Want(200)
	fresh.validate(a.Next()).Want(200)
	w.browser().Post(link, nil).Want(400).Refused("a third time")
	fresh.in(a, 2)
	e := w.withApp("erika")
	late := e.newestStop()
	w.Advance(7 * 24 * time.Hour)
	w.browser().Form("/tf-not-me/" + late).Refused("after a week")
}
