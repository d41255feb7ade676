package security_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

func required(c *twofold.Config)   { open(c); c.TwoFactor.Required = true }
func proofFirst(c *twofold.Config) { required(c); c.TwoFactor.EnrollProof = true }

// kinds counts a person's notices by kind after all messages are sent.
func (w *world) kinds(to string) map[string]int {
	w.t.Helper()
	w.settled()
	out := map[string]int{}
	for _, mail := range w.mail.To(to) {
		if kind, ok := strings.CutPrefix(mail.Kind, "notice_"); ok {
			out[kind]++
		}
	}
	return out
}

// newestStop returns the token of the link in the person's newest notice.
func (p *person) newestStop() string {
	p.w.t.Helper()
	p.w.settled()
	for _, mail := range slices.Backward(p.w.mail.To(p.email)) {
		if found := notMe.FindStringSubmatch(mail.Text); found != nil {
			p.w.handedOut("token to stop", found[1])
			return found[1]
		}
	}
	p.w.t.Fatal("no notice came")
	return ""
}

// TestR019_ForcedEnrollment checks that a required enrollment avoids no other requirement.
func TestR019_ForcedEnrollment(t *testing.T) {
	w := newWorld(t, required)
	p := w.person("alice")
	b := w.browser()
	b.login(p, m{"next": "/app/two"}).want(200)
	if b.jar["twofold"] != "" {
		t.Error("a session before the set-up")
	}
	stopped := func(why string) {
		t.Helper()
		token := b.jar["twofold-pending"]
		b := b.copy() // a step out of turn ends the sign-in in its browser
		b.out(why)
		b.get("/me").want(401)
		b.post("/verify", m{"password": secret}).want(401)
		for path, body := range map[string]m{"/tf-rescue": {"help_setup": "email"}, "/tf-select": {"which": "email"}} {
			b.jar["twofold-pending"] = token
			b.post(path, body).want(400).refused(why)
		}
		b.get("/app/two?next=/app/two&tf_required=false").want(401)
	}
	stopped("before the set-up")
	old := b.copy()
	w.restart()
	b.n = w.nodes[0]
	stopped("after a restart")
	r := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	p.app = decode(w, r.text("tf_authr_b32key"))
	stopped("with a draft")
	b.validate(p.wrong()).want(400).refused("a wrong code")
	b.copy().post("/tf-setup", m{"setup": "disable"}).refused("nothing to give up")
	b.validate(p.code(0)).want(200)
	b.in(p, 2)
	old.n = w.nodes[0]
	old.validate(p.next()).refused("the pending again")
	if w.kinds(p.email)["factor_changed"] != 1 {
		t.Errorf("notices %v", w.kinds(p.email))
	}
	b.post("/tf-setup", m{"setup": "disable"}).want(400)

	v := w.person("victor")
	late := w.browser()
	late.login(v).want(200)
	r = late.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	v.app = decode(w, r.text("tf_authr_b32key"))
	w.advance(10*time.Minute + time.Second)
	late.validate(v.code(0)).want(400).refused("after ten minutes")
	late.get("/tf-setup").want(400)
	late.out("after ten minutes")
	if len(v.factors()) != 0 {
		t.Error("a factor came of a set-up that was over")
	}
	w.browser().form("/register", "email", "new@good.test", "password", secret, "password_confirm", secret)
	if w.number(`SELECT COUNT(*) FROM twofold_sessions WHERE level < 2`) != 0 {
		t.Error("registration opened a session of one factor")
	}
}

