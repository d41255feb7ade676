package model_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// step is one operation. Its numbers choose among the options at its turn, so a walk that is
// shortened can still run.
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

var (
	methods = []string{"authenticator", "sms", "email", passkeyMethod, "nonsense"}
	moves   = []time.Duration{time.Second, 11 * time.Second, 31 * time.Second, 31 * time.Second, 61 * time.Second,
		4 * time.Minute, 6 * time.Minute,
		11 * time.Minute, 16 * time.Minute, 45 * time.Minute, 2 * time.Hour, 13 * time.Hour, 25 * time.Hour,
		170 * time.Hour}
	getPaths = []string{"/login", "/verify", "/tf-setup", "/tf-validate", "/tf-select", "/tf-rescue", "/me",
		"/tf-recovery", "/logout", "/tf-resend",
		"/register", "/tf-not-me/AAAA", "/tf-setup/AAAA", "/tf-static/style.css", "/nothing"}
	moving  = []string{"copy", "plant", "restore", "forget"} // cookies, in one browser
	planted = []string{sessionCookie, pendingCookie, deviceCookie, askedCookie, knownCookie}
	names   = []string{"", "work", "home \u200bphone"}
	kinds   = []string{"session", "pending", "device", "header", "state", "code", "question", "paper",
		"refresh", "personal", "link", "known"}
)

// of returns the n-th newest issued token of a kind, or "".
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

