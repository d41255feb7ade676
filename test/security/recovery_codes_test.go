package security_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
)

// recoveryCodes creates a set of codes in a separate session and returns it.
func (p *person) recoveryCodes() []string {
	p.w.t.Helper()
	return p.w.plantSession(p).newCodes()
}

func (b *browser) newCodes() []string {
	b.w.t.Helper()
	r := b.post("/mf-recovery-codes", m{}).want(200)
	var codes []string
	list, _ := r.json["recovery_codes"].([]any)
	for _, c := range list {
		code, _ := c.(string)
		b.w.handedOut("recovery code", code)
		b.w.handedOut("recovery code", strings.ReplaceAll(code, "-", ""))
		codes = append(codes, code)
	}
	if len(codes) == 0 {
		b.w.t.Fatalf("no codes: %.300s", r.body)
	}
	return codes
}

// codesLeft returns the person's stored codes.
func (p *person) codesLeft() int {
	p.w.t.Helper()
	n, err := p.w.nodes[0].db.RecoveryCodesLeft(p.w.t.Context(), p.id, time.Time{})
	p.w.must(err)
	return n
}

func (b *browser) recover(code string) *answer {
	b.w.t.Helper()
	return b.post("/mf-recovery", m{"code": code})
}

// TestR065_RecoveryCodesHaveEntropy checks that each code has 80 random bits that do not depend on
// the user.
func TestR065_RecoveryCodesHaveEntropy(t *testing.T) {
	w := newWorld(t, open, func(c *twofold.Config) { c.TwoFactor.RecoveryCodes.Number = 20 })
	form, seen, often := regexp.MustCompile(`^[a-z2-7]{4}(-[a-z2-7]{4}){3}$`), map[string]bool{}, map[rune]int{}
	for i := range 5 {
		b := w.plantSession(w.withApp(fmt.Sprint("user", i)))
		for range 10 {
			for _, code := range b.newCodes() {
				if !form.MatchString(code) || seen[code] {
					t.Fatalf("%q", code)
				}
				seen[code] = true
				for _, r := range strings.ReplaceAll(code, "-", "") {
					often[r]++
				}
			}
		}
	}
	// There are 16,000 characters, 500 of each expected; a deviation of more than 6 sigma occurs
	// once in ten million runs.
	for r, n := range often {
		if n < 365 || n > 635 {
			t.Errorf("%q comes %d times of %d", r, n, 16*len(seen))
		}
	}
	if len(seen) != 1000 || len(often) != 32 {
		t.Errorf("%d codes of %d characters", len(seen), len(often))
	}
}

// TestR066_RecoveryCodesAreShownOnce checks that later only their number is shown, to their owner,
// and that the database, logs and mail contain no code.
func TestR066_RecoveryCodesAreShownOnce(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice")
	b := w.plantSession(p)
	codes := b.newCodes()
	page := b.form("/mf-recovery-codes").want(200)
	for _, r := range []*answer{page, b.page("/mf-recovery-codes").want(200)} {
		if !strings.Contains(r.header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s may be stored: %v", r.what, r.header)
		}
	}
	shown := regexp.MustCompile(`<code>([a-z2-7-]{19})</code>`).FindAllStringSubmatch(page.body, -1)
	if len(shown) != len(codes) {
		t.Fatalf("the page shows %d codes", len(shown))
	}
	for _, again := range []*answer{b.get("/mf-recovery-codes").want(200),
		b.page("/mf-recovery-codes?show_codes=1").want(200), b.get("/me").want(200), b.page("/me").want(200)} {
		for _, s := range shown {
			if strings.Contains(again.body, s[1]) {
				t.Errorf("%s shows a code again", again.what)
			}
		}
	}
	if list := b.get("/mf-recovery-codes").json; len(list["recovery_codes"].([]any)) != 0 ||
		list["recovery_codes_left"] != 10.0 {
		t.Errorf("the list: %v", list)
	}
	w.plantPending(p).recover(shown[0][1]).want(200)
	w.settled()
	for _, c := range w.dump() {
		for _, s := range shown {
			bare := strings.ReplaceAll(s[1], "-", "")
			if strings.Contains(c.text, s[1]) || strings.Contains(c.text, bare) {
				t.Errorf("%s.%s holds a code", c.table, c.column)
			}
		}
	}
	for _, s := range shown {
		bare := strings.ReplaceAll(s[1], "-", "")
		if strings.Contains(w.log.String(), bare) || strings.Contains(w.log.String(), s[1]) {
			t.Error("the log holds a code")
		}
		for _, mail := range w.mail.All() {
			if strings.Contains(mail.Text+mail.HTML, s[1]) {
				t.Error("a mail holds a code")
			}
		}
	}
}