// TestR019_ForcedEnrollmentWithProof covers sites that require a proof of the mailbox first.
func TestR019_ForcedEnrollmentWithProof(t *testing.T) {
	w := newWorld(t, proofFirst)
	p := w.person("alice")
	b := w.browser()
	r := b.login(p).want(200)
	if r.json["tf_state"] != "ready" || r.json["tf_method"] != "email" {
		t.Errorf("answer %s", r.body)
	}
	code := p.mailed()
	shut := func(why string) {
		t.Helper()
		token := b.jar["twofold-pending"]
		b := b.copy() // a step out of turn ends the sign-in in its browser
		b.out(why)
		b.get("/tf-setup").want(400)
		for _, method := range []string{"authenticator", "email", "sms", "disable"} {
			b.jar["twofold-pending"] = token
			b.post("/tf-setup", m{"setup": method, "phone": "+16505551212"}).want(400).refused(why)
		}
		for path, body := range map[string]m{"/tf-rescue": {"help_setup": "email"}, "/tf-select": {"which": "email"}} {
			b.jar["twofold-pending"] = token
			b.post(path, body).want(400).refused(why)
		}
	}
	shut("before the mailed code")
	if w.count("drafts") != 0 {
		t.Error("a draft before the mailed code")
	}
	b.validate(other(code)).want(400).refused("a wrong code")
	thief := w.browser()
	thief.login(p).want(200)
	thief.validate(code).want(400).refused("a code of another sign-in")
	shut("after a wrong code")
	b.validate(code).want(200)
	b.out("the mailbox is proven, no factor yet")
	w.advance(11 * time.Second)
	b.copy().validate(code).refused("the code a second time")
	r = b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	p.app = decode(w, r.text("tf_authr_b32key"))
	b.validate(p.code(0)).want(200)
	b.in(p, 2)
	thief.validate(p.next()).refused("a pending of before")
	if w.kinds(p.email)["factor_changed"] != 1 {
		t.Errorf("notices %v", w.kinds(p.email))
	}
	v := w.person("victor")
	late := w.browser()
	late.login(v).want(200)
	late.validate(v.mailed()).want(200)
	w.advance(10*time.Minute + time.Second)
	late.post("/tf-setup", m{"setup": "authenticator"}).want(400).refused("after ten minutes")
	late.login(v).want(200)
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
			b.post("/tf-rescue", m{"help_setup": option}).want(400).refused(name)
			b.post("/tf-rescue?email="+a.email, m{"help_setup": option, "email": a.email}).want(400)
		}
		b.get("/tf-rescue").want(400)
	}
	again := w.plantSession(a)
	again.post("/verify", m{"password": secret}).want(200)
	again.post("/tf-rescue", m{"help_setup": "email"}).want(400).refused("a re-authentication")
	if n := w.mails(); n != sent {
		t.Fatalf("%d mails without a first factor", n-sent)
	}
	rescue := func(option string) *answer { return w.plantPending(a).post("/tf-rescue", m{"help_setup": option}) }
	for range 3 {
		rescue("email").want(200)
		w.advance(time.Minute)
	}
	rescue("email").want(429)
	w.advance(56 * time.Minute)
	rescue("email").want(429)
	w.advance(6 * time.Minute)
	rescue("email").want(200)
	rescue("email").want(200)
	w.advance(2 * time.Hour)
	rescue("email").want(429)
	w.settled()
	codes := 0
	for _, mail := range w.mail.To(a.email) {
		codes += len(sixDigits.FindAllString(mail.Text, 1))
	}
	if codes != 5 {
		t.Errorf("%d rescue codes in a day, want 5", codes)
	}
	for range 3 {
		rescue("help").want(200)
	}
	rescue("help").want(429)
	w.settled()
	if n := w.mail.Count(helpBox); n != 3 {
		t.Errorf("%d calls for help, want 3", n)
	}
}

