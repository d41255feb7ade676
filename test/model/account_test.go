package model_test

import "fmt"

// Changes to an account as a whole by its owner and the application.

func init() {
	asks["change"] = (*turn).change
}

// kept reports whether an account is locked out of signing in.
func (a *account) kept() bool { return !a.active || a.locked || a.unconfirmed }

// changed replaces a password. It requires the current password and a fresh session.
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