// TestR066_TheFileIsMadeOfWhatThePageBringsBack checks that the file is available for a while, only
// to the session that was shown the codes, and contains nothing else.
func TestR066_TheFileIsMadeOfWhatThePageBringsBack(t *testing.T) {
	w := newWorld(t, open)
	p, q := w.withApp("alice"), w.withApp("bobby")
	b, other := w.plantSession(p), w.plantSession(q)
	page := b.form("/mf-recovery-codes").want(200)
	sheet := regexp.MustCompile(`name="sheet" value="([^"]+)"`).FindStringSubmatch(page.body)[1]
	code := regexp.MustCompile(`<code>([a-z2-7-]{19})</code>`).FindStringSubmatch(page.body)[1]
	file := b.form("/mf-recovery-codes", "action", "download", "sheet", sheet).want(200)
	if !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") ||
		!strings.HasPrefix(file.header.Get("Content-Type"), "text/plain") ||
		!strings.Contains(file.body, code) || !strings.Contains(file.header.Get("Cache-Control"), "no-store") {
		t.Errorf("the file: %v %q", file.header, file.body)
	}
	if again := b.form("/mf-recovery-codes", "action", "saved", "sheet", sheet).want(200); !strings.Contains(again.body,
		code) {
		t.Error("who has not saved the codes does not see them again")
	}
	if n := p.codesLeft(); n != 10 {
		t.Errorf("%d codes: showing them changed them", n)
	}
	b.form("/mf-recovery-codes", "action", "saved", "sheet", sheet, "saved", "true").want(303)
	for what, r := range map[string]*answer{
		"another user": other.form("/mf-recovery-codes", "action", "download", "sheet", sheet),
		"changed":      b.form("/mf-recovery-codes", "action", "download", "sheet", forge(sheet)),
		"none":         b.form("/mf-recovery-codes", "action", "download"),
		"no action":    b.form("/mf-recovery-codes", "action", "nonsense", "sheet", sheet),
		"nobody":       w.browser().form("/mf-recovery-codes", "action", "download", "sheet", sheet),
	} {
		if r.status == 200 || strings.Contains(r.body, code) {
			t.Errorf("%s: %d %.200s", what, r.status, r.body)
		}
	}
	w.advance(15 * time.Minute)
	if r := b.form("/mf-recovery-codes", "action", "download", "sheet", sheet); r.status == 200 {
		t.Error("the page's text works on")
	}
	if r := w.plantSession(p).form("/mf-recovery-codes", "action", "download", "sheet", sheet); r.status == 200 {
		t.Error("another session of the same user gets the file")
	}
}

// TestR067_RecoveryCodeOnceInParallel checks that fifty submissions from five sign-ins on two nodes
// open one session, and that no other path accepts the code afterwards.
func TestR067_RecoveryCodeOnceInParallel(t *testing.T) {
	w := newWorld(t, plenty)
	w.start(nil)
	p := w.withApp("alice")
	for round := range rounds() {
		w.advance(16 * time.Minute)
		codes := p.recoveryCodes()
		var pendings []*browser
		for range 5 {
			pendings = append(pendings, w.plantPending(p))
		}
		sessions := w.count("sessions")
		statuses, in := w.submit(func(i int, n *node) (*browser, *answer) {
			b := pendings[i%5].copy().on(n)
			return b, b.recover(codes[0])
		})
		w.once(fmt.Sprint("round ", round), statuses, in, sessions+1)
		if n := p.codesLeft(); n != len(codes)-1 {
			t.Errorf("%d codes left", n)
		}
		for _, b := range in {
			b.in(p, 2)
			b.post("/verify", m{"password": codes[0]}).refused("as a password")
		}
		w.advance(16 * time.Minute)
		b := w.plantPending(p)
		b.copy().recover(codes[0]).want(400).refused("again")
		b.copy().validate(codes[0]).want(400).refused("as a code of the app")
		b.copy().post("/tf-rescue", m{"help_setup": codes[0]}).want(400).refused("as a rescue")
	}
}

// TestR067_ASpentCodeStaysSpentOverARestart.
func TestR067_ASpentCodeStaysSpentOverARestart(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice")
	codes := p.recoveryCodes()
	w.plantPending(p).recover(codes[0]).want(200)
	w.restart()
	w.plantPending(p).recover(codes[0]).want(400).refused("after a restart")
	w.plantPending(p).recover(codes[1]).want(200)
}

// TestR068_RecoveryCodeIsOneUsersAlone.
func TestR068_RecoveryCodeIsOneUsersAlone(t *testing.T) {
	w := newWorld(t, open)
	a, b := w.withApp("alice"), w.withApp("bobby")
	codes := a.recoveryCodes()
	b.recoveryCodes()
	for _, code := range codes {
		w.plantPending(b).recover(code).want(400).refused("another user's code")
	}
	if a.codesLeft() != 10 || b.codesLeft() != 10 {
		t.Errorf("%d and %d left", a.codesLeft(), b.codesLeft())
	}
	w.plantPending(a).recover(codes[0]).want(200)
}

