package crash_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/store"
)

// flow is an operation of a user, with one request or several.
type flow struct {
	name string
	site func(s *site) // its settings, if they differ
	// start prepares a person for the step. The child is not killed there.
	start func(s *site) *person
	// step runs the operation in the browser p.b.
	step func(p *person)
	// effect describes what was done, or is empty if nothing was done. It must not change when the
	// last request is repeated, unless often is set.
	effect func(p *person) string
	often  bool
	few    bool // is part of the everyday run
	// signedIn is set if the step needs an existing session.
	signedIn bool
}

var flows = []flow{
	{name: "sign-in with password and app", start: (*site).withApp, step: (*person).signsIn,
		effect: (*person).sessions, few: true},
	{name: "sign-in that trusts the browser", start: (*site).withApp, step: (*person).signsInTrusting,
		effect: (*person).devices},
	{name: "sign-in in a trusted browser", start: trusting, step: (*person).signsInTrusted,
		effect: (*person).sessions, often: true},
	{name: "registration", start: (*site).stranger, step: (*person).registers,
		effect: (*person).account},
	{name: "confirmation", start: registered, step: (*person).confirms,
		effect: (*person).confirmed},
	{name: "reset of the password", start: resetting, step: (*person).resets,
		effect: (*person).hash, few: true},
	{name: "change of the password", start: signedIn, step: (*person).changesPassword,
		effect: (*person).hash, signedIn: true},
	{name: "set-up of an app", start: owner, step: (*person).setsUpApp,
		effect: (*person).seconds, few: true, signedIn: true},
	{name: "set-up of a phone", start: owner, step: (*person).setsUpPhone,
		effect: (*person).seconds, signedIn: true},
	{name: "set-up of the mailbox", start: owner, step: (*person).setsUpMail,
		effect: (*person).seconds, signedIn: true},
	{name: "set-up of a passkey", start: signedIn, step: (*person).setsUpPasskey,
		effect: (*person).passkeys, signedIn: true},
	{name: "change of address", start: signedIn, step: (*person).moves,
		effect: (*person).moved, signedIn: true},
	{name: "rescue by mail", start: (*site).withApp, step: (*person).isRescued,
		effect: (*person).sessions, few: true},
	{name: "recovery of a lost factor", start: recovering, step: (*person).recovers,
		effect: (*person).replaced},
	{name: "making recovery codes", start: signedIn, step: (*person).makesCodes,
		effect: (*person).codesLeft, often: true, signedIn: true},
	{name: "sign-in by a recovery code", start: withCodes, step: (*person).spends,
		effect: (*person).sessions, few: true},
	{name: "making a token", start: signedIn, step: (*person).mints,
		effect: (*person).tokens, often: true, signedIn: true},
	{name: "exchange of a refresh token", start: paired, step: (*person).refreshes,
		effect: (*person).families, often: true},
	{name: "end of a token", start: minted, step: (*person).revokes,
		effect: (*person).revoked, often: true, signedIn: true},
	{name: "end of all sessions", start: inTwice, step: (*person).endsAll,
		effect: (*person).alone, often: true, signedIn: true},
	{name: "sign-out", start: signedIn, step: (*person).signsOut,
		effect: (*person).out, often: true, signedIn: true},
	{name: "deletion", start: signedIn, step: (*person).leaves,
		effect: (*person).leaving, signedIn: true},
	{name: "acceptance of an invitation", start: invited, step: (*person).accepts,
		effect: (*person).joined, few: true},
	{name: "import", start: (*site).stranger, step: (*person).arrives,
		effect: (*person).account},
}

// The steps. Each sets p.again to the request that an observer of its last request may repeat.

func (p *person) repeat() { p.again = func() { p.b.last() } }

func (p *person) logsIn(b *browser, more m) *testkit.Answer {
	body := m{"email": p.email, "password": p.password}
	for k, v := range more {
		body[k] = v
	}
	return b.post("/login", body)
}

func (p *person) signsIn() { p.proves(nil, "/tf-validate", p.next) }

func (p *person) signsInTrusting() { p.proves(m{"remember": true}, "/tf-validate", p.next) }

func (p *person) spends() {
	p.proves(nil, "/mf-recovery", func() string {
		code := p.codes[0]
		p.codes = p.codes[1:]
		return code
	})
}

