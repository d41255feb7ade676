package security_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// TestR061_ChangesAreAnnounced checks that each change sends one mail to every address concerned,
// with the time, browser, client address and advice, but no secret. A change that was rolled back
// sends none. A mail server that is down loses neither the change nor the notice.
func TestR061_ChangesAreAnnounced(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t, open)
	auth := w.Nodes[0].Auth
	p := w.person("alice")
	count := map[string]int{}
	// announced runs a function and checks that it causes one notice of a kind.
	announced := func(kind, to string, act func()) {
		t.Helper()
		w.settled()
		before := w.kinds(to)
		act()
		after := w.kinds(to)
		for k := range after {
			want := before[k]
			if k == kind {
				want++
			}
			if after[k] != want {
				t.Errorf("%s: %d notices %q to %s, want %d", kind, after[k], k, to, want)
			}
		}
		if after[kind] == 0 {
			t.Errorf("no notice %q to %s", kind, to)
		}
		count[kind]++
	}
	fox := func(b *browser) *browser {
		b.Header["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
		return b
	}
	b := fox(w.plantSession(p))
	announced("factor_changed", p.Email, func() {
		r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
		p.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
		b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": p.Code(0)}).Want(200)
	})
	announced("factor_changed", p.Email, func() { p.enrollSMS("+16505551212") })
	announced("factor_disabled", p.Email,
		func() { fox(w.plantSession(p)).Post("/tf-setup", m{"setup": "disable"}).Want(200) })
	announced("factor_changed", p.Email, func() { p.enrollApp() })
	announced("device_trusted", p.Email, func() { w.trusted(p) })
	rescue := fox(w.plantPending(p))
	announced("rescue_asked", p.Email, func() { rescue.Post("/tf-rescue", m{"help_setup": "email"}).Want(200) })
	announced("rescued", p.Email, func() { rescue.validate(p.Mailed()).Want(200) })
	announced("password_changed", p.Email, func() { w.Must(auth.SetPassword(ctx, p.ID, "another horse 72 battery")) })
	announced("access_reset", p.Email, func() { w.Must(auth.ResetAccess(ctx, p.ID)) })
	announced("identity_changed", p.Email, func() {
		announced("identity_changed", "alice.new@good.test",
			func() { w.Must(auth.SetIdentity(ctx, p.ID, "alice.new@good.test", "")) })
	})
	for _, mail := range w.Mail.All() {
		kind, notice := strings.CutPrefix(mail.Kind, "notice_")
		if !notice {
			continue
		}
		want := 1
		if kind == "identity_changed" && mail.To == p.Email { // an operator moved the account away
			want = 0
		}
		if !strings.Contains(mail.Text, "1 Mar 2026, 12:") || strings.Count(mail.Text, "/tf-not-me/") != want {
			t.Errorf("%s lacks the time or the link: %s", kind, mail.Text)
		}
		if byHim := kind == "factor_disabled" || kind == "rescued" ||
			kind == "rescue_asked"; byHim &&
			(!strings.Contains(mail.Text, "Firefox on Linux") || !strings.Contains(mail.Text, "127.0.0.1")) {
			t.Errorf("%s lacks browser or address: %s", kind, mail.Text)
		}
		for value, what := range w.known() {
			if what != "token to stop" &&
				(strings.Contains(mail.Subject+mail.Text+mail.HTML, value) && len(value) > 6 ||
					hasWord(mail.Subject+mail.Text, value)) {
				t.Errorf("%s holds a %s", kind, what)
			}
		}
		if links := regexp.MustCompile(`https?://[^\s"<]+`).FindAllString(mail.Text, -1); len(links) != want {
			t.Errorf("%s: links %q", kind, links)
		}
	}
	f := &faulty{}
	e := w.person("erika")
	n := w.Start(f.wrap)
	b = w.plantSession(e).on(n)
	r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	e.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	for k := 1; ; k++ { // the change itself is one of these writes
		f.arm(k, false)
		status := b.copy().Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": e.Code(0)}).Status
		if failed := f.disarm(); failed == "ChangeFactors" {
			if status != 503 {
				t.Errorf("status %d although the change failed", status)
			}
			break
		}
		b = w.plantSession(e).on(n)
		r = b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
		e.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
		if k > 20 {
			t.Fatal("the change was never tried")
		}
	}
	if len(e.Factors()) != 0 || w.kinds(e.Email)["factor_changed"] != 0 {
		t.Errorf("rolled back: %d factors, notices %v", len(e.Factors()), w.kinds(e.Email))
	}

	w.Mail.FailWith(errors.New("the mail server is down"))
	w.Must(auth.SetPassword(ctx, e.ID, "another horse 72 battery"))
	time.Sleep(50 * time.Millisecond)
	if w.count("messages") == 0 {
		t.Error("the notice is lost while the mail server is down")
	}
	w.signsIn(e.Email, secret).Want(400)
	w.Mail.FailWith(nil)
	w.Advance(time.Hour)
	for range 6000 {
		if w.count("messages") == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := w.kinds(e.Email)["password_changed"]; n != 1 {
		t.Errorf("%d notices after the mail server came back, want 1", n)
	}
}

// TestR083_TrustedDevicesAreRevoked covers every event that may indicate theft. Wrong guesses of
// others are not such events, so the owner's browser stays trusted (R119).
func TestR083_TrustedDevicesAreRevoked(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t, open)
	auth := w.Nodes[0].Auth
	for name, happens := range map[string]func(p *person){
		"password": func(p *person) { w.Must(auth.SetPassword(ctx, p.ID, secret+"x")) },
		"reset": func(p *person) {
			w.Must(w.Nodes[0].Store.SetPassword(ctx, storage.NewPassword{
				UserID: p.ID, Hash: hashed, CredentialVersion: strings.ToLower(storage.NewID()),
				ViaMailbox: true, Now: w.Now(),
			}))
		},
		"identity": func(p *person) { p.Email = "new" + p.Email; w.Must(auth.SetIdentity(ctx, p.ID, p.Email, "")) },
		"added":    func(p *person) { p.enrollMail() },
		"replaced": func(p *person) {
			b := w.plantSession(p)
			r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
			p.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
			b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": p.Code(0)}).Want(200)
		},
		"disabled": func(p *person) {
			w.plantSession(p).Post("/tf-setup", m{"setup": "disable"}).Want(200)
			p.enrollApp()
		},
		"operator": func(p *person) { w.Must(auth.ResetAccess(ctx, p.ID)); p.enrollApp() },
		"switched": func(p *person) {
			w.Must(auth.SetActive(ctx, p.ID, false))
			w.Must(auth.SetActive(ctx, p.ID, true))
		},
		"rescued": func(p *person) {
			b := w.plantPending(p)
			b.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
			b.validate(p.Mailed()).Want(200)
		},
		"everywhere": func(p *person) { w.browser().Form("/tf-not-me/" + p.newestStop()).Want(200) },
	} {
		p := w.withApp(name)
		devices := []*browser{w.trusted(p)}
		if name == "password" {
			devices = append(devices, w.trusted(p))
		}
		if n := w.number(`SELECT COUNT(*) FROM twofold_devices WHERE user_id = ?`, p.ID); n != len(devices) {
			t.Fatalf("%s: %d devices", name, n)
		}
		happens(p)
		for _, b := range devices {
			body := m{}
			if name == "password" {
				body["password"] = secret + "x"
			}
			if r := b.login(p, body); r.Status != 200 || r.JSON["tf_required"] != true {
				t.Errorf("%s: status %d, %s", name, r.Status, r.Body)
			}
			b.out(name)
		}
	}
}

