package model_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
)

// Tokens that outlive a browser: single-use refresh tokens, each of which is replaced by the next
// one, and personal access tokens.

const (
	refreshIdle  = 7 * 24 * time.Hour
	refreshLife  = 90 * 24 * time.Hour
	personalLife = 30 * 24 * time.Hour
	maxPersonal  = 50
)

var scopes = []string{"read", "write"}

// lasting is a family of refresh tokens or a personal access token.
type lasting struct {
	of             *account
	id, version    int
	ref            string
	session, level int // a family's
	trusted        bool
	by             *device // that stood for the second factor
	proofs
	texts       []string // the last one is good
	used        int      // how often it was exchanged
	name        string   // a personal one's
	scopes      []string
	gone        bool
	idle, until time.Time
}

func init() {
	for what, fill := range map[string]func(*turn) *want{
		"refresh": (*turn).refresh, "mint": (*turn).mint, "end token": (*turn).endToken,
	} {
		asks[what] = fill
	}
}

// living returns an account's valid tokens, newest first.
func (m *model) living(of *account) (out []*lasting) {
	for _, f := range slices.Backward(m.lasting) {
		if f.of == of && !f.gone && f.version == of.version && m.now.Before(f.idle) && m.now.Before(f.until) {
			out = append(out, f)
		}
	}
	return out
}

// begin starts a token family together with a header token. A session has one.
func (m *model) family(s *session) *lasting {
	m.endFamilies(s.of, s.id)
	f := &lasting{
		of: s.of, id: m.id(), version: s.version, session: s.id, level: s.level, trusted: s.trusted, by: s.by,
		proofs: s.proofs,
		idle:   m.now.Add(refreshIdle), until: m.now.Add(refreshLife),
	}
	m.lasting = append(m.lasting, f)
	return f
}

func (m *model) endFamilies(of *account, session int) {
	for _, f := range m.lasting {
		f.gone = f.gone || f.of == of && f.session == session && session != 0
	}
}

// end ends a session with all tokens that were issued with it.
func (m *model) end(of *account, session int) {
	m.endFamilies(of, session)
	for _, s := range m.sessions {
		s.dead = s.dead || s.of == of && s.id == session
	}
}

// byText finds a family by any of its tokens, and returns which token it is.
func (m *model) byText(token string) (*lasting, int) {
	for _, f := range m.lasting {
		if i := slices.Index(f.texts, token); i >= 0 && f.session != 0 {
			return f, i
		}
	}
	return nil, 0
}

// refreshed exchanges a token. Reuse means that it was copied.
func (m *model) refreshed(token string) *want {
	f, i := m.byText(token)
	switch {
	case f == nil || f.gone || f.of.locked:
		return refused(400)
	case i < f.used:
		f.gone = true
		m.end(f.of, f.session)
		w := refused(400)
		m.announce(w, f.of, "token_copied")
		return w
	case !m.now.Before(f.idle) || !m.now.Before(f.until):
		return refused(400)
	case f.version == f.of.version && m.ended(f.by): // what it rests on
		m.end(f.of, f.session)
		return refused(400)
	}
	f.used++
	if f.idle = m.now.Add(refreshIdle); f.version != f.of.version || !f.of.active {
		return refused(400)
	}
	return &want{status: 200, of: f.of, family: f, header: &session{
		of: f.of, id: f.session, version: f.version, level: f.level, trusted: f.trusted, by: f.by, header: true,
		proofs: f.proofs,
		seen:   m.now, idle: m.now.Add(headerLife), until: m.now.Add(headerLife),
	}}
}

func (t *turn) refresh() *want {
	token := t.w.of("refresh", t.n%4)
	for _, a := range t.w.accounts {
		for _, f := range t.w.living(a) {
			if n := len(f.texts); n > 0 && f.session != 0 && t.n%4 > 0 {
				token = f.texts[max(0, n-1-t.n/4%4/3)] // the good one, or the one before it
			}
		}
	}
	if t.v%8 == 0 {
		token = t.w.of("header", t.n%4)
	}
	t.q.form = false
	t.post("/refresh-token", map[string]any{"refresh_token": token})
	return t.w.refreshed(token)
}