// TestR069_LifeOfASet checks that there is no set before the first factor or after the last one,
// that a new set replaces the old one, and that each change requires all factors again.
func TestR069_LifeOfASet(t *testing.T) {
	w := newWorld(t, open)
	plain := w.person("plain")
	w.plantSession(plain).post("/mf-recovery-codes", m{}).want(400).refused("without a factor")
	if plain.codesLeft() != 0 {
		t.Error("codes without a second factor")
	}
	p := w.withApp("alice")
	old := p.recoveryCodes()
	fresh := p.recoveryCodes()
	for _, code := range old {
		w.plantPending(p).recover(code).want(400).refused("of the former set")
		w.advance(16 * time.Minute)
	}
	w.plantPending(p).recover(fresh[0]).want(200)

	b := w.plantSession(p)
	w.advance(15 * time.Minute)
	b.get("/mf-recovery-codes").want(401)
	b.post("/mf-recovery-codes", m{}).want(401).refused("not fresh")
	b.post("/verify", m{"password": secret}).want(200)
	b.post("/mf-recovery-codes", m{}).want(401).refused("with the password alone")
	if p.codesLeft() != 9 {
		t.Errorf("%d left", p.codesLeft())
	}

	w.plantSession(p).post("/tf-setup", m{"setup": "disable"}).want(200)
	if p.codesLeft() != 0 {
		t.Error("codes outlive the last factor")
	}
	p.enrollApp()
	w.plantPending(p).recover(fresh[1]).want(400).refused("of before")
	p.recoveryCodes()
	w.must(w.nodes[0].auth.ResetAccess(t.Context(), p.id))
	if p.codesLeft() != 0 {
		t.Error("codes outlive an operator's reset")
	}
}