// take runs one step and compares the result. After it, take probes every browser that the step may
// have affected, and uses one issued token both for its purpose and for others.
func (w *world) take(s step) error {
	w.now = w.now.Add(time.Millisecond)
	w.clock.Set(w.now)
	if err := w.act(s); err != nil {
		return err
	}
	moved := slices.Contains(moving, s.what)
	if !moved {
		if err := w.learn(); err != nil {
			return err
		}
	}
	for i, b := range w.browsers {
		if moved && i != s.b {
			continue
		}
		if err := w.probe(fmt.Sprint("browser ", i), b, ""); err != nil {
			return err
		}
	}
	if n := len(w.personal); n > 0 && s.n%2 == 0 {
		if err := w.probePersonal(w.personal[max(0, n-1-s.n/2%5)]); err != nil {
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

// learn compares the store with the model.
func (w *world) learn() error {
	if err := w.learnFactors(); err != nil {
		return err
	}
	if err := w.learnTokens(); err != nil {
		return err
	}
	if err := w.learnSites(); err != nil {
		return err
	}
	return w.learnLeaving()
}

func (w *world) act(s step) error {
	b, a := w.browsers[s.b], w.accounts[s.u%len(w.accounts)]
	switch s.what {
	case "clock":
		return w.pass(moves[s.v%len(moves)])
	case "day": // until what waits for a day is open
		return w.pass(25 * time.Hour)
	case "week": // until a deletion that waits is due
		return w.pass(leaveWait)
	case "copy": // a cookie from another browser
		name := planted[s.v%len(planted)]
		if v := w.browsers[s.n%len(w.browsers)][name]; v != "" {
			b[name] = v
		}
		return nil
	case "plant": // any token as any cookie
		if t := w.of(kinds[(s.u+s.n)%len(kinds)], s.n%7); t != "" {
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
	case "invite":
		return w.invite(s, a)
	case "await":
		return w.await(s)
	case "revoke invitation":
		return w.revokeInvitation(s)
	case "delete":
		return w.delete(a)
	case "address":
		return w.readdress(s, a)
	case "active", "reset", "password", "lock":
		return w.operate(s.what, s, a)
	case "list":
		return w.list(s, w.turn(s))
	case "get":
		return w.get(s, w.turn(s).q)
	}
	return w.ask(s)
}

// pass lets time pass. A process may answer from memory for a second of real time, so pass waits
// that second when trust ends under a session that is still active.
func (w *world) pass(d time.Duration) error {
	before := w.now
	w.now = w.now.Add(d)
	w.clock.Set(w.now)
	for _, s := range w.sessions {
		if s.by != nil && !s.dead && w.now.Before(s.idle) && before.Before(s.by.until) && !w.now.Before(s.by.until) {
			time.Sleep(memory)
			break
		}
	}
	return w.due()
}

const memory = 1100 * time.Millisecond

// turn is a step that is a request, with its caller.
type turn struct {
	step
	w      *world
	b      browser
	a      *account
	q      request
	who    *session // behind the request; nil: no one
	cookie string   // of the pending sign-in
}

func (w *world) turn(s step) *turn {
	t := &turn{step: s, w: w, b: w.browsers[s.b], a: w.accounts[s.u%len(w.accounts)]}
	t.q = request{b: t.b, method: http.MethodPost, fields: map[string]any{}, form: s.form}
	switch s.header {
	case 1:
		t.q.header = w.of("header", s.n%3)
	case 2:
		t.q.header = w.of("session", s.n%3)
	case 3:
		t.q.header = w.of("pending", s.n%3)
	}
	t.cookie, w.device, w.note = t.b[pendingCookie], t.b[deviceCookie], t.b[knownCookie]
	if t.who = w.find(t.b[sessionCookie], false); t.q.header != "" {
		t.who = w.find(t.q.header, true)
	}
	return t
}

// apart lets half a minute pass if this code was entered a moment ago, because a repeated answer
// gets the same result, which separate tests cover.
func (t *turn) apart(code string) {
	typed := strings.Join(strings.Fields(strings.ReplaceAll(code, "-", "")), "")
	if at, ok := t.w.typed[typed]; ok && t.w.now.Sub(at) < repeated {
		t.w.pass(repeated)
		*t = *t.w.turn(t.step)
	}
	t.w.typed[typed] = t.w.now
}

const repeated = 31 * time.Second

// post defines which fields are posted to which path.
func (t *turn) post(path string, fields map[string]any) {
	if t.q.path = path; fields != nil {
		t.q.fields = fields
	}
}

// asks holds the steps that are requests. Each builds its request and returns the expected result,
// or nil if there is nothing to request.
var asks = map[string]func(*turn) *want{
	"login": (*turn).login, "verify": (*turn).verify, "validate": (*turn).validate, "logout": (*turn).logout,
	"confirm": (*turn).confirm, "setup": (*turn).setup, "disable": (*turn).disable,
	"select": (*turn).choose, "resend": (*turn).resend, "rescue": (*turn).rescue, "not me": (*turn).notMe,
	"end others": (*turn).endOthers, "revoke": (*turn).revokeDevices,
	"rename": (*turn).rename, "prefer": (*turn).prefer, "remove": (*turn).remove, "new codes": (*turn).newCodes,
	"use code": (*turn).useCode,
}

// tokened lists the steps that can request a header token.
var tokened = []string{"login", "verify", "validate"}

func (w *world) ask(s step) error {
	fill := asks[s.what]
	if fill == nil {
		return fmt.Errorf("no step is called %q", s.what)
	}
	s.token = s.token && slices.Contains(tokened, s.what)
	t := w.turn(s)
	x := fill(t)
	if x == nil {
		return nil
	}
	if x.status == 200 || x.oauth != nil {
		w.done[s.what]++
	}
	if s.token {
		t.q.path += "?include_auth_token"
	}
	if x.status == 200 && !t.q.form && s.n%3 == 0 && slices.Contains(once, s.what) {
		return w.inParallel(t, x)
	}
	before := browser(maps.Clone(t.b))
	a := w.send(t.q)
	err := w.compare(t.q, a, x)
	if err == nil && s.what == "validate" && x.session != nil && t.who == nil && s.n%3 == 0 {
		t.q.b = before
		return w.twice(t.q, a)
	}
	return err
}

// twice repeats an answer with the same cookies, as a double click does. It gets the session that
// was issued, and no other.
func (w *world) twice(q request, first answer) error {
	w.done["double click"]++
	a := w.send(q)
	if a.status != first.status || a.set[sessionCookie] != first.set[sessionCookie] {
		return wrong("the same answer twice: %d %s, and then %d %s", first.status, first.text, a.status, a.text)
	}
	return w.delivered(&want{})
}

func (t *turn) login() *want {
	password := passwords[2]
	if t.v > 0 {
		password = t.a.password
	}
	t.post("/login", map[string]any{"email": spell(t.a.email, t.n), "password": password, "remember": t.flag})
	t.w.former = t.cookie
	return t.w.login(t.who, t.a, password, t.b[deviceCookie], t.flag, t.token)
}

func (t *turn) verify() *want {
	if lowers(t.who) {
		return nil
	}
	password := []string{passwords[2], "", t.a.password, t.a.password, t.a.password}[t.v%5]
	if t.who != nil && t.v%5 > 2 {
		password = t.who.of.password
	}
	t.post("/verify", map[string]any{"password": password})
	t.w.former = t.cookie
	return t.w.verify(t.who, password, t.token)
}

func (t *turn) validate() *want {
	code := t.w.code(t.step, t.who, t.w.pendings[t.cookie], nil)
	t.apart(code)
	t.post("/tf-validate", map[string]any{"code": code})
	return t.w.validate(t.who, t.cookie, code, t.token)
}

func (t *turn) logout() *want {
	t.post("/logout", nil)
	return t.w.logout(t.who, t.cookie)
}

func (t *turn) disable() *want {
	t.post("/tf-setup", map[string]any{"setup": "disable"})
	return t.w.disable(t.who)
}

func (t *turn) resend() *want {
	t.post("/tf-resend", nil)
	return t.w.resend(t.who, t.cookie)
}

func (t *turn) rescue() *want {
	option := []string{"email", "email", "help", "nonsense", "recovery_code", "recovery_request"}[t.v%6]
	t.post("/tf-rescue", map[string]any{"help_setup": option})
	return t.w.rescue(t.who, t.cookie, option)
}

func (t *turn) notMe() *want {
	all := t.w.notices
	if len(all) == 0 {
		return nil
	}
	n := all[max(0, len(all)-1-t.n%4)]
	t.post("/tf-not-me/"+n.token, nil)
	t.q.form = false
	return t.w.notMe(n)
}

func (t *turn) endOthers() *want {
	t.post("/tf-sessions", nil)
	return t.w.endOthers(t.who)
}

func (t *turn) revokeDevices() *want {
	t.post("/tf-devices", nil)
	return t.w.revokeDevices(t.who)
}

func (t *turn) setup() *want {
	method, name := methods[t.v%3], names[t.n%len(names)]
	t.q.form = false
	t.post("/tf-setup", map[string]any{"setup": method, "phone": t.a.phone, "add": t.flag, "name": name})
	return t.w.begin(t.who, t.cookie, method, t.a.phone, shown(name), t.flag)
}

// shown returns a name without invisible characters.
func shown(name string) string { return strings.ReplaceAll(name, "\u200b", "") }

// confirm confirms an enrollment by its token: the session's own, an older one, another session's,
// or an invalid one.
func (t *turn) confirm() *want {
	var d *draft
	if t.who != nil {
		d = t.w.drafts[owner(t.who, nil)]
	}
	state := t.w.of("state", t.n%4)
	if d != nil && t.flag {
		state = d.token
	}
	if state == "" {
		state = "AAAA"
	}
	code := t.w.code(t.step, t.who, nil, d)
	t.apart(code)
	t.post("/tf-setup/"+state, map[string]any{"code": code})
	return t.w.confirm(t.who, nil, state, code, false)
}

// operate is a step of the application or an operator, of which the owner is notified.
func (w *world) operate(what string, s step, a *account) error {
	x, ctx := &want{}, context.Background()
	var err error
	switch what {
	case "active":
		a.active = s.flag
		err = w.auth.SetActive(ctx, a.id, s.flag)
	case "lock": // ends nothing
		a.locked = s.flag
		return nil
	case "reset":
		a.factors, a.firsts, a.sites = nil, nil, nil
		err = w.auth.ResetAccess(ctx, a.id)
		w.announce(x, a, "access_reset")
	case "password":
		a.password = passwords[s.v%2]
		a.hashes++
		err = w.auth.SetPassword(ctx, a.id, a.password)
		w.announce(x, a, "password_changed")
	}
	w.change(a)
	if err != nil {
		return err
	}
	return w.delivered(x)
}

// get opens a path. It must reveal nothing and end at most a cookie.
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

// spell returns one of the usual spellings of an identity.
func spell(email string, n int) string {
	switch n % 4 {
	case 1:
		return strings.ToUpper(email)
	case 2:
		return " " + email + "\u200b"
	}
	return email
}
