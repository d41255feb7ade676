package model_test

import (
	"encoding/base32"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/send"
)

// broken is an error that a walk finds.
type broken struct{ text string }

func (b *broken) Error() string { return b.text }

func wrong(format string, args ...any) error { return &broken{fmt.Sprintf(format, args...)} }

func (w *world) handOut(kind, value string) { w.handed = append(w.handed, token{kind, value}) }

// compare checks an answer against the model's expectation, and passes tokens that the model cannot
// know to the model.
func (w *world) compare(q request, a answer, x *want) error {
	if a.status >= 500 {
		return wrong("answer %d %s", a.status, a.text)
	}
	if x.learn != nil && !q.form && (a.status == x.status || x.asks) { // a refusal may rest on it too
		if err := x.learn(a); err != nil {
			return err
		}
	}
	if !q.form && a.status != x.status {
		return wrong("answer %d %s, the model says %d", a.status, a.text, x.status)
	}
	if user, ok := a.body["user"].(map[string]any); ok && x.of != nil && user["email"] != x.of.email {
		return wrong("the answer speaks of %v, the model of %s", user["email"], x.of.email)
	}
	header, _ := a.body["user"].(map[string]any)
	headerToken, _ := header["authentication_token"].(string)
	refreshToken, _ := header["refresh_token"].(string)
	for _, thing := range []struct {
		name, value string
		wanted      bool
		keep        func(string)
	}{
		{"session", a.set[sessionCookie], x.session != nil, func(v string) { w.sessions[v] = x.session }},
		{"header", headerToken, x.header != nil, func(v string) { w.sessions[v] = x.header }},
		{"refresh", refreshToken, x.family != nil, func(v string) { x.family.texts = append(x.family.texts, v) }},
		{"pending", a.set[pendingCookie], x.pending != nil, func(v string) { w.pendings[v] = x.pending }},
		{"device", a.set[deviceCookie], x.device != nil, func(v string) {
			x.device.cookies = append(x.device.cookies, v)
			w.devices[v] = x.device
		}},
		{"oauth state", a.set[oauthCookie], x.oauth != nil, func(v string) { x.oauth.cookie = v }},
		{"sign-up", a.set[signUpCookie], x.signUp != nil, func(v string) { w.signUps[v] = x.signUp }},
		{"known", a.set[knownCookie], x.note != nil, func(v string) { w.notes[v] = x.note }},
	} {
		if thing.value != "" != thing.wanted && (thing.name != "header" && thing.name != "refresh" || !q.form) {
			return wrong("%s handed out: %v, the model says %v; answer %d %s", thing.name, thing.value != "",
				thing.wanted, a.status, a.text)
		}
		if thing.value != "" {
			thing.keep(thing.value)
			w.handOut(thing.name, thing.value)
		}
	}
	if x.draft != nil {
		x.draft.token = either(a.body, "tf_state_token", "state")
		key := either(a.body, "tf_authr_b32key", "authr_b32key")
		x.draft.secret, _ = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
		w.handOut("state", x.draft.token)
	}
	return w.delivered(x)
}

// either returns one of two fields, one named for second factors and one for first factors.
func either(body map[string]any, names ...string) string {
	for _, name := range names {
		if text, ok := body[name].(string); ok {
			return text
		}
	}
	return ""
}

var stopLink = regexp.MustCompile(`/tf-not-me/([^\s<"]+)`)

// delivered checks that exactly the messages of the model are sent to their recipients. Messages
// for which no request waits may stay in the outbox for a moment.
func (w *world) delivered(x *want) error {
	sends := x.sends
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Microsecond) {
		for _, m := range w.box.take("") {
			switch {
			case m.Kind == "notice_recovery_asked" && m.Channel == send.SMS:
				i := slices.Index(x.texts, m.To)
				if i < 0 && !w.texted[m.To] {
					return wrong("a text about a recovery went to %s", m.To)
				} else if i >= 0 {
					x.texts, w.texted[m.To] = slices.Delete(x.texts, i, i+1), true
				}
			case strings.HasPrefix(m.Kind, "notice_"):
				if err := w.told(x, m); err != nil {
					return err
				}
			case m.Kind == "two_factor_code", m.Kind == "us_code":
				if len(sends) == 0 || m.Channel != sends[0].channel || m.To != sends[0].dest {
					return wrong("a code went by %s to %s that the model does not know of", m.Channel, m.To)
				}
				w.arrived(sends[0], m)
				sends = sends[1:]
			case m.To != helpBox:
				if err := w.letter(x, m); err != nil {
					return err
				}
			}
		}
		missing := slices.IndexFunc(x.notices, func(n *notice) bool { return n.token == "" })
		switch {
		case len(sends) == 0 && missing < 0 && len(x.letters) == 0 && len(x.texts) == 0:
			return nil
		case !time.Now().After(deadline):
		case len(x.letters) > 0 || len(x.texts) > 0:
			return wrong("what did not go out: %v %v", x.letters, x.texts)
		case missing < 0:
			return wrong("no code went by %s to %s", sends[0].channel, sends[0].dest)
		default:
			return wrong("%s did not hear of %s", x.notices[missing].to, x.notices[missing].kind)
		}
	}
}

// arrived takes a code and the link sent with it.
func (w *world) arrived(c *challenge, m send.Message) {
	c.code = testkit.Code(m.Text)
	w.handOut("code", c.code)
	if found := mailed.FindStringSubmatch(m.Text); found != nil && c.link != nil {
		c.link.token = found[1]
		w.links = append(w.links, c.link)
		w.handOut("link", c.link.token)
	}
}

// told takes a notice that the model knows.
func (w *world) told(x *want, m send.Message) error {
	link := stopLink.FindStringSubmatch(m.Text)
	if link != nil && slices.ContainsFunc(w.notices, func(n *notice) bool { return n.token == link[1] }) {
		return nil // delivered again: the clock ran past the lease meanwhile
	}
	i := slices.IndexFunc(x.notices, func(n *notice) bool { return n.kind == m.Kind && n.to == m.To && n.token == "" })
	if i >= 0 && x.notices[i].mute && link == nil {
		x.notices[i].token = "none"
		return nil
	}
	if i < 0 || link == nil || x.notices[i].mute {
		return wrong("a notice %q went to %s that the model does not know of:\n%s", m.Kind, m.To, m.Text)
	}
	x.notices[i].token = link[1]
	w.notices = append(w.notices, x.notices[i])
	return nil
}

// probe requests the three pages and checks that the session reaches those that the model allows.
func (w *world) probe(what string, b browser, header string) error {
	cookie := b[sessionCookie]
	for _, page := range []string{"/user", "/two", "/fresh"} {
		s := w.find(cookie, false)
		if header != "" {
			s = w.find(header, true)
		}
		status, text := 401, ""
		switch {
		case s == nil:
		case page == "/two" && s.level < 2 && !s.trusted:
			status = 403
		case page == "/fresh" && !w.fresh(s, freshForPage):
		default:
			status, text = 200, fmt.Sprintf("%s %d %v", s.of.email, s.level, s.trusted)
		}
		a := w.send(request{b: b, header: header, method: http.MethodGet, path: page})
		if a.status != status || status == 200 && a.text != text {
			return wrong("%s: %s answers %d %s, the model says %d %s", what, page, a.status, a.text, status, text)
		}
		if len(a.set) > 0 {
			return wrong("%s: %s sets cookies", what, page)
		}
	}
	return nil
}
