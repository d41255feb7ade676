package walk_test

import (
	"net/http"
	"time"
)

// proved says when the first and the newest proof of what was just issued were
// given; recent asks for the newest.
func (m *model) proved(w *want, renews *session, first, newest time.Time) {
	for _, s := range []*session{w.session, w.header, renews} {
		if s != nil && (s != renews || s.header) {
			s.first, s.newest = first, newest
		}
	}
}

// recent is the rule of ending what is on a list: any one factor, lately.
func (m *model) recent(s *session) bool { return m.now.Sub(s.newest) < freshForUs }

// endOthers ends everything but the session that asks, which gets no fresher.
func (m *model) endOthers(who *session) *want {
	switch {
	case who == nil:
		return refused(401)
	case !m.recent(who):
		return refused(401)
	}
	w, fresh, first, newest := &want{status: 200}, who.fresh, who.first, who.newest
	who.of.version++
	m.issue(w, who.of, who.level, who.trusted, who, false)
	m.proved(w, who, first, newest)
	w.of = nil // the answer speaks of nobody
	if w.session != nil {
		w.session.fresh = fresh
	} else {
		who.fresh = fresh
	}
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

// list holds both lists against the model: what is over is on neither.
func (w *world) list(s step, q request, who *session) error {
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
	} {
		q.path = "/tf-" + path
		a := w.send(q)
		if who == nil {
			if a.status != 401 {
				return wrong("GET %s answers %d to nobody", q.path, a.status)
			}
			continue
		}
		got, _ := a.body[path].([]any)
		if n := count(); a.status != 200 || len(got) != n {
			return wrong("GET %s answers %d with %d entries, the model says %d: %s", q.path, a.status, len(got), n, a.text)
		}
	}
	return w.delivered(&want{})
}
