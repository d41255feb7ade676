package security_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

// person is an account of a world with the credentials of its owner.
type person struct {
	testkit.Person
	w *world
}

// person creates an account with the password that all tests use.
func (w *world) person(name string) *person { w.T.Helper(); return &person{*w.NewPerson(name), w} }

// of returns a person of whom only this is known.
func (w *world) of(p testkit.Person) *person { p.Site = w.Site; return &person{p, w} }

// withApp creates an account with an authenticator app.
func (w *world) withApp(name string) *person { return w.person(name).enrollApp() }

// other returns a code that differs from the given one and from the nine before, because the same
// wrong code counts as one guess. It counts separately for each code. With one counter for all,
// tests that run in parallel would determine the next digit.
func other(code string) string {
	n, _ := others.LoadOrStore(code, &atomic.Int64{})
	return fmt.Sprintf("%s%d", code[:5], (int(code[5]-'0')+1+int((n.(*atomic.Int64).Add(1)-1)%9))%10)
}

// others counts wrong codes by the right one.
var others sync.Map

func (p *person) enrollApp() *person {
	p.w.T.Helper()
	b := p.w.plantSession(p)
	r := b.Post("/tf-setup", m{"setup": "authenticator", "add": true}).Want(200)
	p.App = testkit.ReadApp(p.w.T, r.Text("tf_authr_b32key"))
	b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": p.Code(0)}).Want(200)
	p.w.Advance(time.Minute) // the code of the set-up is spent
	return p
}

func (p *person) enrollSMS(phone string) *person {
	p.w.T.Helper()
	b := p.w.plantSession(p)
	r := b.Post("/tf-setup", m{"setup": "sms", "phone": phone, "add": true}).Want(200)
	p.Phone = phone
	b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": p.Texted()}).Want(200)
	p.w.Advance(time.Minute)
	return p
}

func (p *person) enrollMail() *person {
	p.w.T.Helper()
	b := p.w.plantSession(p)
	r := b.Post("/tf-setup", m{"setup": "email", "add": true}).Want(200)
	b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": p.Mailed()}).Want(200)
	p.w.Advance(time.Minute)
	return p
}

// stopToken returns the token of the link "this was not me" in the newest notice.
func (p *person) stopToken() string {
	p.w.T.Helper()
	for range 6000 {
		for _, mail := range p.w.Mail.To(p.Email) {
			if token := stopIn(mail.Text); token != "" {
				p.w.handedOut("token to stop", token)
				return token
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.w.T.Fatal("no notice came")
	return ""
}

// plantSession creates the state after a full sign-in without its cost. Tests of the sign-in itself
// use the regular flow.
func (w *world) plantSession(p *person) *browser {
	w.T.Helper()
	ctx, n := w.T.Context(), w.Nodes[0]
	u, err := n.Store.UserByID(ctx, p.ID)
	w.Must(err)
	factors, err := n.Store.FactorsOf(ctx, p.ID)
	w.Must(err)
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
	w.Must(n.Store.PutSession(ctx, s))
	b := w.browser()
	b.Jar["twofold"] = token
	w.handedOut("session cookie", token)
	return b
}

// plantPending creates the state after a correct password without its cost.
func (w *world) plantPending(p *person) *browser {
	w.T.Helper()
	ctx, n := w.T.Context(), w.Nodes[0]
	u, err := n.Store.UserByID(ctx, p.ID)
	w.Must(err)
	factors, err := n.Store.FactorsOf(ctx, p.ID)
	w.Must(err)
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
	w.Must(n.Store.PutPending(ctx, q))
	b := w.browser()
	b.Jar["twofold-pending"] = token
	w.handedOut("pending cookie", token)
	return b
}

func decode64(s string) (string, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	return string(raw), err == nil
}

func encode64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// stopIn returns the token of the link "this was not me" in a message, or "".
func stopIn(text string) string {
	return strings.TrimPrefix(testkit.Link(text, "tf-not-me"), "/tf-not-me/")
}