// proves signs in with a code, which is tried again in the same browser and in another one.
func (p *person) proves(more m, path string, next func() string) {
	p.logsIn(p.b, more)
	code := next()
	p.again = func() {
		p.b.copy().post(path, m{"code": code})
		other := p.s.browser()
		p.logsIn(other, more)
		other.post(path, m{"code": code})
	}
	p.b.post(path, m{"code": code})
}

func (p *person) isRescued() {
	p.logsIn(p.b, nil)
	code := p.s.coded(p.email, func() *testkit.Answer { return p.b.post("/tf-rescue", m{"help_setup": "email"}) })
	if code != "" {
		p.proven("/tf-validate", code)
	}
}

// proven enters a code that was requested in this browser only.
func (p *person) proven(path, code string) {
	before := p.b.copy()
	p.again = func() { before.copy().post(path, m{"code": code}) }
	p.b.post(path, m{"code": code})
}

func trusting(s *site) *person {
	p := s.withApp()
	p.b = s.browser()
	p.signsInTrusting()
	p.b.post("/logout", m{})
	if p.sessions() != "" || p.b.Jar["tf_validity"] == "" {
		s.Fatal("the browser is not trusted")
	}
	return p
}

// signsInTrusted signs in with the browser that was trusted at the start, or with another one if it
// is no longer trusted.
func (p *person) signsInTrusted() {
	p.repeat()
	if r := p.logsIn(p.b, m{"remember": true}); r.Field("tf_state") != "" {
		p.signsIn()
	}
}

func (p *person) registers() { p.asksToRegister() }

func (p *person) asksToRegister() *testkit.Answer {
	p.repeat()
	return p.b.post("/register", m{"email": p.email, "password": p.password, "password_confirm": p.password})
}

func registered(s *site) *person {
	p := s.stranger()
	p.b = s.browser()
	p.link = s.linked(p.email, "confirm", p.asksToRegister)
	return p
}

func (p *person) confirms() {
	confirm := func() *testkit.Answer { // another browser than the one that registered has to choose a password
		return p.b.post(p.link, chosen(p.password))
	}
	p.repeat()
	if confirm().Status == 400 { // a link that was taken is gone
		p.link = p.s.linked(p.email, "confirm", func() *testkit.Answer {
			return p.s.browser().post("/confirm", m{"email": p.email})
		})
		confirm()
	}
}

func resetting(s *site) *person {
	p := s.withApp()
	p.asksForReset()
	return p
}

// chosen returns the form with a new password.
func chosen(password string) m { return m{"password": password, "password_confirm": password} }

func (p *person) asksForReset() {
	p.link = p.s.linked(p.email, "reset", func() *testkit.Answer {
		return p.s.browser().post("/reset", m{"email": p.email})
	})
}

func (p *person) resets() {
	if p.hash() != "" { // a link was used: this is another request
		return
	}
	choose := func(b *browser, password string) *testkit.Answer {
		return b.post(p.link, chosen(password))
	}
	p.again = func() {
		if p.hash() == "" { // the owner tries again
			choose(p.s.browser(), p.password)
			return
		}
		choose(p.s.browser(), "a stranger's horse 73 battery")
	}
	p.password = "another horse 72 battery"
	if a := choose(p.b, p.password); a.Status == 400 { // the link is used up, as it should
		p.asksForReset()
		choose(p.b, p.password)
	}
}

func owner(s *site) *person {
	p := s.person()
	p.b = p.in()
	return p
}

func signedIn(s *site) *person {
	p := s.withApp()
	p.b = p.in()
	return p
}

func (p *person) changesPassword() {
	p.password = "another horse 72 battery"
	change := m{"password": testkit.Password, "new_password": p.password, "new_password_confirm": p.password}
	p.again = func() {
		p.b.copy().post("/change", change)
	}
	p.b.post("/change", change)
}

func (p *person) setsUpApp() {
	r := p.b.post("/tf-setup", m{"setup": "authenticator", "add": true})
	if r.Status == 200 {
		p.app = testkit.ReadApp(p.s, r.Field("tf_authr_b32key"))
		p.proven("/tf-setup/"+r.Field("tf_state_token"), p.next())
	}
}

func (p *person) setsUpPhone() { p.setsUpBy(m{"setup": "sms", "phone": p.phone, "add": true}, p.phone) }

func (p *person) setsUpMail() { p.setsUpBy(m{"setup": "email", "add": true}, p.email) }

func (p *person) setsUpBy(wish m, to string) {
	p.s.pass(time.Minute)
	var r *testkit.Answer
	code := p.s.coded(to, func() *testkit.Answer {
		r = p.b.post("/tf-setup", wish)
		return r
	})
	if code != "" {
		p.proven("/tf-setup/"+r.Field("tf_state_token"), code)
	}
}