// TestR073_OneMailboxIsNotEnough checks that there is no rescue by mail within 24 hours of a reset
// through that mailbox, or after a first factor that was mailed.
func TestR073_OneMailboxIsNotEnough(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t, plenty)
	a, e := w.withApp("alice"), w.withApp("erika")
	w.must(w.nodes[0].db.SetPassword(ctx, storage.NewPassword{
		UserID: a.id, Hash: hashed, CredentialVersion: strings.ToLower(storage.NewID()),
		ViaMailbox: true, Now: w.Now(),
	}))
	shut := func(b *browser, why string) {
		t.Helper()
		before := w.mails()
		r := b.get("/tf-rescue").want(200)
		options, _ := r.json["recovery_options"].(m)
		if options["email"] != nil || options["help"] == nil {
			t.Errorf("%s: options %v", why, options)
		}
		b.post("/tf-rescue", m{"help_setup": "email"}).want(400).refused(why)
		b.form("/tf-rescue", "help_setup", "email").refused(why)
		if w.mails() != before {
			t.Errorf("%s: a mail went out", why)
		}
		b.validate("000000").refused(why)
	}
	b := w.browser()
	b.login(a).want(200)
	shut(b, "just reset")
	w.advance(23*time.Hour + 59*time.Minute)
	shut(w.plantPending(a), "a day less a minute")
	w.advance(2 * time.Minute)
	w.plantPending(a).post("/tf-rescue", m{"help_setup": "email"}).want(200)
	w.must(w.nodes[0].auth.SetPassword(ctx, e.id, "another horse 72 battery")) // not through the mailbox
	w.plantPending(e).post("/tf-rescue", m{"help_setup": "email"}).want(200)

	u, err := w.nodes[0].db.UserByID(ctx, e.id)
	w.must(err)
	token := seal.Token()
	w.must(w.nodes[0].db.PutPending(ctx, storage.Pending{
		Hash: seal.HashToken(token), UserID: u.ID, CredentialVersion: u.CredentialVersion, State: storage.Ready,
		Factor: e.factors()[0].ID,
		First:  storage.Proof{Method: storage.Email, At: w.Now()}, CreatedAt: w.Now(),
		ExpiresAt: w.Now().Add(10 * time.Minute),
	}))
	mailed := w.browser()
	mailed.jar["twofold-pending"] = token
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
		w.must(w.nodes[0].db.SetPassword(t.Context(), storage.NewPassword{
			UserID: p.id, Hash: hashed, CredentialVersion: strings.ToLower(storage.NewID()),
			ViaMailbox: true, Now: w.Now(),
		}))
	}
	reset(both)
	reset(only)
	b := w.browser()
	if r := b.login(both).want(200); strings.Contains(r.body, `"method":"email"`) {
		t.Errorf("mail is offered: %s", r.body)
	}
	before := w.mails()
	b.post("/tf-select", m{"which": "email"}).want(400)
	b.get("/me").want(401)
	if w.mails() != before {
		t.Error("a code went out")
	}
	b.validate(both.next()).want(200)
	b.in(both, 2)

	c := w.browser()
	c.login(only).want(200)
	c.validate(only.mailed()).want(200)
	c.in(only, 2)

	w.advance(24*time.Hour + time.Minute)
	d := w.browser()
	d.login(both).want(200)
	d.post("/tf-select", m{"which": "email"}).want(200)
	d.validate(both.mailed()).want(200)
	d.in(both, 2)
}

// TestR074_RescueCode checks that the code has six digits, five minutes, five tries and one use,
// and is valid only for this purpose in the sign-in that requested it.
func TestR074_RescueCode(t *testing.T) {
	w := newWorld(t, open)
	a := w.withApp("alice")
	asked := func() (*browser, string) {
		b := w.plantPending(a)
		b.post("/tf-rescue", m{"help_setup": "email"}).want(200)
		return b, a.mailed()
	}
	b, code := asked()
	j2, _ := asked()
	if code2 := a.mailed(); code2 != code {
		j2.validate(code).want(400).refused("a code of another sign-in")
	}
	w.plantPending(a).validate(code).want(400).refused("where none was asked for")
	w.plantSession(a).validate(code).refused("a session")
	twin := b.copy()
	b.validate(code).want(200)
	b.in(a, 2)
	w.advance(11 * time.Second)
	twin.validate(code).want(400).refused("a second time")
	w.plantPending(a).validate(code).want(400).refused("in a later sign-in")

	w.advance(20 * time.Minute)
	b, code = asked()
	w.advance(5*time.Minute + time.Second)
	b.validate(code).want(400).refused("after five minutes")
	w.advance(20 * time.Minute)
	b, code = asked()
	for range 5 {
		b.validate(other(code)).want(400)
	}
	b.validate(code).want(400).refused("after five wrong ones")
	w.advance(20 * time.Minute)
	b, code = asked()
	w.advance(time.Minute)
	b.post("/tf-rescue", m{"help_setup": "email"}).want(200)
	if newer := a.mailed(); newer != code {
		b.validate(code).want(400).refused("the code before the newest")
	}

	e := w.person("erika").enrollMail() // one mailbox, two purposes
	b = w.plantPending(e)
	b.post("/tf-rescue", m{"help_setup": "email"}).want(200)
	code = e.mailed()
	w.plantPending(e).validate(code).want(400).refused("a rescue code for the factor")
	s := w.plantSession(e)
	r := s.post("/tf-setup", m{"setup": "email", "add": true}).want(200)
	if e.mailed() != code {
		s.post("/tf-setup/"+r.text("tf_state_token"), m{"code": code}).want(400).refused("a rescue code for a set-up")
	}
	b.validate(e.mailed()).refused("a code of a set-up for the rescue")
}