// TestR069_AllOldOrAllNew checks that a set that fails to be stored is not stored in part.
func TestR069_AllOldOrAllNew(t *testing.T) {
	w := newWorldIn(t, t.TempDir(), open) // the trigger is SQLite's
	p := w.withApp("alice")
	old := p.recoveryCodes()
	w.write(`CREATE TRIGGER stop BEFORE INSERT ON twofold_recovery_codes
		WHEN (SELECT COUNT(*) FROM twofold_recovery_codes) >= 2 BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
	b := w.plantSession(p)
	b.post("/mf-recovery-codes", m{}).want(503)
	b.in(p, 2)
	w.write(`DROP TRIGGER stop`)
	if p.codesLeft() != 10 {
		t.Errorf("%d left", p.codesLeft())
	}
	w.plantPending(p).recover(old[4]).want(200)
}

// TestR070_ABudgetOfTheirOwnAndSameWords checks that wrong recovery codes are counted like wrong
// codes of an app, but separately, so a recovery code works while other codes are paused. Both have
// the same error message.
func TestR070_ABudgetOfTheirOwnAndSameWords(t *testing.T) {
	w := newWorld(t, open, func(c *twofold.Config) { c.Advanced.Limits.SecondFailures = 5 })
	p := w.withApp("alice")
	codes := p.recoveryCodes()
	for range 5 {
		w.plantPending(p).validate(p.wrong()).want(400)
	}
	w.plantPending(p).validate(p.next()).want(429).refused("the app, paused")
	w.plantPending(p).recover(codes[1]).want(200)
	for range 5 {
		w.plantPending(p).recover("aaaa-aaaa-aaaa-aaaa").want(400).refused("wrong")
	}
	w.plantPending(p).recover(codes[0]).want(429).refused("a right one, paused")
	if p.codesLeft() != 9 {
		t.Error("a code was spent on a refusal")
	}
	w.advance(16 * time.Minute)
	for range 20 { // what is not a code is no guess
		w.plantPending(p).recover("123456").want(400).refused("no code")
	}
	w.plantPending(p).recover(codes[0]).want(200)
	if n := p.codesLeft(); n != 8 {
		t.Errorf("%d left", n)
	}
}

// TestR070_OneSignInCostsOneCode submits three codes for one sign-in at once.
func TestR070_OneSignInCostsOneCode(t *testing.T) {
	w := newWorld(t, plenty)
	w.start(nil)
	p := w.withApp("alice")
	for round := range rounds() {
		w.advance(16 * time.Minute)
		codes, pending := p.recoveryCodes(), w.plantPending(p)
		sessions := w.count("sessions")
		statuses, in := w.submit(func(i int, n *node) (*browser, *answer) {
			b := pending.copy().on(n)
			return b, b.recover(codes[i%3])
		})
		w.once(fmt.Sprint("round ", round), statuses, in, sessions+1)
		if n := p.codesLeft(); n != len(codes)-1 {
			t.Errorf("round %d: %d codes left", round, n)
		}
	}
}

// TestR070_ACodeIsNoFirstFactorAndGivesNoTrust.
func TestR070_ACodeIsNoFirstFactorAndGivesNoTrust(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice")
	codes := p.recoveryCodes()
	w.browser().post("/login", m{"email": p.email, "password": codes[0]}).refused("as a password")
	w.browser().recover(codes[0]).want(400).refused("without a first factor")
	w.plantSession(p).recover(codes[0]).want(400)
	setup := w.person("plain")
	w.plantPending(setup).recover(codes[0]).want(400).refused("while setting up")
	b := w.browser()
	b.login(p, m{"remember": true}).want(200)
	b.recover(codes[0]).want(200)
	if b.jar["tf_validity"] != "" {
		t.Error("a recovery code makes a trusted device")
	}
	b.in(p, 2)
	// A session to verify: recovery codes are not among its methods.
	w.advance(16 * time.Minute)
	b.post("/verify", m{"password": secret}).want(200)
	b.recover(codes[1]).want(400)
	b.validate(codes[1]).want(400)
	b.get("/tf-setup").want(401)
	if p.codesLeft() != 9 {
		t.Errorf("%d left", p.codesLeft())
	}
}

// TestR071_SpellingsAreOneCode checks that a code is accepted in every case and spacing, and spent
// in all of them.
func TestR071_SpellingsAreOneCode(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice")
	codes := p.recoveryCodes()
	spellings := []func(string) string{
		func(s string) string { return s }, strings.ToUpper,
		func(s string) string { return strings.ReplaceAll(s, "-", "") },
		func(s string) string { return strings.ReplaceAll(s, "-", " ") },
		func(s string) string { return " " + s + "\t" },
	}
	for i, spell := range spellings {
		w.advance(16 * time.Minute)
		w.plantPending(p).recover(spell(codes[i])).want(200)
		for _, again := range spellings {
			w.advance(16 * time.Minute)
			w.plantPending(p).recover(again(codes[i])).want(400).refused("spent")
		}
	}
	if left := p.codesLeft(); left != len(codes)-len(spellings) {
		t.Errorf("%d of %d left after %d were used", left, len(codes), len(spellings))
	}
}

// TestR061_RecoveryCodesAreAnnounced checks for one notice when codes are created and one for each
// use, with the number of codes left.
func TestR061_RecoveryCodesAreAnnounced(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice").enrollMail()
	codes := p.recoveryCodes()
	w.plantPending(p).recover(codes[0]).want(200)
	b := w.plantSession(p)
	b.do("DELETE", "/tf-factors/"+p.factors()[1].ID, "", "", "Accept", typeJSON).want(200)
	kinds := w.kinds(p.email)
	if kinds["codes_made"] != 1 || kinds["code_used"] != 1 || kinds["factor_removed"] != 1 {
		t.Errorf("notices: %v", kinds)
	}
	for _, mail := range w.mail.To(p.email) {
		if mail.Kind == "notice_code_used" && !strings.Contains(mail.Text, "9 codes are left") {
			t.Errorf("the mail: %s", mail.Text)
		}
	}
	b.do("DELETE", "/tf-factors/unknown", "", "", "Accept", typeJSON).want(404)
	if w.kinds(p.email)["factor_removed"] != 1 {
		t.Error("a refusal is announced")
	}
}

// TestR018_RecoveryCodesAreNotForWhoIsHalfSignedIn checks that a caller with only the password can
// neither see the number of codes nor create a set.
func TestR018_RecoveryCodesAreNotForWhoIsHalfSignedIn(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice")
	p.recoveryCodes()
	b := w.plantPending(p)
	b.copy().get("/mf-recovery-codes").want(401).refused("half signed in")
	b.copy().post("/mf-recovery-codes", m{}).want(401).refused("half signed in")
	b.copy().get("/tf-factors").want(401).refused("half signed in")
	b.copy().do("DELETE", "/tf-factors/"+p.factors()[0].ID, "", "", "Accept",
		typeJSON).want(401).refused("half signed in")
	if p.codesLeft() != 10 || len(p.factors()) != 1 {
		t.Error("half a sign-in changed something")
	}
	if r := b.get("/mf-recovery").want(200); len(r.json) != 1 || r.json["csrf_token"] == nil {
		t.Errorf("the page for a code says %v", r.json)
	}
}

// factorIDs returns the ids of a person's factors by method.
func (p *person) factorIDs() map[string]string {
	out := map[string]string{}
	for _, f := range p.factors() {
		out[f.Method] = f.ID
	}
	return out
}