func (p *person) setsUpPasskey() {
	r := p.b.post("/wan-register", m{"name": "key", "usage": "secondary"})
	if r.Status != 200 {
		return
	}
	options, err := json.Marshal(r.JSON["credential_options"])
	p.s.must(err)
	k, err := softkey.New(p.s.Origin, softkey.ES256)
	p.s.must(err)
	said, err := k.Create(options)
	p.s.must(err)
	p.repeat()
	p.b.post("/wan-register/"+r.Field("wan_state"), m{"credential": said})
}

func (p *person) moves() {
	p.s.pass(time.Minute)
	to := "new-" + p.email
	link := p.s.linked(to, "change_email", func() *testkit.Answer {
		return p.b.post("/change-email", m{"email": to})
	})
	if link == "" {
		return
	}
	before := p.b.copy()
	p.again = func() { before.copy().post(link, m{}) }
	p.b.post(link, m{})
}

func recovering(s *site) *person {
	p := s.withApp()
	p.first = p.seconds()
	return p
}

func (p *person) recovers() {
	p.logsIn(p.b, nil)
	if p.b.post("/tf-rescue", m{"help_setup": "recovery_request"}).Status != 200 || !p.opens() {
		return
	}
	r := p.b.post("/tf-setup", m{"setup": "authenticator", "add": true})
	if r.Status == 200 {
		p.newApp = testkit.ReadApp(p.s, r.Field("tf_authr_b32key"))
		p.proven("/tf-validate", p.shows(p.newApp))
	}
}

// opens follows the link of a recovery a day later. The link was mailed earlier if a recovery was
// already pending.
func (p *person) opens() bool {
	p.s.Helper()
	marked := p.b.marked
	p.b = p.s.browser()
	p.b.marked = marked
	open := func() *testkit.Answer { return p.b.post(p.link, m{"password": p.password}) }
	p.again = func() { p.s.browser().post(p.link, m{"password": p.password}) }
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		link := p.s.newest(p.email, "recovery")
		if link == "" || link == p.link {
			continue
		}
		p.s.pass(25 * time.Hour)
		p.link = link
		if a := open(); a.Status != 400 {
			return a.Status == 200
		}
	}
	return false
}

func (p *person) makesCodes() {
	p.repeat()
	r := p.b.post("/mf-recovery-codes", m{})
	list, _ := r.JSON["recovery_codes"].([]any)
	for _, c := range list {
		p.codes = append(p.codes, fmt.Sprint(c))
	}
}

func withCodes(s *site) *person {
	p := signedIn(s)
	p.makesCodes()
	p.b.post("/logout", m{})
	p.b = nil
	return p
}

func (p *person) mints() {
	p.repeat()
	p.b.post("/access-tokens", m{"name": "script", "scopes": []string{"read"}, "days": "30"})
}

func minted(s *site) *person {
	p := signedIn(s)
	p.mints()
	return p
}

func (p *person) revokes() {
	p.repeat()
	list, err := p.s.db.TokensOf(p.s.Context(), p.id, p.s.now())
	p.s.must(err)
	for _, t := range list {
		p.b.send("DELETE", "/access-tokens/"+t.ID, nil)
	}
}

func paired(s *site) *person {
	p := s.withApp()
	p.b = s.browser()
	p.logsIn(p.b, nil)
	r := p.b.post("/tf-validate?include_auth_token", m{"code": p.next()})
	user, _ := r.JSON["user"].(m)
	if p.link, _ = user["refresh_token"].(string); p.link == "" {
		s.Fatalf("no refresh token: %s", r.Body)
	}
	return p
}

func (p *person) refreshes() {
	p.b.Jar = map[string]string{} // a program
	p.repeat()
	p.b.post("/refresh-token", m{"refresh_token": p.link})
}

func inTwice(s *site) *person {
	p := signedIn(s)
	p.in()
	return p
}

func (p *person) endsAll() {
	p.repeat()
	p.b.send("DELETE", "/tf-sessions", nil)
}

func (p *person) signsOut() {
	p.repeat()
	p.b.post("/logout", m{})
}

func (p *person) leaves() {
	p.repeat()
	p.b.post("/tf-delete", m{})
}

func invited(s *site) *person {
	p := s.stranger()
	p.link = s.invite(p.email)
	return p
}