// TestR076_RescueIsAnnounced checks for notices of the request and of the success, with a link that
// ends all access. Opening the link changes nothing; its button works once.
func TestR076_RescueIsAnnounced(t *testing.T) {
	w := newWorld(t, open)
	a := w.withApp("alice")
	owner, waits := w.plantSession(a), w.plantPending(a)
	trusted := w.trusted(a)
	w.advance(11 * time.Minute)
	before := w.kinds(a.email)
	thief := w.browser()
	thief.login(a).want(200)
	thief.post("/tf-rescue", m{"help_setup": "help"}).want(200)
	thief.post("/tf-rescue", m{"help_setup": "email"}).want(200)
	code := a.mailed()
	after := w.kinds(a.email)
	if after["rescue_asked"] != before["rescue_asked"]+2 || w.mail.Count(helpBox) != 1 {
		t.Errorf("notices %v, then %v; %d to the administrators", before, after, w.mail.Count(helpBox))
	}
	asked := a.newestStop()
	thief.validate(code).want(200)
	if n := w.kinds(a.email)["rescued"]; n != 1 {
		t.Errorf("%d notices of the rescue itself, want 1", n)
	}
	var names []string
	for _, e := range w.trail(0) {
		if e.User == a.id && (e.Event == "tf-rescue-requested" || e.Method == "rescue") {
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
		w.browser().do(method, link, "", "", "Accept", "text/html")
		owner.copy().do(method, link, "", "")
	}
	if w.rows(tables...) != state {
		t.Fatal("opening the link changed something")
	}
	w.browser().do("POST", link, typeForm, "", "Sec-Fetch-Site", "cross-site", "Origin",
		"https://evil.test").refused("a page elsewhere pressed it")
	w.browser().form("/tf-not-me/" + forge(asked)).refused("a forged link")
	thief.in(a, 2)
	pending := w.plantPending(a)
	pending.post("/tf-rescue", m{"help_setup": "email"}).want(200)
	code = a.mailed()
	pressed := w.browser()
	page := pressed.form(link).want(200)
	pressed.out("who pressed it")
	if len(page.header.Values("Set-Cookie")) != 0 && pressed.jar["twofold"] != "" {
		t.Error("the link opens something")
	}
	for what, b := range map[string]*browser{"thief": thief, "owner": owner} {
		b.out(what + " after the link")
	}
	for what, b := range map[string]*browser{"pending": pending, "older pending": waits} {
		b.validate(code).refused(what + " after the link")
		b.out(what + " after the link")
	}
	for _, table := range []string{"devices"} {
		if n := w.count(table); n != 0 {
			t.Errorf("%d rows of %s are left", n, table)
		}
	}
	w.browser().form(link).refused("a second time")
	fresh := w.browser()
	fresh.login(a).want(200)
	fresh.validate(a.next()).want(200)
	w.browser().post(link, nil).want(400).refused("a third time")
	fresh.in(a, 2)
	e := w.withApp("erika")
	late := e.newestStop()
	w.advance(7 * 24 * time.Hour)
	w.browser().form("/tf-not-me/" + late).refused("after a week")
}
