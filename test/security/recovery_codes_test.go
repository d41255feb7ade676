package security_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// recoveryCodes creates a set of codes in a separate session and returns it.
func (p *person) recoveryCodes() []string {
	p.w.T.Helper()
	return p.w.plantSession(p).newCodes()
}

func (b *browser) newCodes() []string {
	b.w.T.Helper()
	r := b.Post("/mf-recovery-codes", m{}).Want(200)
	var codes []string
	list, _ := r.JSON["recovery_codes"].([]any)
	for _, c := range list {
		code, _ := c.(string)
		b.w.handedOut("recovery code", code)
		b.w.handedOut("recovery code", strings.ReplaceAll(code, "-", ""))
		codes = append(codes, code)
	}
	if len(codes) == 0 {
		b.w.T.Fatalf("no codes: %.300s", r.Body)
	}
	return codes
}

// codesLeft returns the person's stored codes.
func (p *person) codesLeft() int {
	p.w.T.Helper()
	n, err := p.w.Nodes[0].Store.RecoveryCodesLeft(p.w.T.Context(), p.ID, time.Time{})
	p.w.Must(err)
	return n
}

func (b *browser) recover(code string) *answer {
	b.w.T.Helper()
	return b.Post("/mf-recovery", m{"code": code})
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
	page := b.Form("/mf-recovery-codes").Want(200)
	for _, r := range []*answer{page, b.Page("/mf-recovery-codes").Want(200)} {
		if !strings.Contains(r.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s may be stored: %v", r.What, r.Header)
		}
	}
	shown := regexp.MustCompile(`<code>([a-z2-7-]{19})</code>`).FindAllStringSubmatch(page.Body, -1)
	if len(shown) != len(codes) {
		t.Fatalf("the page shows %d codes", len(shown))
	}
	for _, again := range []*answer{b.Get("/mf-recovery-codes").Want(200),
		b.Page("/mf-recovery-codes?show_codes=1").Want(200), b.Get("/me").Want(200), b.Page("/me").Want(200)} {
		for _, s := range shown {
			if strings.Contains(again.Body, s[1]) {
				t.Errorf("%s shows a code again", again.What)
			}
		}
	}
	if list := b.Get("/mf-recovery-codes").JSON; len(list["recovery_codes"].([]any)) != 0 ||
		list["recovery_codes_left"] != 10.0 {
		t.Errorf("the list: %v", list)
	}
	w.plantPending(p).recover(shown[0][1]).Want(200)
	w.settled()
	for _, c := range w.dump() {
		for _, s := range shown {
			bare := strings.ReplaceAll(s[1], "-", "")
			if strings.Contains(c.Text, s[1]) || strings.Contains(c.Text, bare) {
				t.Errorf("%s.%s holds a code", c.Table, c.Column)
			}
		}
	}
	for _, s := range shown {
		bare := strings.ReplaceAll(s[1], "-", "")
		if strings.Contains(w.Log.String(), bare) || strings.Contains(w.Log.String(), s[1]) {
			t.Error("the log holds a code")
		}
		for _, mail := range w.Mail.All() {
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
	page := b.Form("/mf-recovery-codes").Want(200)
	sheet := regexp.MustCompile(`name="sheet" value="([^"]+)"`).FindStringSubmatch(page.Body)[1]
	code := regexp.MustCompile(`<code>([a-z2-7-]{19})</code>`).FindStringSubmatch(page.Body)[1]
	file := b.Form("/mf-recovery-codes", "action", "download", "sheet", sheet).Want(200)
	if !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment") ||
		!strings.HasPrefix(file.Header.Get("Content-Type"), "text/plain") ||
		!strings.Contains(file.Body, code) || !strings.Contains(file.Header.Get("Cache-Control"), "no-store") {
		t.Errorf("the file: %v %q", file.Header, file.Body)
	}
	if again := b.Form("/mf-recovery-codes", "action", "saved", "sheet", sheet).Want(200); !strings.Contains(again.Body,
		code) {
		t.Error("who has not saved the codes does not see them again")
	}
	if n := p.codesLeft(); n != 10 {
		t.Errorf("%d codes: showing them changed them", n)
	}
	b.Form("/mf-recovery-codes", "action", "saved", "sheet", sheet, "saved", "true").Want(303)
	for what, r := range map[string]*answer{
		"another user": other.Form("/mf-recovery-codes", "action", "download", "sheet", sheet),
		"changed":      b.Form("/mf-recovery-codes", "action", "download", "sheet", testkit.Forge(sheet)),
		"none":         b.Form("/mf-recovery-codes", "action", "download"),
		"no action":    b.Form("/mf-recovery-codes", "action", "nonsense", "sheet", sheet),
		"nobody":       w.browser().Form("/mf-recovery-codes", "action", "download", "sheet", sheet),
	} {
		if r.Status == 200 || strings.Contains(r.Body, code) {
			t.Errorf("%s: %d %.200s", what, r.Status, r.Body)
		}
	}
	w.Advance(15 * time.Minute)
	if r := b.Form("/mf-recovery-codes", "action", "download", "sheet", sheet); r.Status == 200 {
		t.Error("the page's text works on")
	}
	if r := w.plantSession(p).Form("/mf-recovery-codes", "action", "download", "sheet", sheet); r.Status == 200 {
		t.Error("another session of the same user gets the file")
	}
}

// TestR067_RecoveryCodeOnceInParallel checks that fifty submissions from five sign-ins on two nodes
// open one session, and that no other path accepts the code afterwards.
func TestR067_RecoveryCodeOnceInParallel(t *testing.T) {
	w := newWorld(t, plenty)
	w.Start(nil)
	p := w.withApp("alice")
	for round := range rounds() {
		w.Advance(16 * time.Minute)
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
			b.Post("/verify", m{"password": codes[0]}).Refused("as a password")
		}
		w.Advance(16 * time.Minute)
		b := w.plantPending(p)
		b.copy().recover(codes[0]).Want(400).Refused("again")
		b.copy().validate(codes[0]).Want(400).Refused("as a code of the app")
		b.copy().Post("/tf-rescue", m{"help_setup": codes[0]}).Want(400).Refused("as a rescue")
	}
}

// TestR067_ASpentCodeStaysSpentOverARestart.
func TestR067_ASpentCodeStaysSpentOverARestart(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice")
	codes := p.recoveryCodes()
	w.plantPending(p).recover(codes[0]).Want(200)
	w.Restart()
	w.plantPending(p).recover(codes[0]).Want(400).Refused("after a restart")
	w.plantPending(p).recover(codes[1]).Want(200)
}

// TestR068_ARecoveryCodeBelongsToOneUser.
func TestR068_ARecoveryCodeBelongsToOneUser(t *testing.T) {
	w := newWorld(t, open)
	a, b := w.withApp("alice"), w.withApp("bobby")
	codes := a.recoveryCodes()
	b.recoveryCodes()
	for _, code := range codes {
		w.plantPending(b).recover(code).Want(400).Refused("another user's code")
	}
	if a.codesLeft() != 10 || b.codesLeft() != 10 {
		t.Errorf("%d and %d left", a.codesLeft(), b.codesLeft())
	}
	w.plantPending(a).recover(codes[0]).Want(200)
}

// TestR069_LifeOfASet checks that there is no set before the first factor or after the last one,
// that a new set replaces the old one, and that each change requires all factors again.
func TestR069_LifeOfASet(t *testing.T) {
	w := newWorld(t, open)
	plain := w.person("plain")
	w.plantSession(plain).Post("/mf-recovery-codes", m{}).Want(400).Refused("without a factor")
	if plain.codesLeft() != 0 {
		t.Error("codes without a second factor")
	}
	p := w.withApp("alice")
	old := p.recoveryCodes()
	fresh := p.recoveryCodes()
	for _, code := range old {
		w.plantPending(p).recover(code).Want(400).Refused("of the former set")
		w.Advance(16 * time.Minute)
	}
	w.plantPending(p).recover(fresh[0]).Want(200)

	b := w.plantSession(p)
	w.Advance(15 * time.Minute)
	b.Get("/mf-recovery-codes").Want(401)
	b.Post("/mf-recovery-codes", m{}).Want(401).Refused("not fresh")
	b.Post("/verify", m{"password": secret}).Want(200)
	b.Post("/mf-recovery-codes", m{}).Want(401).Refused("with the password alone")
	if p.codesLeft() != 9 {
		t.Errorf("%d left", p.codesLeft())
	}

	w.plantSession(p).Post("/tf-setup", m{"setup": "disable"}).Want(200)
	if p.codesLeft() != 0 {
		t.Error("codes outlive the last factor")
	}
	p.enrollApp()
	w.plantPending(p).recover(fresh[1]).Want(400).Refused("of before")
	p.recoveryCodes()
	w.Must(w.Nodes[0].Auth.ResetAccess(t.Context(), p.ID))
	if p.codesLeft() != 0 {
		t.Error("codes outlive an operator's reset")
	}
}

// TestR069_AllOldOrAllNew checks that a set that fails to be stored is not stored in part.
func TestR069_AllOldOrAllNew(t *testing.T) {
	w := newWorldAt(t, testkit.DatabaseOf(t, "sqlite"), open) // the trigger is SQLite's
	p := w.withApp("alice")
	old := p.recoveryCodes()
	w.write(`CREATE TRIGGER stop BEFORE INSERT ON twofold_recovery_codes
		WHEN (SELECT COUNT(*) FROM twofold_recovery_codes) >= 2 BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
	b := w.plantSession(p)
	b.Post("/mf-recovery-codes", m{}).Want(503)
	b.in(p, 2)
	w.write(`DROP TRIGGER stop`)
	if p.codesLeft() != 10 {
		t.Errorf("%d left", p.codesLeft())
	}
	w.plantPending(p).recover(old[4]).Want(200)
}

// TestR070_ABudgetOfTheirOwnAndSameWords checks that wrong recovery codes are counted like wrong
// codes of an app, but separately, so a recovery code works while other codes are paused. Both have
// the same error message.
func TestR070_ABudgetOfTheirOwnAndSameWords(t *testing.T) {
	w := newWorld(t, open, func(c *twofold.Config) { c.Advanced.Limits.SecondFailures = 5 })
	p := w.withApp("alice")
	codes := p.recoveryCodes()
	for range 5 {
		w.plantPending(p).validate(p.Wrong()).Want(400)
	}
	w.plantPending(p).validate(p.Next()).Want(429).Refused("the app, paused")
	w.plantPending(p).recover(codes[1]).Want(200)
	for range 5 {
		w.plantPending(p).recover("aaaa-aaaa-aaaa-aaaa").Want(400).Refused("wrong")
	}
	w.plantPending(p).recover(codes[0]).Want(429).Refused("a right one, paused")
	if p.codesLeft() != 9 {
		t.Error("a code was spent on a refusal")
	}
	w.Advance(16 * time.Minute)
	for range 20 { // what is not a code is no guess
		w.plantPending(p).recover("123456").Want(400).Refused("no code")
	}
	w.plantPending(p).recover(codes[0]).Want(200)
	if n := p.codesLeft(); n != 8 {
		t.Errorf("%d left", n)
	}
}

// TestR070_OneSignInCostsOneCode submits three codes for one sign-in at once.
func TestR070_OneSignInCostsOneCode(t *testing.T) {
	w := newWorld(t, plenty)
	w.Start(nil)
	p := w.withApp("alice")
	for round := range rounds() {
		w.Advance(16 * time.Minute)
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
	w.browser().Post("/login", m{"email": p.Email, "password": codes[0]}).Refused("as a password")
	w.browser().recover(codes[0]).Want(400).Refused("without a first factor")
	w.plantSession(p).recover(codes[0]).Want(400)
	setup := w.person("plain")
	w.plantPending(setup).recover(codes[0]).Want(400).Refused("while setting up")
	b := w.browser()
	b.login(p, m{"remember": true}).Want(200)
	b.recover(codes[0]).Want(200)
	if b.Jar["tf_validity"] != "" {
		t.Error("a recovery code makes a trusted device")
	}
	b.in(p, 2)
	// A session to verify: recovery codes are not among its methods.
	w.Advance(16 * time.Minute)
	b.Post("/verify", m{"password": secret}).Want(200)
	b.recover(codes[1]).Want(400)
	b.validate(codes[1]).Want(400)
	b.Get("/tf-setup").Want(401)
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
		w.Advance(16 * time.Minute)
		w.plantPending(p).recover(spell(codes[i])).Want(200)
		for _, again := range spellings {
			w.Advance(16 * time.Minute)
			w.plantPending(p).recover(again(codes[i])).Want(400).Refused("spent")
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
	w.plantPending(p).recover(codes[0]).Want(200)
	b := w.plantSession(p)
	b.Do("DELETE", "/tf-factors/"+p.Factors()[1].ID, "", "", "Accept", testkit.TypeJSON).Want(200)
	kinds := w.kinds(p.Email)
	if kinds["codes_made"] != 1 || kinds["code_used"] != 1 || kinds["factor_removed"] != 1 {
		t.Errorf("notices: %v", kinds)
	}
	for _, mail := range w.Mail.To(p.Email) {
		if mail.Kind == "notice_code_used" && !strings.Contains(mail.Text, "9 codes are left") {
			t.Errorf("the mail: %s", mail.Text)
		}
	}
	b.Do("DELETE", "/tf-factors/unknown", "", "", "Accept", testkit.TypeJSON).Want(404)
	if w.kinds(p.Email)["factor_removed"] != 1 {
		t.Error("a refusal is announced")
	}
}

// TestR018_APendingSignInReachesNoRecoveryCodes checks that a caller with only the password can
// neither see the number of codes nor create a set.
func TestR018_APendingSignInReachesNoRecoveryCodes(t *testing.T) {
	w := newWorld(t, open)
	p := w.withApp("alice")
	p.recoveryCodes()
	b := w.plantPending(p)
	b.copy().Get("/mf-recovery-codes").Want(401).Refused("half signed in")
	b.copy().Post("/mf-recovery-codes", m{}).Want(401).Refused("half signed in")
	b.copy().Get("/tf-factors").Want(401).Refused("half signed in")
	b.copy().Do("DELETE", "/tf-factors/"+p.Factors()[0].ID, "", "", "Accept",
		testkit.TypeJSON).Want(401).Refused("half signed in")
	if p.codesLeft() != 10 || len(p.Factors()) != 1 {
		t.Error("half a sign-in changed something")
	}
	if r := b.Get("/mf-recovery").Want(200); len(r.JSON) != 1 || r.JSON["csrf_token"] == nil {
		t.Errorf("the page for a code says %v", r.JSON)
	}
}

// factorIDs returns the ids of a person's factors by method.
func (p *person) factorIDs() map[string]string {
	out := map[string]string{}
	for _, f := range p.Factors() {
		out[f.Method] = f.ID
	}
	return out
}
