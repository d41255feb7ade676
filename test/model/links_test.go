package model_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/twofold-auth/twofold/send"
)

// linkPaths holds the path of each kind of link.
var (
	linkPaths = map[string]string{"reset": "/reset/", "change_email": "/change-email/", "recovery": "/tf-recovery/",
		"confirm": "/confirm/", "invite": "/tf-invite/", "delete": "/tf-delete/"}
	linkKinds = []string{"reset", "change_email", "recovery", "invite", "delete"}
	mailed    = regexp.MustCompile(
		`https://walk\.test/(?:confirm|reset|change-email|us-verify-link|tf-(?:recovery|invite|delete))/` +
			`([^\s<"]+)`)
)

func init() {
	for what, fill := range map[string]func(*turn) *want{
		"ask reset": (*turn).askReset, "reset by link": (*turn).reset, "ask change": (*turn).askChange,
		"change by link": (*turn).moved,
		"recover":        (*turn).recover, "cancel": (*turn).cancel, "open link": (*turn).openLink,
	} {
		asks[what] = fill
	}
}

// letter takes a mail with a link that the model knows.
func (w *world) letter(x *want, m send.Message) error {
	found, token := mailed.FindStringSubmatch(m.Text), ""
	if found != nil {
		token = found[1]
	}
	if token != "" && slices.ContainsFunc(w.links, func(l *link) bool { return l.token == token }) {
		return nil // delivered again
	}
	for i, l := range x.letters {
		if l.kind == m.Kind && l.to == m.To && (token != "") == (l.kind != "email_wanted") {
			l.token = token
			x.letters = slices.Delete(x.letters, i, i+1)
			if token != "" {
				w.links = append(w.links, l)
				w.handOut("link", token)
			}
			return nil
		}
	}
	return wrong("a mail %q went to %s that the model does not know of:\n%s", m.Kind, m.To, m.Text)
}

// someLink returns one of the last links of a kind, or nil and an invalid token if there is none.
func (t *turn) someLink(kind string) (*link, string) {
	n := t.n % 4
	if t.flag {
		n = 0
	}
	for _, l := range slices.Backward(t.w.links) {
		if l.kind == kind {
			if n--; n < 0 {
				return l, l.token
			}
		}
	}
	if other := t.w.of("link", t.n%3); other != "" { // of another kind
		if !slices.ContainsFunc(t.w.links, func(l *link) bool { return l.token == other && l.kind == kind }) {
			return nil, other
		}
	}
	return nil, "AAAA"
}

// asker records which browser requested a link.
func (t *turn) asker(x *want) *want {
	t.q.form = false
	letters := slices.Clone(x.letters)
	x.learn = func(answer) error {
		for _, l := range letters {
			l.asked = t.b[askedCookie]
		}
		return nil
	}
	return x
}

func (t *turn) askReset() *want {
	email := t.a.email
	if t.n%2 == 0 {
		email = strings.ToUpper(email)
	}
	t.post("/reset", map[string]any{"email": email})
	return t.asker(t.w.askReset(t.a))
}

func (t *turn) reset() *want {
	l, token := t.someLink("reset")
	password := []string{passwords[0], passwords[1], passwords[0], passwords[1], ""}[t.v%5]
	t.post("/reset/"+token, map[string]any{"password": password, "password_confirm": password})
	t.w.former = t.cookie
	return t.w.reset(t, l, password)
}

func (t *turn) askChange() *want {
	of := t.a
	if t.who != nil && t.v%6 > 0 {
		of = t.who.of
	}
	email := []string{of.name + "@walk.test", of.name + ".b@walk.test", t.a.email, ""}[t.n%4]
	t.post("/change-email", map[string]any{"email": email})
	return t.asker(t.w.askChange(t.who, email))
}

func (t *turn) moved() *want {
	l, token := t.someLink("change_email")
	t.post("/change-email/"+token, nil)
	return t.w.moved(t.who, l)
}

func (t *turn) recover() *want {
	l, token := t.someLink("recovery")
	password := passwords[2]
	if l != nil && t.v%8 > 0 {
		password = l.of.password
	}
	t.post("/tf-recovery/"+token, map[string]any{"password": password})
	t.w.former = t.cookie
	return t.w.recover(t, l, password)
}

func (t *turn) cancel() *want {
	t.post("/tf-recovery", nil)
	return t.w.cancel(t.who)
}

// openLink opens the page of a link, as mail scanners do. This changes nothing.
func (t *turn) openLink() *want {
	kind := linkKinds[t.v%len(linkKinds)]
	l, token := t.someLink(kind)
	t.q.form, t.q.method, t.q.path, t.q.fields = false, http.MethodGet, linkPaths[kind]+token, nil
	good := t.w.stands(l)
	switch kind {
	case "recovery":
		good = l != nil && t.w.waits(l) != nil
	case "invite":
		good = t.who == nil && t.w.invites(l)
	case "delete":
		good = t.w.leaves(l)
	}
	switch {
	case !good:
		return refused(400)
	case kind == "change_email" && t.who == nil:
		return refused(401)
	case kind == "change_email" && t.who.of != l.of:
		return refused(400)
	}
	return &want{status: 200}
}

// once lists the steps whose links work once, even for two browsers at the same time.
var once = []string{"reset by link", "change by link", "recover", "confirm by link", "accept", "stay"}

// inParallel follows a link concurrently in two copies of a browser. One gets the result of the
// model, and the other gets nothing.
func (w *world) inParallel(t *turn, x *want) error {
	w.done["in parallel"]++
	jars, answers := []browser{maps.Clone(t.b), maps.Clone(t.b)}, make([]answer, 2)
	var both sync.WaitGroup
	for i := range jars {
		q := t.q
		q.b = jars[i]
		both.Go(func() { answers[i] = w.send(q) })
	}
	both.Wait()
	first := slices.IndexFunc(answers, func(a answer) bool { return a.status == http.StatusOK })
	other := answers[1-max(0, first)]
	if first < 0 || other.status == http.StatusOK || other.status >= 500 {
		return wrong("the same link twice at the same time: %d %s, and %d %s", answers[0].status, answers[0].text,
			answers[1].status, answers[1].text)
	}
	for _, name := range []string{sessionCookie, pendingCookie, deviceCookie, knownCookie} {
		if other.set[name] != "" {
			return wrong("a link that another browser took sets %s", name)
		}
	}
	clear(t.b)
	maps.Copy(t.b, jars[first])
	return w.compare(t.q, answers[first], x)
}
