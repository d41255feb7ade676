package security_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/send"
)

var (
	sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)
	notMe     = regexp.MustCompile(`/tf-not-me/([A-Za-z0-9._-]+)`)
)

// person is an account with the credentials of its owner.
type person struct {
	w           *world
	name, email string
	id          string
	phone       string
	app         []byte // TOTP secret, once enrolled
}

// person creates an account with the password that all tests use.
func (w *world) person(name string) *person {
	w.t.Helper()
	p := &person{w: w, name: name, email: name + "@good.test"}
	id, err := w.nodes[0].auth.CreateUser(w.t.Context(),
		twofold.NewUser{Email: p.email, Username: name, PasswordHash: hashed})
	w.must(err)
	p.id = id.ID
	return p
}

// withApp creates an account with an authenticator app.
func (w *world) withApp(name string) *person { return w.person(name).enrollApp() }

// totp implements RFC 6238 independently: HMAC-SHA-1 of the step, dynamic truncation, six digits.
func totp(key []byte, step int64) string {
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, step)
	sum := mac.Sum(nil)
	part := sum[sum[19]&15:]
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(part)&0x7fffffff)%1_000_000)
}

// code returns the code of the person's app at a step relative to the current one.
func (p *person) code(away int64) string { return totp(p.app, p.w.Now().Unix()/30+away) }

// next waits for the app's next code, since each code is single-use.
func (p *person) next() string {
	p.w.advance(30 * time.Second)
	return p.code(0)
}

// wrong returns a code that the app does not show now or soon, and that no message contains.
func (p *person) wrong() string {
	for {
		code := fmt.Sprintf("%06d", (111111+tried.Add(1))%1_000_000) // another one each time
		contains := func(m send.Message) bool { return strings.Contains(m.Text, code) }
		hit := slices.ContainsFunc(p.w.mail.All(), contains) || slices.ContainsFunc(p.w.sms.All(), contains)
		for away := int64(-6); away <= 6; away++ {
			hit = hit || p.app != nil && p.code(away) == code
		}
		if !hit {
			return code
		}
	}
}

// forge flips one bit in the last part of a signed text, so that its signature is invalid. The
// first character of a part has no unused bits.
func forge(signed string) string {
	at := strings.LastIndexAny(signed, "./") + 1
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, signed[at])
	return signed[:at] + string(alphabet[i^1]) + signed[at+1:]
}

// other returns a code that differs from the given one and from the nine before, because the same
// wrong code counts as one guess. It counts separately for each code. With one counter for all,
// tests that run in parallel would determine the next digit.
func other(code string) string {
	n, _ := others.LoadOrStore(code, &atomic.Int64{})
	return fmt.Sprintf("%s%d", code[:5], (int(code[5]-'0')+1+int((n.(*atomic.Int64).Add(1)-1)%9))%10)
}

// others counts wrong codes by the right one. tried counts those of apps.
var (
	others sync.Map
	tried  atomic.Int64
)

func (p *person) enrollApp() *person {
	p.w.t.Helper()
	b := p.w.plantSession(p)
	r := b.post("/tf-setup", m{"setup": "authenticator", "add": true}).want(200)
	p.app = decode(p.w, r.text("tf_authr_b32key"))
	b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": p.code(0)}).want(200)
	p.w.advance(time.Minute) // the code of the set-up is spent
	return p
}

func decode(w *world, b32 string) []byte {
	w.t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(b32)
	w.must(err)
	return key
}

func (p *person) enrollSMS(phone string) *person {
	p.w.t.Helper()
	b := p.w.plantSession(p)
	r := b.post("/tf-setup", m{"setup": "sms", "phone": phone, "add": true}).want(200)
	p.phone = phone
	b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": p.texted()}).want(200)
	p.w.advance(time.Minute)
	return p
}

func (p *person) enrollMail() *person {
	p.w.t.Helper()
	b := p.w.plantSession(p)
	r := b.post("/tf-setup", m{"setup": "email", "add": true}).want(200)
	b.post("/tf-setup/"+r.text("tf_state_token"), m{"code": p.mailed()}).want(200)
	p.w.advance(time.Minute)
	return p
}

// mailed and texted return the newest code that the person received.
func (p *person) mailed() string { p.w.t.Helper(); return p.w.mail.Code(p.w.t, p.email) }
func (p *person) texted() string {
	p.w.t.Helper()
	m, ok := p.w.sms.Last(p.phone)
	if !ok {
		p.w.t.Fatalf("no text to %s", p.phone)
	}
	return sixDigits.FindString(m.Text)
}

// stopToken returns the token of the link "this was not me" in the newest notice.
func (p *person) stopToken() string {
	p.w.t.Helper()
	for range 6000 {
		for _, mail := range p.w.mail.To(p.email) {
			if found := notMe.FindStringSubmatch(mail.Text); found != nil {
				p.w.handedOut("token to stop", found[1])
				return found[1]
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.w.t.Fatal("no notice came")
	return ""
}

// factors returns the person's stored second factors.
func (p *person) factors() []storage.Factor {
	p.w.t.Helper()
	list, err := p.w.nodes[0].db.FactorsOf(p.w.t.Context(), p.id)
	p.w.must(err)
	return list
}

// plantSession creates the state after a full sign-in without its cost. Tests of the sign-in itself
// use the regular flow.
func (w *world) plantSession(p *person) *browser {
	w.t.Helper()
	ctx, n := w.t.Context(), w.nodes[0]
	u, err := n.db.UserByID(ctx, p.id)
	w.must(err)
	factors, err := n.db.FactorsOf(ctx, p.id)
	w.must(err)
	now, token := w.Now(), seal.Token()
	s := storage.Session{
		Hash: seal.HashToken(token), ID: storage.NewID(), UserID: u.ID, CredentialVersion: u.CredentialVersion,
		Level:  storage.OneFactor,
		Proofs: []storage.Proof{{Method: "password", At: now}}, FreshAt: now, CreatedAt: now, SeenAt: now,
		IdleAt: now.Add(time.Hour), ExpiresAt: now.Add(24 * time.Hour),
	}
	if len(factors) > 0 {
		s.Level, s.Proofs = storage.TwoFactors, append(s.Proofs, storage.Proof{Method: factors[0].Method, At: now})
	}
	w.must(n.db.PutSession(ctx, s))
	b := w.browser()
	b.jar["twofold"] = token
	w.handedOut("session cookie", token)
	return b
}

// plantPending creates the state after a right password without its cost.
func (w *world) plantPending(p *person) *browser {
	w.t.Helper()
	ctx, n := w.t.Context(), w.nodes[0]
	u, err := n.db.UserByID(ctx, p.id)
	w.must(err)
	factors, err := n.db.FactorsOf(ctx, p.id)
	w.must(err)
	now, token := w.Now(), seal.Token()
	q := storage.Pending{
		Hash: seal.HashToken(token), UserID: u.ID, CredentialVersion: u.CredentialVersion, State: storage.Ready,
		First: storage.Proof{Method: "password", At: now}, CreatedAt: now, ExpiresAt: now.Add(10 * time.Minute),
	}
	switch len(factors) {
	case 0:
		q.State = storage.Setup
	case 1:
		q.Factor = factors[0].ID
	default:
		q.State = storage.Select
	}
	w.must(n.db.PutPending(ctx, q))
	b := w.browser()
	b.jar["twofold-pending"] = token
	w.handedOut("pending cookie", token)
	return b
}

func decode64(s string) (string, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	return string(raw), err == nil
}

func encode64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
