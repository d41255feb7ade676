package model_test

import (
	"net/http"
	"strings"
	"time"
)

// An account that someone registered opens when its address is confirmed. A user who reads the mail
// in another browser takes the account over and chooses its password.

const (
	confirmLife = 48 * time.Hour
	registered  = "registered"
)

func init() {
	for what, fill := range map[string]func(*turn) *want{
		"ask confirm": (*turn).askConfirm, "confirm by link": (*turn).confirmed,
	} {
		asks[what] = fill
	}
}

// register creates an account with an unproven address.
func (w *world) register(a *account) error {
	w.accounts = append(w.accounts, a)
	t := &turn{w: w, b: w.browsers[0], a: a}
	t.q = request{b: t.b, method: http.MethodPost}
	t.post("/register", map[string]any{"email": a.email, "password": a.password, "password_confirm": a.password})
	if w.open {
		return w.enters(t)
	}
	x := &want{status: 200}
	w.mail(x, &link{kind: "confirm", to: a.email, of: a, life: confirmLife, data: registered})
	if err := w.compare(t.q, w.send(t.q), t.asker(x)); err != nil {
		return err
	}
	u, err := w.auth.FindUser(w.context(), a.email)
	a.id = u.ID
	return err
}

// enters is a registration that signs the user in at once.
func (w *world) enters(t *turn) error {
	u := func() error {
		found, err := w.auth.FindUser(w.context(), t.a.email)
		t.a.id = found.ID
		return err
	}
	t.q.form = false
	x := w.gate(t.a, "register", "", false, false)
	if err := w.compare(t.q, w.send(t.q), x); err != nil {
		return err
	}
	return u()
}

func (m *model) askConfirm(of *account) *want {
	if !m.links("confirm", of) {
		return refused(429)
	}
	w := &want{status: 200}
	if of.unconfirmed && of.active {
		m.mail(w, &link{kind: "confirm", to: of.email, of: of, life: confirmLife})
	}
	return w
}

// confirmed opens an account. The link of the registration opens it unchanged in the browser that
// registered. In another browser it sets a new password and removes everything else.
func (m *model) confirmed(t *turn, l *link, password string) *want {
	if l == nil || !l.of.unconfirmed || !l.of.active || l.active != l.of.active || m.now.Sub(l.at) >= l.life {
		return refused(400)
	}
	if l.to != l.of.email { // an operator has set another address since
		return refused(400)
	}
	of, here := l.of, l.asked != "" && l.asked == t.b[askedCookie]
	if !here || l.data != registered { // anyone who asks for one later may not be who registered
		if password == "" {
			return refused(400)
		}
		of.hashes++
		of.password, of.factors, of.firsts, of.sites, of.codes, of.resetAt = password, nil, nil, nil, nil, m.now
		m.change(of)
	}
	of.unconfirmed = false
	m.proved(of)
	w := &want{status: 200}
	if here && t.who == nil && !of.locked {
		w = m.gate(of, "confirm", t.b[deviceCookie], false, false)
		w.status = 200
	}
	if t.who != nil { // that was someone else
		m.end(t.who.of, t.who.id)
	}
	return w
}

func (t *turn) askConfirm() *want {
	if t.w.open {
		return nil
	}
	email := t.a.email
	if t.n%2 == 0 {
		email = strings.ToUpper(email)
	}
	t.post("/confirm", map[string]any{"email": email})
	return t.asker(t.w.askConfirm(t.a))
}

func (t *turn) confirmed() *want {
	if t.w.open {
		return nil
	}
	l, token := t.someLink("confirm")
	password := []string{passwords[0], passwords[1], ""}[t.v%3]
	fields := map[string]any{}
	if password != "" {
		fields = map[string]any{"password": password, "password_confirm": password}
	}
	t.post("/confirm/"+token, fields)
	t.w.former = t.cookie
	return t.w.confirmed(t, l, password)
}