func (m *model) minted(who *session, cookie, name string, wanted []string) *want {
	switch {
	case who == nil:
		return refused(401)
	case name == "":
		return refused(400)
	case !m.fresh(who, freshForUs):
		return refused(401)
	case who.of.unproven:
		return m.proofFirst(who, cookie)
	case len(wanted) == 0 || slices.Contains(wanted, "nonsense"):
		return refused(400)
	case !m.reserve(setUps(who.of)):
		return refused(429)
	case len(m.living(who.of)) >= maxPersonal:
		return refused(400)
	}
	w := &want{status: 200, personal: &lasting{
		of: who.of, id: m.id(), version: who.of.version, name: name, scopes: wanted, idle: m.now.Add(personalLife),
		until: m.now.Add(personalLife),
	}}
	m.announce(w, who.of, "token_minted")
	return w
}

func (t *turn) mint() *want {
	name := keyNames[t.n%len(keyNames)]
	wanted := [][]string{{"read"}, {"read"}, {"write"}, {"read", "write"}, {"nonsense"}, nil}[t.v%6]
	t.q.form = false
	t.post("/access-tokens", map[string]any{"name": name, "scopes": wanted})
	x := t.w.minted(t.who, t.cookie, name, wanted)
	if p := x.personal; p != nil {
		x.learn = func(a answer) error {
			text, _ := a.body["token"].(string)
			p.texts = []string{text}
			t.w.lasting, t.w.personal = append(t.w.lasting, p), append(t.w.personal, p)
			t.w.handOut("personal", text)
			return nil
		}
	}
	return x
}

func (m *model) endLasting(who *session, f *lasting) *want {
	switch {
	case who == nil, !m.recent(who):
		return refused(401)
	case f == nil || !slices.Contains(m.living(who.of), f):
		return refused(404)
	}
	if f.gone = true; f.session != 0 && f.session != who.id {
		m.end(f.of, f.session)
	}
	return &want{status: 200}
}

// endToken revokes a token of the caller or any other one.
func (t *turn) endToken() *want {
	var f *lasting
	all := t.w.lasting
	if t.who != nil && t.n%6 > 0 {
		all = t.w.living(t.who.of)
	}
	if len(all) > 0 {
		f = all[t.v%len(all)]
	}
	id := "AAAA"
	if f != nil && f.ref != "" {
		id = f.ref
	}
	t.post("/access-tokens/"+id, nil)
	if t.flag {
		t.q.method, t.q.fields, t.q.form = http.MethodDelete, nil, false
	}
	return t.w.endLasting(t.who, f)
}

// learnTokens compares the valid tokens of all accounts with the model, and learns their public
// ids.
func (w *world) learnTokens() error {
	for _, a := range w.accounts {
		list, err := w.db.TokensOf(context.Background(), a.id, w.now)
		if err != nil {
			return err
		}
		must := w.living(a)
		if len(list) != len(must) {
			return wrong("%s has %d tokens, the model says %d", a.name, len(list), len(must))
		}
		for i, f := range must {
			got := list[i]
			if f.ref == "" {
				f.ref = got.ID
			}
			is := fmt.Sprint(got.ID, got.Personal, got.Scopes, got.Generation, got.Level == storage.TwoFactors &&
				!got.Personal)
			if want := fmt.Sprint(f.ref, f.session == 0, f.scopes, f.used, f.level == 2); is != want {
				return wrong("token %d of %s is %s, the model says %s", i, a.name, is, want)
			}
		}
	}
	return nil
}

// probePersonal requests pages with a personal access token. It opens only the pages of its scopes.
func (w *world) probePersonal(f *lasting) error {
	alive := slices.Contains(w.living(f.of), f) && f.of.active
	for page, scope := range map[string]string{"/read": "read", "/write": "write", "/user": "", "/two": ""} {
		status := http.StatusUnauthorized
		switch {
		case !alive || scope == "":
		case slices.Contains(f.scopes, scope):
			status = http.StatusOK
		default:
			status = http.StatusForbidden
		}
		a := w.send(request{b: browser{}, header: f.texts[0], method: http.MethodGet, path: page})
		if a.status != status || status == 200 && !strings.HasPrefix(a.text, f.of.email+" ") {
			return wrong("a personal token of %v: %s answers %d %s, the model says %d", f.scopes, page, a.status,
				a.text, status)
		}
	}
	return nil
}
