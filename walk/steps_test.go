package walk_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// step is one operation. Its numbers choose among what there is when its turn
// comes, so a walk that lost other steps can still be walked.
type step struct {
	what   string
	b      int // browser
	u      int // account
	v      int // variant
	n      int // which of several, the newest first
	header int // 0: none, 1: a header token, 2: a session's cookie, 3: a pending's
	form   bool
	flag   bool
	token  bool
}

func (s step) String() string {
	out := fmt.Sprintf("%s browser %d account %d variant %d n %d", s.what, s.b, s.u, s.v, s.n)
	for name, on := range map[string]bool{"form": s.form, "flag": s.flag, "token": s.token} {
		if on {
			out += " " + name
		}
	}
	if s.header > 0 {
		out += fmt.Sprint(" header ", s.header)
	}
	return out
}

// The variants of a code.
const (
	rightCode = iota
	spacedCode
	usedCode
	othersCode
	neverCode
	emptyCode
	nextCode
	lastCode
	anyCode
	codeKinds
)

var (
	methods = []string{"authenticator", "sms", "email", "nonsense"}
	moves   = []time.Duration{time.Second, 11 * time.Second, 31 * time.Second, 31 * time.Second, 61 * time.Second, 4 * time.Minute, 6 * time.Minute,
		11 * time.Minute, 16 * time.Minute, 45 * time.Minute, 2 * time.Hour, 13 * time.Hour, 25 * time.Hour, 170 * time.Hour}
	getPaths = []string{"/login", "/verify", "/tf-setup", "/tf-validate", "/tf-select", "/tf-rescue", "/me", "/tf-recovery", "/logout", "/tf-resend",
		"/register", "/tf-not-me/AAAA", "/tf-setup/AAAA", "/tf-static/style.css", "/nothing"}
	planted = []string{sessionCookie, pendingCookie, deviceCookie}
	kinds   = []string{"session", "pending", "device", "header", "state", "code"}
)