// TestR084_TheftIsAnnounced checks that reuse of a retired cookie ends every session of the account
// and sends one notice.
func TestR084_TheftIsAnnounced(t *testing.T) {
	w := newWorld(t, open)
	a := w.withApp("alice")
	owner, session := w.trusted(a), w.plantSession(a)
	thief := owner.copy()
	session.in(a, 2)
	owner.login(a).Want(200)
	w.Advance(11 * time.Second)
	before := w.kinds(a.Email)["device_copied"]
	thief.asked(a, "a copy")
	owner.out("the owner's session, born of the device")
	session.out("another session")
	if n := w.kinds(a.Email)["device_copied"]; n != before+1 {
		t.Errorf("%d notices of the copy, want 1", n-before)
	}
	thief.only("tf_validity").asked(a, "the copy again")
	if n := w.kinds(a.Email)["device_copied"]; n != before+1 {
		t.Errorf("%d notices after the copy came again, want 1", n-before)
	}
}

// TestR143_HalfSuccessfulAttacks checks that the third wrong code after the correct password within
// an hour sends a mail, at most once an hour and without the codes.
func TestR143_HalfSuccessfulAttacks(t *testing.T) {
	w := newWorld(t, open)
	a, e := w.withApp("alice"), w.withApp("erika")
	var tried []string
	guess := func() {
		tried = append(tried, a.Wrong())
		w.plantPending(a).validate(a.Wrong()).Want(400)
	}
	told := func() int { return w.kinds(a.Email)["codes_tried"] }
	guess()
	guess()
	if told() != 0 {
		t.Error("told before the third")
	}
	guess()
	if told() != 1 {
		t.Errorf("%d notices at the third wrong code, want 1", told())
	}
	for range 5 {
		guess()
	}
	w.Advance(40 * time.Minute)
	guess()
	if told() != 1 {
		t.Errorf("%d notices within an hour, want 1", told())
	}
	w.Advance(61 * time.Minute)
	for range 5 {
		guess()
	}
	if told() != 2 {
		t.Errorf("%d notices in the second hour, want 2", told())
	}
	if w.kinds(e.Email)["codes_tried"] != 0 {
		t.Error("somebody else was told")
	}
	for _, mail := range w.Mail.To(a.Email) {
		if mail.Kind != "notice_codes_tried" {
			continue
		}
		if !strings.Contains(mail.Text, "1 Mar 2026, 1") || !strings.Contains(mail.Text, "127.0.0.1") {
			t.Errorf("no time or address: %s", mail.Text)
		}
		for _, code := range tried {
			if strings.Contains(mail.Text+mail.HTML+mail.Subject, code) {
				t.Errorf("the notice holds a code: %s", mail.Text)
			}
		}
	}
}

