package model_test

import "fmt"

// What the owner of an account does to it as a whole, and the application.

func init() {
	asks["change"] = (*turn).change
}

// kept says that an account is kept out of signing in.
func (a *account) kept() bool { return !a.active || a.locked || a.unconfirmed }

// changed replaces a password by who knows the present one and is fresh.
func (m *model) changed(who *session, old, password string) *want {
	switch {
	case who == nil:
		return refused(401)
	case old == "" && who.of.password != "" || password == "":
		return refused(400)
	case !m.fresh(who, freshForUs):
		return refused(401)
	}
	of := who.of
	if of.password != "" {
		if w := m.password(of, old, fmt.Sprint(who.id)); w != nil {
			return w
		}
		if of.locked || old == password {
			return refused(400)
		}
	}
	of.password, of.nearAt = password, never
	of.hashes++
	m.change(of)
	w := &want{status: 200}
	m.announce(w, of, "password_changed")
	m.carry(w, who)
	return w
}

func (t *turn) change() *want {
	old, password := t.a.password, passwords[t.n%2]
	if t.who != nil && t.v%4 > 0 {
		old = t.who.of.password
	}
	if t.v%4 == 1 {
		old = ""
	}
	t.post("/change", map[string]any{"password": old, "new_password": password, "new_password_confirm": password})
	return t.w.changed(t.who, old, password)
}