// of is the n-th newest token of a kind that was handed out; empty if none.
func (w *world) of(kind string, n int) string {
	var all []string
	for i := len(w.handed) - 1; i >= 0 && len(all) <= n; i-- {
		if w.handed[i].kind == kind {
			all = append(all, w.handed[i].value)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return all[min(n, len(all)-1)]
}

// take walks one step and compares. After it, every browser is probed, and one
// of the tokens handed out before as what it is and as what it is not.
func (w *world) take(s step) error {
	w.now = w.now.Add(time.Millisecond)
	w.clock.set(w.now)
	if err := w.act(s); err != nil {
		return err
	}
	for i, b := range w.browsers {
		if err := w.probe(fmt.Sprint("browser ", i), b, ""); err != nil {
			return err
		}
	}
	if t := w.of(kinds[s.n%len(kinds)], s.n%13); t != "" {
		if err := w.probe("an old token as a session", browser{sessionCookie: t}, ""); err != nil {
			return err
		}
		return w.probe("an old token as a header", browser{}, t)
	}
	return nil
}

func (w *world) act(s step) error {
	b, a, ctx := w.browsers[s.b], w.accounts[s.u], context.Background()
	switch s.what {
	case "clock":
		w.now = w.now.Add(moves[s.v%len(moves)])
		w.clock.set(w.now)
		return nil
	case "copy": // a cookie from another browser
		name := planted[s.v%len(planted)]
		if v := w.browsers[s.n%len(w.browsers)][name]; v != "" {
			b[name] = v
		}
		return nil
	case "plant": // any token as any cookie
		if t := w.of(kinds[s.u+s.n%5], s.n%7); t != "" {
			b[planted[s.v%len(planted)]] = t
		}
		return nil
	case "restore": // an old cookie in its own place
		if t := w.of(kinds[s.v%3], s.n%11); t != "" {
			b[planted[s.v%3]] = t
		}
		return nil
	case "forget":
		delete(b, planted[s.v%len(planted)])
		return nil
	case "active":
		a.active = s.flag
		a.version++
		return w.auth.SetActive(ctx, a.id, s.flag)
	case "reset":
		a.factors = nil
		a.version++
		return w.auth.ResetAccess(ctx, a.id)
	case "password":
		a.password = passwords[s.v%2]
		a.version++
		return w.auth.SetPassword(ctx, a.id, a.password)
	}
	return w.ask(s, b, a)
}

// ask is a step that is a request.
func (w *world) ask(s step, b browser, a *account) error {
	q := request{b: b, method: http.MethodPost, fields: map[string]any{}, form: s.form}
	switch s.header {
	case 1:
		q.header = w.of("header", s.n%3)
	case 2:
		q.header = w.of("session", s.n%3)
	case 3:
		q.header = w.of("pending", s.n%3)
	}
	who, cookie := w.find(b[sessionCookie], false), b[pendingCookie]
	if q.header != "" {
		who = w.find(q.header, true)
	}
	var x *want
	switch s.what {
	case "login":
		password := passwords[2]
		if s.v > 0 {
			password = a.password
		}
		q.path = "/login"
		q.fields = map[string]any{"email": spell(a.email, s.n), "password": password, "remember": s.flag}
		w.former = b[pendingCookie]
		x = w.login(who, a, password, b[deviceCookie], s.flag, s.token)
	case "verify":
		password := []string{passwords[2], "", a.password, a.password, a.password}[s.v%5]
		if who != nil && s.v%5 > 2 {
			password = who.of.password
		}
		q.path, q.fields["password"] = "/verify", password
		w.former = b[pendingCookie]
		x = w.verify(who, password, b[deviceCookie], s.token)
	case "validate":
		code := w.code(s, who, w.pendings[cookie], nil)
		q.path, q.fields["code"] = "/tf-validate", code
		x = w.validate(who, cookie, code, s.token)
	case "confirm":
		x = w.askConfirm(s, &q, who)
	case "setup":
		q.path, q.form = "/tf-setup", false
		q.fields = map[string]any{"setup": methods[s.v%3], "phone": a.phone, "add": s.flag}
		x = w.begin(who, cookie, methods[s.v%3], a.phone, s.flag)
	case "disable":
		q.path, q.fields["setup"] = "/tf-setup", "disable"
		x = w.disable(who)
	case "select":
		q.path, q.fields["which"] = "/tf-select", methods[s.v%4]
		x = w.choose(who, cookie, methods[s.v%4])
	case "resend":
		q.path = "/tf-resend"
		x = w.resend(who, cookie)
	case "rescue":
		option := []string{"email", "email", "help", "nonsense"}[s.v%4]
		q.path, q.fields["help_setup"] = "/tf-rescue", option
		x = w.rescue(who, cookie, option)
	case "logout":
		q.path = "/logout"
		x = w.logout(who, cookie)
	case "not me":
		if len(w.notices) == 0 {
			return nil
		}
		n := w.notices[max(0, len(w.notices)-1-s.n%4)]
		q.path, q.form = "/tf-not-me/"+n.token, false
		x = w.notMe(n)
	case "end others":
		q.path = "/tf-sessions"
		x = w.endOthers(who)
	case "revoke":
		q.path = "/tf-devices"
		x = w.revokeDevices(who)
	case "list":
		return w.list(s, q, who)
	case "get":
		return w.get(s, q)
	default:
		return fmt.Errorf("no step is called %q", s.what)
	}
	if s.token {
		q.path += "?include_auth_token"
	}
	return w.compare(q, w.send(q), x)
}

// askConfirm confirms a set-up by its token: the session's own, an older one,
// another session's, none that ever was.
func (w *world) askConfirm(s step, q *request, who *session) *want {
	var d *draft
	if who != nil {
		d = w.drafts[owner(who, nil)]
	}
	state := w.of("state", s.n%4)
	if d != nil && s.flag {
		state = d.token
	}
	if state == "" {
		state = "AAAA"
	}
	code := w.code(s, who, nil, d)
	q.path, q.fields["code"] = "/tf-setup/"+state, code
	return w.confirm(who, nil, state, code, false)
}

// get opens a path. It must give nothing away and end nothing but a cookie.
func (w *world) get(s step, q request) error {
	q.method, q.path, q.fields = http.MethodGet, getPaths[s.v%len(getPaths)], nil
	if s.token {
		q.path += "?include_auth_token"
	}
	a := w.send(q)
	if a.status >= 500 {
		return wrong("GET %s answers %d %s", q.path, a.status, a.text)
	}
	for _, name := range planted {
		if a.set[name] != "" {
			return wrong("GET %s sets %s", q.path, name)
		}
	}
	return w.delivered(&want{})
}

// spell writes an identity in one of the ways people do.
func spell(email string, n int) string {
	switch n % 4 {
	case 1:
		return strings.ToUpper(email)
	case 2:
		return " " + email + "\u200b"
	}
	return email
}

// code is what somebody types: the right one by what the model knows, or
// another. It asks for nobody's leave: what is over still has a right code.
func (w *world) code(s step, who *session, p *pending, d *draft) string {
	if d == nil && who != nil && (p == nil || p.session != who.id && s.n%2 == 0) {
		d = w.drafts[owner(who, nil)]
	}
	if d == nil && p != nil && p.state == "setup" {
		d = w.drafts[owner(nil, p)]
	}
	off := int64(0)
	switch s.v {
	case usedCode:
		a := w.accounts[s.u]
		if p != nil && s.flag {
			a = p.of
		}
		if len(a.used) > 0 {
			return a.used[max(0, len(a.used)-1-s.n%3)]
		}
	case othersCode:
		return w.othersCode(s, p, d)
	case neverCode:
		return "000001"
	case emptyCode:
		return ""
	case nextCode:
		off = 1
	case lastCode:
		off = -1
	case anyCode:
		return w.of("code", s.n%5)
	}
	code := w.rightCode(p, d, off)
	if s.v == spacedCode && len(code) == 6 {
		code = " " + code[:3] + " " + code[3:]
	}
	return code
}

func (w *world) rightCode(p *pending, d *draft, off int64) string {
	now := w.now.Unix()/30 + off
	switch {
	case d != nil && d.method == "authenticator":
		return appCode(d.secret, now)
	case d != nil:
		if c := w.codes[fmt.Sprint("setup ", d.id)]; c != nil {
			return c.code
		}
		return "123456"
	case p == nil || p.factor == nil:
		return "123456"
	}
	if c := w.codes[fmt.Sprint("rescue ", p.id)]; c != nil && p.rescue && off == 0 {
		return c.code
	}
	if p.factor.method == "authenticator" {
		for s := now - 1; s <= now+1 && off == 0; s++ {
			if s > p.factor.last {
				return appCode(p.factor.secret, s)
			}
		}
		return appCode(p.factor.secret, now)
	}
	if c := w.codes[p.key()]; c != nil {
		return c.code
	}
	return "123456"
}

// othersCode is a code that is right for somebody else.
func (w *world) othersCode(s step, p *pending, d *draft) string {
	var me *account
	if p != nil {
		me = p.of
	} else if d != nil {
		me = d.of
	}
	for _, a := range w.accounts {
		for _, f := range a.factors {
			if a != me && f.method == "authenticator" {
				return appCode(f.secret, w.now.Unix()/30)
			}
		}
	}
	return w.of("code", s.n%5)
}

// choose picks a step: mostly one that leads on from where a browser stands,
// often any.
func (w *world) pick(r *rand.Rand) step {
	s := step{
		b: r.IntN(3), u: r.IntN(2), v: r.IntN(60), n: r.IntN(1000), flag: r.IntN(3) == 0,
		form: r.IntN(6) == 0, token: r.IntN(12) == 0,
	}
	if r.IntN(10) == 0 {
		s.header = 1 + r.IntN(20)/18 + r.IntN(20)/19
	}
	for i, a := range w.accounts {
		if !a.active && r.IntN(8) == 0 {
			s.what, s.u, s.flag = "active", i, true
			return s
		}
	}
	if r.IntN(100) < 55 {
		w.lead(r, &s)
	} else {
		s.what = weighted(r, "login", 2, "verify", 1, "validate", 12, "confirm", 10, "setup", 9, "disable", 3, "select", 4, "resend", 4,
			"rescue", 4, "logout", 3, "not me", 2, "list", 4, "end others", 2, "revoke", 2, "get", 7, "clock", 14, "copy", 7, "plant", 4, "restore", 7, "forget", 3,
			"active", 1, "reset", 1, "password", 1)
	}
	if s.what == "login" && (w.guesser && r.IntN(2) == 0 || r.IntN(8) == 0) {
		s.v = 0
	}
	if w.guesser && s.what == "validate" && r.IntN(2) == 0 {
		s.v = []int{usedCode, othersCode, neverCode, anyCode}[r.IntN(4)]
	}
	switch s.what {
	case "login":
		s.flag = r.IntN(2) == 0
	case "validate", "confirm":
		switch {
		case s.v >= 2*codeKinds:
			s.v = rightCode
		case s.v > rightCode: // the same code again is what people who watch have
			s.v %= codeKinds
		case r.IntN(6) == 0:
			s.v, s.n, s.flag = usedCode, r.IntN(2), true
		}
	case "clock":
		if s.v = min(r.IntN(len(moves)), r.IntN(len(moves))); w.guesser {
			s.v %= 6
		}
	case "password":
		if r.IntN(3) > 0 {
			s.what = "clock"
		}
	}
	s.form = s.form && s.what != "clock"
	return s
}

// lead picks what leads on.
func (w *world) lead(r *rand.Rand, s *step) {
	b := w.browsers[s.b]
	who := w.peek(b[sessionCookie], false)
	p := w.waiting(b[pendingCookie], who)
	s.header, s.v = 0, rightCode
	if r.IntN(2) == 0 {
		s.n = r.IntN(3)
	}
	switch {
	case p == nil && w.pendings[b[pendingCookie]] != nil && r.IntN(2) == 0:
		s.what = "validate" // what is over, or another's
	case p != nil && p.state == "select":
		s.what, s.v = "select", r.IntN(3)
	case p != nil && p.state == "ready":
		s.what = weighted(r, "validate", 12, "resend", 1, "rescue", 2, "select", 1, "logout", 1, "clock", 3)
	case p != nil && w.draft(owner(nil, p), p.of) != nil:
		s.what = "validate"
	case p != nil:
		s.what, s.v = "setup", r.IntN(3)
	case who == nil && w.trusts(b[deviceCookie]) != nil && r.IntN(2) == 0:
		s.what, s.v = "login", 1
		for i, a := range w.accounts {
			if a == w.trusts(b[deviceCookie]) {
				s.u = i
			}
		}
	case who == nil && w.idle() && r.IntN(2) == 0:
		s.what, s.v = "login", 1
	case who == nil && p == nil && r.IntN(5) == 0: // a pending sign-in of a while ago
		s.what, s.v = "restore", 1
	case who == nil: // hashing is slow on purpose, so sign-ins are few
		s.what, s.v = weighted(r, "login", 1, "copy", 3, "restore", 3, "setup", 1, "validate", 1), r.IntN(60)
	case w.draft(owner(who, nil), who.of) != nil:
		s.what, s.flag = weighted(r, "confirm", 6, "validate", 2, "setup", 1), true
	default:
		s.what, s.v = weighted(r, "setup", 12, "verify", 1, "disable", 1, "logout", 1, "clock", 6, "copy", 4), r.IntN(60)
	}
}

// trusts is the account whose trusted device a cookie is, or nil.
func (w *world) trusts(cookie string) *account {
	if d := w.devices[cookie]; d != nil && !d.dead && d.version == d.of.version {
		return d.of
	}
	return nil
}

// idle says that no browser is anywhere.
func (w *world) idle() bool {
	for _, b := range w.browsers {
		who := w.peek(b[sessionCookie], false)
		if who != nil || w.waiting(b[pendingCookie], nil) != nil {
			return false
		}
	}
	return true
}

func weighted(r *rand.Rand, table ...any) string {
	total := 0
	for i := 1; i < len(table); i += 2 {
		total += table[i].(int)
	}
	n := r.IntN(total)
	for i := 1; i < len(table); i += 2 {
		if n -= table[i].(int); n < 0 {
			return table[i-1].(string)
		}
	}
	return ""
}