// TestR138_AnswersHoldNoSecrets checks the answers to every request of an account's life: none has
// a key that names a secret, or a value that was issued elsewhere.
func TestR138_AnswersHoldNoSecrets(t *testing.T) {
	w, p := lived(t)
	u, err := w.Nodes[0].Store.UserByID(t.Context(), p.ID)
	w.Must(err)
	replies := w.replies.String()
	secrets := map[string]string{u.PasswordHash: "hash", u.CredentialVersion: "uniquifier", secret: "password",
		firstKey: "key"}
	for _, c := range w.dump() {
		if len(c.Text) > 20 && (c.Column == "password_hash" || c.Column == "secret" || c.Column == "mac" ||
			c.Column == "hash") {
			secrets[c.Text], secrets[c.Hex] = c.Table+"."+c.Column, c.Table+"."+c.Column
		}
	}
	for value, what := range secrets {
		if strings.Contains(replies, value) {
			t.Errorf("a reply holds a %s", what)
		}
	}
	for value, what := range w.known() {
		if strings.HasPrefix(what, "code by") && hasWord(replies, value) {
			t.Errorf("a reply holds a %s", what)
		}
	}
	named, keys := regexp.MustCompile(`(?i)passw|hash|secret|totp|salt|uniquifier|private`), 0
	for line := range strings.SplitSeq(replies, "\n") {
		var envelope struct{ Response m }
		if json.Unmarshal([]byte(line), &envelope) != nil {
			continue
		}
		delete(envelope.Response, "field_errors") // names of fields
		raw, _ := json.Marshal(envelope.Response)
		for _, key := range regexp.MustCompile(`"([a-z_0-9]+)":`).FindAllStringSubmatch(string(raw), -1) {
			keys++
			if named.MatchString(key[1]) {
				t.Errorf("a reply has the key %s", key[1])
			}
		}
	}
	if keys < 30 {
		t.Errorf("%d keys seen: this test looks in the wrong place", keys)
	}
	rows, err := w.Nodes[0].Auth.Audit().List(t.Context(), event.AuditFilter{})
	w.Must(err)
	users, err := w.Nodes[0].Auth.Users(t.Context(), twofold.UserFilter{Limit: 10})
	w.Must(err)
	for value, what := range secrets {
		if strings.Contains(fmt.Sprintf("%+v %+v", rows, users), value) {
			t.Errorf("an operator sees a %s", what)
		}
	}
}

// lived returns a world in which one account has used every feature.
func lived(t *testing.T) (*world, *person) {
	w := newWorld(t, open)
	p := w.withApp("alice").enrollSMS("+16505551212").enrollMail()
	b := w.browser()
	b.Post("/login", m{"email": p.Email + secret, "password": secret}).Want(400)
	b.Post("/login", m{"username": secret, "password": secret}).Want(400)
	b.login(p, m{"remember": true}).Want(200)
	for _, method := range []string{"sms", "email", "authenticator"} {
		b.Post("/tf-select", m{"which": method}).Want(200)
		b.Get("/tf-validate")
		b.Page("/tf-validate")
	}
	b.Get("/tf-select?code=123456")
	b.validate(p.Wrong()).Want(400)
	b.Post("/tf-validate?include_auth_token", m{"code": p.Next()}).Want(200)
	for _, path := range []string{"/me", "/tf-setup", "/verify", "/login"} {
		b.Get(path)
		b.Page(path)
	}
	b.Post("/verify", m{"password": secret}).Want(200)
	b.Post("/tf-select", m{"which": "sms"}).Want(200)
	p.Phone = "+16505551212"
	b.validate(p.Texted()).Want(200)
	r := b.Post("/tf-setup", m{"setup": "authenticator", "add": true, "name": "tablet"}).Want(200)
	b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": "000000"}).Want(400)
	b.Form("/logout")
	rescue := w.plantPending(p)
	rescue.Post("/tf-select", m{"which": "authenticator"}).Want(200)
	rescue.Post("/tf-rescue", m{"help_setup": "email"}).Want(200)
	rescue.validate(p.Mailed()).Want(200)
	w.browser().Page("/tf-not-me/" + p.newestStop()).Want(200)
	w.browser().Form("/tf-not-me/" + p.newestStop()).Want(200)
	w.settled()
	return w, p
}
