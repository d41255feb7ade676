package model_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
)

// soft is a person's authenticator.
type soft struct {
	*softkey.Key
	by *account
}

var (
	keyNames = []string{"blue key", "red key", "work", "phone", ""}
	usages   = []string{useFirst, useSecond, useSecond, "nonsense"}
)

func init() {
	for what, fill := range map[string]func(*turn) *want{
		"new passkey": (*turn).newPasskey, "add passkey": (*turn).addPasskey, "drop passkey": (*turn).dropPasskey,
		"ask passkey": (*turn).askPasskey, "passkey": (*turn).passkey, "ask again": (*turn).askAgain,
		"passkey again": (*turn).passkeyAgain,
	} {
		asks[what] = fill
	}
	tokened = append(tokened, "add passkey", "passkey", "passkey again")
}

func (t *turn) newPasskey() *want {
	name, usage := keyNames[t.n%len(keyNames)], usages[t.v%len(usages)]
	t.post("/wan-register", map[string]any{"name": name, "usage": usage})
	return t.asking(t.w.newPasskey(t.who, t.cookie, name, usage))
}

func (t *turn) askPasskey() *want {
	var hint *account
	fields := map[string]any{}
	if t.n%3 == 0 {
		hint, fields["identity"] = t.a, spell(t.a.email, t.n/3)
	}
	t.post("/wan-signin", fields)
	return t.asking(t.w.askPasskey(t.who, t.cookie, hint))
}

func (t *turn) askAgain() *want {
	t.post("/wan-verify", nil)
	return t.asking(t.w.askAgain(t.who, t.cookie))
}

// asking learns the challenge in an answer.
func (t *turn) asking(x *want) *want {
	t.q.form = false
	q := x.question
	if q == nil {
		return x
	}
	x.learn = func(a answer) error {
		q.token, _ = a.body["wan_state"].(string)
		q.options, _ = json.Marshal(a.body["credential_options"])
		switch q.owner {
		case "first":
			q.owner = first(t.b[askedCookie], q.token)
		case "invite":
			q.owner = invitedOwner(q.link.token, q.token)
		}
		t.w.questions[q.owner] = q
		t.w.asked = append(t.w.asked, q)
		t.w.handOut("question", q.token)
		return nil
	}
	return x
}

func (t *turn) addPasskey() *want {
	state, a := t.sign("create ", true)
	t.post("/wan-register/"+url.PathEscape(state), map[string]any{"credential": raw(a)})
	enrolls := t.w.enrolling(t.who, t.cookie) != nil
	x := t.w.addPasskey(t.who, t.cookie, state, a, t.token)
	if enrolls && x.status == 200 {
		t.w.done["passkey of a sign-in"]++
	}
	return x
}

func (t *turn) passkey() *want {
	kind := "first " + t.b[askedCookie] + " "
	if t.n%6 == 2 { // of whatever browser
		kind = "first "
	}
	if t.w.awaits(t.cookie, nil) != nil && t.n%8 > 0 {
		kind = "second "
	}
	state, a := t.sign(kind, false)
	t.post("/wan-signin/"+url.PathEscape(state), map[string]any{"credential": raw(a), "remember": t.flag})
	t.w.former = t.cookie
	return t.w.passkey(t, state, a, t.flag)
}

func (t *turn) passkeyAgain() *want {
	kind := "verify "
	if t.w.awaits(t.cookie, t.who) != nil && t.n%8 > 0 {
		kind = "second "
	}
	state, a := t.sign(kind, false)
	if lowers(t.who) && (a == nil || !a.verified) {
		return nil
	}
	t.post("/wan-verify/"+url.PathEscape(state), map[string]any{"credential": raw(a)})
	return t.w.passkeyAgain(t, state, a)
}

func (t *turn) dropPasskey() *want {
	name := keyNames[t.n%len(keyNames)]
	if t.who != nil && t.v%3 > 0 {
		if all := t.who.of.passkeys(); len(all) > 0 {
			name = all[t.v%len(all)].name
		}
	}
	t.post("/wan-delete", map[string]any{"name": name})
	return t.w.dropPasskey(t.who, name)
}

func raw(a *signed) string {
	if a == nil {
		return "{}"
	}
	return a.raw
}

// sign responds to the newest or another challenge of a kind, correctly or as an attacker would who
// observed, stole or guessed. It returns the challenge that is named with the response.
func (t *turn) sign(kind string, made bool) (state string, a *signed) {
	w := t.w
	q := w.newest(kind, 0)
	if t.v == anyCode || q == nil {
		q = w.newest("", t.n%5)
	}
	if t.v == usedCode && len(w.answers) > 0 {
		a := w.answers[max(0, len(w.answers)-1-t.n%4)]
		return a.state, a
	}
	if q == nil {
		return "AAAA", nil
	}
	to := q
	switch t.v {
	case emptyCode:
		return q.token, nil
	case nextCode: // an answer to another question
		to = w.newest("", 1+t.n%3)
	case spacedCode:
		made = !made
	}
	k := t.holder(q, made)
	if k == nil || to == nil {
		return q.token, nil
	}
	a = &signed{by: k, to: to, made: made, verified: k.Flags&softkey.UV != 0, state: q.token}
	var lies []softkey.Lie
	if t.v == lastCode || t.n%5 == 1 { // its user was not verified
		lies, a.verified = append(lies, softkey.Clear(softkey.UV)), false
	}
	counter := k.Counter
	var err error
	switch {
	case made:
		a.raw, err = k.Create(to.options, lies...)
		a.counter = k.Counter
	case k.Counting && t.n%3 == 1: // someone has a copy of it
		a.raw, err = k.Get(to.options, append(lies, softkey.Count(counter))...)
		a.counter = counter
	default:
		a.raw, err = k.Get(to.options, lies...)
		a.counter = k.Counter
	}
	if err != nil {
		return q.token, nil
	}
	a.handle = string(k.Handle)
	w.answers = append(w.answers, a)
	return q.token, a
}

// newest returns the n-th newest challenge whose owner's name has a prefix.
func (w *world) newest(kind string, n int) *question {
	for _, q := range slices.Backward(w.asked) {
		if strings.HasPrefix(q.owner, kind) {
			if n--; n < 0 {
				return q
			}
		}
	}
	return nil
}

// holder returns the authenticator that responds.
func (t *turn) holder(q *question, made bool) *soft {
	w := t.w
	of := t.a
	if q.of != nil && t.v != othersCode {
		of = q.of
	}
	if made && t.n%6 > 0 || t.v == neverCode || len(w.softs) == 0 {
		k, err := softkey.New(origin, softkey.ES256)
		if err != nil {
			return nil
		}
		if t.n%4 == 0 {
			k.Flags &^= softkey.UV
		}
		k.Counting = t.n%3 == 0
		w.softs = append(w.softs, &soft{k, of})
		return w.softs[len(w.softs)-1]
	}
	if q.bound && len(q.allowed) > 0 && t.v != othersCode && t.n%9 > 0 {
		return q.allowed[t.n%len(q.allowed)]
	}
	own := of.passkeys()
	if q.of == nil && t.v != othersCode {
		own = w.firstKeys()
	}
	if len(own) > 0 && t.n%9 > 0 {
		return own[t.n%len(own)].soft
	}
	return w.softs[t.n%len(w.softs)]
}