func (s *site) invite(email string) string {
	s.Helper()
	return s.linked(email, "invite", func() *testkit.Answer {
		_, err := s.auth.Invitations().Send(s.Context(), twofold.NewUser{Email: email})
		s.must(err)
		return &testkit.Answer{Status: 200}
	})
}

func (p *person) accepts() {
	p.repeat()
	p.b.post(p.link, chosen(p.password))
}

func (p *person) arrives() {
	p.repeat()
	p.b.post("/import?file="+url.QueryEscape(`{"twofold":1,"source":"old-site"}
{"id":"`+p.phone[1:]+`","active":true,"addresses":[{"address":"`+p.email+`","proven":true}],`+
		`"password":{"value":"`+testkit.PasswordHash+`"},"authenticators":[{"secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}]}
`), nil)
	p.app = []byte("12345678901234567890")
}

// The effects.

func (p *person) user() (storage.User, bool) {
	p.s.Helper()
	found, err := p.s.auth.FindUser(p.s.Context(), p.email)
	if errors.Is(err, store.ErrNotFound) {
		found, err = p.s.auth.FindUser(p.s.Context(), "new-"+p.email)
	}
	if errors.Is(err, store.ErrNotFound) {
		return storage.User{}, false
	}
	p.s.must(err)
	u, err := p.s.db.UserByID(p.s.Context(), found.ID)
	p.s.must(err)
	p.id = u.ID
	return u, true
}

// joined returns the items in sorted order as one text.
func joined[T any](list []T, name func(T) string) string {
	var names []string
	for _, x := range list {
		names = append(names, name(x))
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func (p *person) living() []storage.Session {
	p.s.Helper()
	u, there := p.user()
	if !there {
		return nil
	}
	list, err := p.s.db.SessionsOf(p.s.Context(), u.ID, p.s.now())
	p.s.must(err)
	return slices.DeleteFunc(list, func(n storage.Session) bool { return n.CredentialVersion != u.CredentialVersion })
}

func (p *person) sessions() string {
	return joined(p.living(), func(n storage.Session) string { return n.ID })
}

func (p *person) devices() string {
	list, err := p.s.db.DevicesOf(p.s.Context(), p.id, p.s.now())
	p.s.must(err)
	return joined(list, func(d storage.Device) string { return d.ID })
}

func (p *person) account() string { u, _ := p.user(); return u.ID }

func (p *person) confirmed() string {
	if u, _ := p.user(); !u.ConfirmedAt.IsZero() {
		return "confirmed"
	}
	return ""
}

func (p *person) hash() string {
	if u, _ := p.user(); u.PasswordHash != testkit.PasswordHash {
		return u.PasswordHash
	}
	return ""
}

func (p *person) seconds() string {
	return joined(p.factors(), func(f storage.Factor) string { return f.ID })
}

func (p *person) passkeys() string {
	list, err := p.s.db.PasskeysOf(p.s.Context(), p.id)
	p.s.must(err)
	return joined(list, func(f storage.Factor) string { return f.ID })
}

func (p *person) moved() string {
	if u, _ := p.user(); u.Email != p.email {
		return u.Email
	}
	return ""
}

// replaced returns the factor with another key that replaced the first one.
func (p *person) replaced() string {
	return strings.TrimPrefix(p.seconds(), p.first)
}

func (p *person) codesLeft() string {
	n, err := p.s.db.RecoveryCodesLeft(p.s.Context(), p.id, time.Time{})
	p.s.must(err)
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func (p *person) tokens() string {
	list, err := p.s.db.TokensOf(p.s.Context(), p.id, p.s.now())
	p.s.must(err)
	return joined(list, func(t storage.Token) string { return t.ID })
}

func (p *person) revoked() string {
	if p.tokens() == "" {
		return "revoked"
	}
	return ""
}

// families checks that a refresh token has one family, or none after it was reused.
func (p *person) families() string {
	n := len(strings.Fields(p.tokens()))
	if n > 1 {
		p.s.Errorf("%d families of one refresh token", n)
	}
	return fmt.Sprint(n, " families")
}

func (p *person) alone() string {
	if len(p.living()) <= 1 {
		return "alone"
	}
	return ""
}

func (p *person) out() string {
	if len(p.living()) == 0 {
		return "out"
	}
	return ""
}

func (p *person) leaving() string {
	d, err := p.s.db.DeletionOf(p.s.Context(), p.id)
	if errors.Is(err, storage.ErrNotFound) {
		return ""
	}
	p.s.must(err)
	return d.ID
}
