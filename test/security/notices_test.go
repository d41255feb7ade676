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
)

// TestR061_ChangesAreAnnounced checks that each change sends one mail to every address concerned,
// with the time, browser, client address and advice, but no secret. A change that was rolled back
// sends none. A mail server that is down loses neither the change nor the notice.
func TestR061_ChangesAreAnnounced(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t, open)
	auth := w.nodes[0].auth
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
		b.header["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
		return b
	}
	b := fox(w.plantSession(p))
	announced("factor_changed", p.email, func() {
		r := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
		p.app = decode(w, r.text("tf_authr_b32key"))
		b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": p.code(0)}).want(200)
	})
	announced("factor_changed", p.email, func() { p.enrollSMS("+16505551212") })
	announced("factor_disabled", p.email,
		func() { fox(w.plantSession(p)).post("/tf-setup", m{"setup": "disable"}).want(200) })
	announced("factor_changed", p.email, func() { p.enrollApp() })
	announced("device_trusted", p.email, func() { w.trusted(p) })
	rescue := fox(w.plantPending(p))
	announced("rescue_asked", p.email, func() { rescue.post("/tf-rescue", m{"help_setup": "email"}).want(200) })
	announced("rescued", p.email, func() { rescue.validate(p.mailed()).want(200) })
	announced("password_changed", p.email, func() { w.must(auth.SetPassword(ctx, p.id, "another horse 72 battery")) })
	announced("access_reset", p.email, func() { w.must(auth.ResetAccess(ctx, p.id)) })
	announced("identity_changed", p.email, func() {
		announced("identity_changed", "alice.new@good.test",
			func() { w.must(auth.SetIdentity(ctx, p.id, "alice.new@good.test", "")) })
	})
	for _, mail := range w.mail.All() {
		kind, notice := strings.CutPrefix(mail.Kind, "notice_")
		if !notice {
			continue
		}
		want := 1
		if kind == "identity_changed" && mail.To == p.email { // an operator moved the account away
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
	n := w.start(f.wrap)
	b = w.plantSession(e).on(n)
	r := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
	e.app = decode(w, r.text("tf_authr_b32key"))
	for k := 1; ; k++ { // the change itself is one of these writes
		f.arm(k, false)
		status := b.copy().post("/tf-setup/"+r.text("tf_state_token"), m{"code": e.code(0)}).status
		if failed := f.disarm(); failed == "ChangeFactors" {
			if status != 503 {
				t.Errorf("status %d although the change failed", status)
			}
			break
		}
		b = w.plantSession(e).on(n)
		r = b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
		e.app = decode(w, r.text("tf_authr_b32key"))
		if k > 20 {
			t.Fatal("the change was never tried")
		}
	}
	if len(e.factors()) != 0 || w.kinds(e.email)["factor_changed"] != 0 {
		t.Errorf("rolled back: %d factors, notices %v", len(e.factors()), w.kinds(e.email))
	}

	w.mail.FailWith(errors.New("the mail server is down"))
	w.must(auth.SetPassword(ctx, e.id, "another horse 72 battery"))
	time.Sleep(50 * time.Millisecond)
	if w.count("messages") == 0 {
		t.Error("the notice is lost while the mail server is down")
	}
	w.signsIn(e.email, secret).want(400)
	w.mail.FailWith(nil)
	w.advance(time.Hour)
	for range 6000 {
		if w.count("messages") == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := w.kinds(e.email)["password_changed"]; n != 1 {
		t.Errorf("%d notices after the mail server came back, want 1", n)
	}
}

// TestR083_TrustedDevicesAreRevoked covers every event that may indicate theft. Wrong guesses of
// others are not such events, so the owner's browser stays trusted (R119).
func TestR083_TrustedDevicesAreRevoked(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t, open)
	auth := w.nodes[0].auth
	for name, happens := range map[string]func(p *person){
		"password": func(p *person) { w.must(auth.SetPassword(ctx, p.id, secret+"x")) },
		"reset": func(p *person) {
			w.must(w.nodes[0].db.SetPassword(ctx, storage.NewPassword{
				UserID: p.id, Hash: hashed, CredentialVersion: strings.ToLower(storage.NewID()),
				ViaMailbox: true, Now: w.Now(),
			}))
		},
		"identity": func(p *person) { p.email = "new" + p.email; w.must(auth.SetIdentity(ctx, p.id, p.email, "")) },
		"added":    func(p *person) { p.enrollMail() },
		"replaced": func(p *person) {
			b := w.plantSession(p)
			r := b.post("/tf-setup", m{"setup": "authenticator"}).want(200)
			p.app = decode(w, r.text("tf_authr_b32key"))
			b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": p.code(0)}).want(200)
		},
		"disabled": func(p *person) {
			w.plantSession(p).post("/tf-setup", m{"setup": "disable"}).want(200)
			p.enrollApp()
		},
		"operator": func(p *person) { w.must(auth.ResetAccess(ctx, p.id)); p.enrollApp() },
		"switched": func(p *person) {
			w.must(auth.SetActive(ctx, p.id, false))
			w.must(auth.SetActive(ctx, p.id, true))
		},
		"rescued": func(p *person) {
			b := w.plantPending(p)
			b.post("/tf-rescue", m{"help_setup": "email"}).want(200)
			b.validate(p.mailed()).want(200)
		},
		"everywhere": func(p *person) { w.browser().form("/tf-not-me/" + p.newestStop()).want(200) },
	} {
		p := w.withApp(name)
		devices := []*browser{w.trusted(p)}
		if name == "password" {
			devices = append(devices, w.trusted(p))
		}
		if n := w.number(`SELECT COUNT(*) FROM twofold_devices WHERE user_id = ?`, p.id); n != len(devices) {
			t.Fatalf("%s: %d devices", name, n)
		}
		happens(p)
		for _, b := range devices {
			body := m{}
			if name == "password" {
				body["password"] = secret + "x"
			}
			if r := b.login(p, body); r.status != 200 || r.json["tf_required"] != true {
				t.Errorf("%s: status %d, %s", name, r.status, r.body)
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
	owner.login(a).want(200)
	w.advance(11 * time.Second)
	before := w.kinds(a.email)["device_copied"]
	thief.asked(a, "a copy")
	owner.out("the owner's session, born of the device")
	session.out("another session")
	if n := w.kinds(a.email)["device_copied"]; n != before+1 {
		t.Errorf("%d notices of the copy, want 1", n-before)
	}
	thief.only("tf_validity").asked(a, "the copy again")
	if n := w.kinds(a.email)["device_copied"]; n != before+1 {
		t.Errorf("%d notices after the copy came again, want 1", n-before)
	}
}

// TestR143_HalfSuccessfulAttacks checks that the third wrong code after the right password within
// an hour sends a mail, at most once an hour and without the codes.
func TestR143_HalfSuccessfulAttacks(t *testing.T) {
	w := newWorld(t, open)
	a, e := w.withApp("alice"), w.withApp("erika")
	var tried []string
	guess := func() {
		tried = append(tried, a.wrong())
		w.plantPending(a).validate(a.wrong()).want(400)
	}
	told := func() int { return w.kinds(a.email)["codes_tried"] }
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
	w.advance(40 * time.Minute)
	guess()
	if told() != 1 {
		t.Errorf("%d notices within an hour, want 1", told())
	}
	w.advance(61 * time.Minute)
	for range 5 {
		guess()
	}
	if told() != 2 {
		t.Errorf("%d notices in the second hour, want 2", told())
	}
	if w.kinds(e.email)["codes_tried"] != 0 {
		t.Error("somebody else was told")
	}
	for _, mail := range w.mail.To(a.email) {
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
	u, err := w.nodes[0].db.UserByID(t.Context(), p.id)
	w.must(err)
	replies := w.replies.String()
	secrets := map[string]string{u.PasswordHash: "hash", u.CredentialVersion: "uniquifier", secret: "password",
		firstKey: "key"}
	for _, c := range w.dump() {
		if len(c.text) > 20 && (c.column == "password_hash" || c.column == "secret" || c.column == "mac" ||
			c.column == "hash") {
			secrets[c.text], secrets[c.hex] = c.table+"."+c.column, c.table+"."+c.column
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
	rows, err := w.nodes[0].auth.Audit().List(t.Context(), event.AuditFilter{})
	w.must(err)
	users, err := w.nodes[0].auth.Users(t.Context(), twofold.UserFilter{Limit: 10})
	w.must(err)
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
	b.post("/login", m{"email": p.email + secret, "password": secret}).want(400)
	b.post("/login", m{"username": secret, "password": secret}).want(400)
	b.login(p, m{"remember": true}).want(200)
	for _, method := range []string{"sms", "email", "authenticator"} {
		b.post("/tf-select", m{"which": method}).want(200)
		b.get("/tf-validate")
		b.page("/tf-validate")
	}
	b.get("/tf-select?code=123456")
	b.validate(p.wrong()).want(400)
	b.post("/tf-validate?include_auth_token", m{"code": p.next()}).want(200)
	for _, path := range []string{"/me", "/tf-setup", "/verify", "/login"} {
		b.get(path)
		b.page(path)
	}
	b.post("/verify", m{"password": secret}).want(200)
	b.post("/tf-select", m{"which": "sms"}).want(200)
	p.phone = "+16505551212"
	b.validate(p.texted()).want(200)
	r := b.post("/tf-setup", m{"setup": "authenticator", "add": true, "name": "tablet"}).want(200)
	b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": "000000"}).want(400)
	b.form("/logout")
	rescue := w.plantPending(p)
	rescue.post("/tf-select", m{"which": "authenticator"}).want(200)
	rescue.post("/tf-rescue", m{"help_setup": "email"}).want(200)
	rescue.validate(p.mailed()).want(200)
	w.browser().page("/tf-not-me/" + p.newestStop()).want(200)
	w.browser().form("/tf-not-me/" + p.newestStop()).want(200)
	w.settled()
	return w, p
}
