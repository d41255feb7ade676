package model_test

import (
	"fmt"
	"slices"

	"github.com/twofold-auth/twofold/internal/testkit"
)

func init() {
	for what, fill := range map[string]func(*turn) *want{
		"send first": (*turn).sendFirst, "unified": (*turn).unified, "follow": (*turn).follow,
		"first verify": (*turn).firstVerify,
		"send again":   (*turn).sendAgain, "begin first": (*turn).beginFirst, "confirm first": (*turn).confirmFirst,
		"remove first": (*turn).removeFirst,
	} {
		asks[what] = fill
	}
	tokened = append(tokened, "unified", "first verify", "follow")
}

// firstMethods are the requested methods. The last one sends nothing and is not enabled here.
var firstMethods = []string{"email", "sms", "authenticator", "password"}

func (t *turn) sendFirst() *want {
	channel := firstMethods[t.v%3]
	t.q.form = false
	t.post("/us-signin/send-code", map[string]any{"identity": spell(t.a.email, t.n), "chosen_method": channel})
	return t.w.sendFirst(t, t.a, channel)
}

func (t *turn) unified() *want {
	text := t.firstCode(t.a, func(channel string) string { return firstKey(t.b[askedCookie], channel) })
	t.post("/us-signin", map[string]any{"identity": spell(t.a.email, t.n), "passcode": text, "remember": t.flag})
	t.w.former = t.cookie
	return t.w.unified(t, t.a, text, t.flag)
}

func (t *turn) firstVerify() *want {
	if lowers(t.who) {
		return nil
	}
	of, key := t.a, func(string) string { return "" }
	if t.who != nil {
		of, key = t.who.of, func(channel string) string { return againKey(t.who, channel) }
	}
	text := t.firstCode(of, key)
	t.post("/us-verify", map[string]any{"passcode": text})
	t.w.former = t.cookie
	return t.w.firstVerify(t, text)
}

// firstCode returns a text for the password field: a valid or old code, another user's, or
// sometimes the password itself.
func (t *turn) firstCode(of *account, key func(channel string) string) string {
	switch t.v {
	case usedCode:
		if n := len(of.used); n > 0 {
			return of.used[max(0, n-1-t.n%3)]
		}
	case othersCode:
		of = t.w.accounts[(1+slices.Index(t.w.accounts, of))%len(t.w.accounts)]
	case neverCode:
		return "000001"
	case emptyCode:
		return ""
	case nextCode:
		return of.password
	case anyCode:
		return t.w.of("code", t.n%5)
	}
	for _, channel := range []string{"email", "sms"} {
		if c := t.w.codes[key(channel)]; c != nil && c.code != "" {
			return c.code
		}
	}
	if f := of.firstOf("authenticator"); f != nil {
		return testkit.App(f.secret).At(max(t.w.now.Unix()/30, f.last+1))
	}
	return "000001"
}

// follow clicks the button of one of the last links.
func (t *turn) follow() *want {
	l, token := t.someLink("us_code")
	meant := t.v%2 == 0
	t.post("/us-verify-link/"+token, map[string]any{"meant": meant})
	t.w.former = t.cookie
	return t.w.follow(t, l, meant)
}

func (t *turn) sendAgain() *want {
	channel := firstMethods[t.v%3]
	t.post("/us-verify/send-code", map[string]any{"chosen_method": channel})
	return t.w.sendAgain(t.who, channel)
}

func (t *turn) beginFirst() *want {
	method := append(firstMethods, "")[t.v%5]
	t.q.form = false
	t.post("/us-setup", map[string]any{"chosen_method": method, "phone": t.a.phone})
	return t.w.beginFirst(t, method, t.a.phone)
}

func (t *turn) confirmFirst() *want {
	var d *draft
	state := t.w.of("state", t.n%4)
	if t.who != nil {
		d = t.w.drafts[firstOwner(t.who)]
	}
	if d != nil && t.n%8 > 0 {
		state = d.token
	}
	if state == "" {
		state = "AAAA"
	}
	code := t.w.code(t.step, nil, nil, d)
	t.apart(code)
	t.post(fmt.Sprint("/us-setup/", state), map[string]any{"passcode": code})
	return t.w.confirmFirst(t.who, state, code)
}

func (t *turn) removeFirst() *want {
	method := firstMethods[t.v%4]
	t.q.form = false
	t.post("/us-setup", map[string]any{"delete_method": []string{method}})
	return t.w.removeFirst(t.who, method)
}
