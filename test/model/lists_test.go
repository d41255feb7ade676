package model_test

import (
	"net/http"
	"strings"
)

// recent is the rule for ending an entry of a list: a recent proof of any one factor.
func (m *model) recent(s *session) bool { return m.now.Sub(s.newest) < freshForUs }

// endOthers ends everything except the current session, which does not become fresher.
func (m *model) endOthers(who *session) *want {
	switch {
	case who == nil:
		return refused(401)
	case !m.recent(who):
		return refused(401)
	}
	w := &want{status: 200}
	m.change(who.of)
	m.carry(w, who)
	w.of = nil // the answer speaks of no one
	return w
}

func (m *model) revokeDevices(who *session) *want {
	switch {
	case who == nil:
		return refused(401)
	case !m.recent(who):
		return refused(401)
	}
	for _, d := range m.devices {
		d.dead = d.dead || d.of == who.of
	}
	return &want{status: 200}
}

// list compares both lists with the model: neither contains an entry that has ended.
func (w *world) list(s step, t *turn) error {
	q, who := t.q, t.who
	q.method, q.fields, q.form = http.MethodGet, nil, false
	for path, count := range map[string]func() int{
		"sessions": func() int {
			ids := map[int]bool{}
			for token, s := range w.sessions {
				if s.of == who.of && w.peek(token, s.header) != nil {
					ids[s.id] = true
				}
			}
			return len(ids)
		},
		"devices": func() int {
			seen := map[*device]bool{}
			for _, d := range w.devices {
				if d.of == who.of && !d.dead && d.version == d.of.version && w.now.Before(d.until) {
					seen[d] = true
				}
			}
			return len(seen)
		},
		"factors": func() int { return len(who.of.factors) },
	} {
		q.path = "/tf-" + path
		a := w.send(q)
		if who == nil {
			if a.status != 401 {
				return wrong("GET %s answers %d to nobody", q.path, a.status)
			}
			continue
		}
		got, _ := a.body[strings.ReplaceAll(path, "factors", "tf_factors")].([]any)
		if n := count(); a.status != 200 || len(got) != n {
			return wrong("GET %s answers %d with %d entries, the model says %d: %s", q.path, a.status, len(got), n,
				a.text)
		}
	}
	q.path = "/mf-recovery-codes"
	a := w.send(q)
	switch left, _ := a.body["recovery_codes_left"].(float64); {
	case who == nil || !w.fresh(who, freshForUs):
		if a.status != 401 {
			return wrong("GET %s answers %d %s, the model says 401", q.path, a.status, a.text)
		}
	case a.status != 200 || int(left) != len(who.of.codes):
		return wrong("GET %s answers %d %s, the model says %d", q.path, a.status, a.text, len(who.of.codes))
	}
	return w.delivered(&want{})
}
