package model_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// choose picks a step: usually one that continues from the browser's state, often any.
func (w *world) pick(r *rand.Rand) step {
	s := step{
		b: r.IntN(3), u: w.someone(r), v: r.IntN(60), n: r.IntN(1000), flag: r.IntN(3) == 0,
		form: r.IntN(6) == 0, token: r.IntN(4) == 0,
	}
	if r.IntN(10) == 0 {
		s.header = 1 + r.IntN(20)/18 + r.IntN(20)/19
	}
	for i, a := range w.accounts {
		if !a.active && r.IntN(8) == 0 {
			s.what, s.u, s.flag = "active", i, true
			return s
		}
		if len(a.sites) > 0 && r.IntN(120) == 0 { // an address that is another one drops connections
			s.what, s.u = "address", i
			return s
		}
		if a.locked && r.IntN(12) == 0 {
			s.what, s.u, s.flag = "lock", i, false
			return s
		}
	}
	if r.IntN(100) < 55 {
		w.lead(r, &s)
	} else {
		s.what = weighted(r, "login", 2, "verify", 1, "validate", 12, "confirm", 10, "setup", 9, "disable", 3, "select",
			4, "resend", 4,
			"rescue", 4, "logout", 3, "not me", 2, "list", 4, "end others", 2, "revoke", 2, "get", 7, "clock", 14,
			"copy", 7, "plant", 4, "restore", 7, "forget", 3,
			"active", 1, "reset", 1, "password", 1, "address", 1,
			"rename", 2, "prefer", 3, "remove", 3, "new codes", 4, "use code", 4,
			"new passkey", 5, "add passkey", 5, "drop passkey", 2, "ask passkey", 5, "passkey", 7, "ask again", 3,
			"passkey again", 4,
			"refresh", 7, "mint", 4, "end token", 5, "change", 2, "lock", 3,
			"ask reset", 3, "reset by link", 3, "ask confirm", 2, "confirm by link", 2, "ask change", 4,
			"change by link", 4, "recover", 3, "cancel", 1, "open link", 3,
			"invite", 2, "revoke invitation", 1, "accept", 2, "ask invited", 1, "accept by passkey", 2,
			"leave", 1, "stay", 2, "delete", 1,
			"await", 4, "arrive", 4,
			"leave for site", 6, "come back", 8, "sign up", 4, "code of sign-up", 1, "disconnect", 2,
			"send first", 5, "unified", 6, "follow", 5, "first verify", 3, "send again", 3, "begin first", 4,
			"confirm first", 5, "remove first", 5)
	}
	if s.what == "login" && (w.guesser && r.IntN(2) == 0 || r.IntN(8) == 0) {
		s.v = 0
	}
	if s.what == "rescue" {
		s.v = min(r.IntN(10), 5) // a recovery more often than not
	}
	if w.guesser && (s.what == "validate" || s.what == "use code") && r.IntN(2) == 0 {
		s.v = []int{usedCode, othersCode, neverCode, anyCode}[r.IntN(4)]
	}
	switch s.what {
	case "login":
		s.flag = r.IntN(2) == 0
	case "validate", "confirm", "use code", "add passkey", "accept by passkey", "passkey", "passkey again",
		"unified", "first verify", "confirm first", "sign up":
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
	case "lock":
		s.flag = r.IntN(4) > 0
	case "password", "address":
		if r.IntN(3) > 0 {
			s.what = "clock"
		}
	}
	s.form = s.form && s.what != "clock"
	return s
}

// someone returns an account, mostly one of the first two.
func (w *world) someone(r *rand.Rand) int {
	n := r.IntN(12)
	if n < 8 {
		return n / 4 % len(w.accounts)
	}
	return r.IntN(len(w.accounts))
}

// lead picks a step that continues.
func (w *world) lead(r *rand.Rand, s *step) {
	b := w.browsers[s.b]
	who := w.peek(b[sessionCookie], false)
	p := w.waiting(b[pendingCookie], who)
	s.header, s.v = 0, rightCode
	if r.IntN(2) == 0 {
		s.n = r.IntN(3)
	}
	switch away := w.siteStep(b, who); {
	case away != "" && r.IntN(3) > 0:
		s.what, s.flag = away, true
	case who == nil && p == nil && slices.ContainsFunc(w.accounts, (*account).waits) && r.IntN(4) == 0:
		s.what, s.v, s.n = "arrive", r.IntN(60), 2+4*r.IntN(20)
	case who == nil && p == nil && r.IntN(8) == 0:
		s.what, s.v = weighted(r, "leave for site", 3, "arrive", 1), r.IntN(60)
	case r.IntN(10) == 0 && slices.ContainsFunc(w.lasting,
		func(f *lasting) bool { return f.session != 0 && slices.Contains(w.living(f.of), f) }):
		s.what, s.v = "refresh", 1
	case who != nil && w.recovers(who.of) && r.IntN(2) == 0:
		s.what = "cancel"
	case slices.ContainsFunc(w.accounts, w.recovers) && r.IntN(8) == 0:
		s.what, s.flag, s.v = weighted(r, "day", 1, "recover", 3), true, 1
	case slices.ContainsFunc(w.accounts, func(a *account) bool { return a.leaving != nil }) && r.IntN(12) == 0:
		s.what, s.v = weighted(r, "week", 1, "stay", 1), 1
	case len(w.links) > 0 && w.stands(w.links[len(w.links)-1]) && r.IntN(6) == 0:
		kind := w.links[len(w.links)-1].kind
		s.what, s.flag, s.v = followed[kind], true, 1
		if kind == "invite" && r.IntN(2) == 0 {
			s.what, s.v = "ask invited", rightCode
		}
		if v := slices.Index(linkKinds, kind); v >= 0 && r.IntN(4) == 0 {
			s.what, s.v = "open link", v
		}
	case p == nil && w.pendings[b[pendingCookie]] != nil && r.IntN(2) == 0:
		s.what = "validate" // what is over, or another's
	case p != nil && p.state == "select":
		s.what, s.v = weighted(r, "select", 6, "use code", 1), r.IntN(3)
	case w.leads(r, s, who, p):
	case p != nil && p.state == "owner":
		s.what = weighted(r, "validate", 8, "resend", 1, "clock", 1)
	case p != nil && p.state == "ready":
		s.what = weighted(r, "validate", 10, "resend", 2, "rescue", 5, "select", 2, "logout", 1, "clock", 3,
			"use code", 3)
	case p != nil && w.draft(owner(nil, p), p.of) != nil:
		s.what = "validate"
	case p != nil && w.questions["create "+owner(nil, p)] != nil:
		s.what = "add passkey"
	case p != nil:
		s.what, s.v = weighted(r, "setup", 2, "new passkey", 1), r.IntN(3)
	case who == nil && w.trusts(b[deviceCookie]) != nil && r.IntN(2) == 0:
		s.what, s.v = "login", 1
		for i, a := range w.accounts {
			if a == w.trusts(b[deviceCookie]) {
				s.u = i
			}
		}
	case who == nil && r.IntN(3) == 0 && w.begins(r, s):
	case who == nil && w.idle() && r.IntN(3) == 0:
		s.what, s.v = "login", 1
	case who == nil && p == nil && r.IntN(5) == 0: // a pending sign-in of a while ago
		s.what, s.v = "restore", 1
	case who == nil: // hashing is slow on purpose, so sign-ins are few
		s.what, s.v = weighted(r, "login", 1, "copy", 3, "restore", 3, "setup", 1, "validate", 1), r.IntN(60)
	case w.draft(owner(who, nil), who.of) != nil:
		s.what, s.flag = weighted(r, "confirm", 6, "validate", 2, "setup", 1), true
	case (w.codes[againKey(who, "email")] != nil || w.codes[againKey(who, "sms")] != nil) && r.IntN(4) == 0:
		s.what = "first verify"
	case w.draft(firstOwner(who), who.of) != nil && r.IntN(3) > 0:
		s.what, s.n = "confirm first", 1
	default:
		s.what, s.v = weighted(r, "setup", 8, "verify", 1, "end token", 1, "disable", 1, "logout", 1, "clock", 6,
			"copy", 4, "new codes", 3, "prefer", 1, "remove", 2, "rename", 1,
			"new passkey", 10, "ask again", 4, "drop passkey", 1,
			"mint", 3, "remove", 2, "ask change", 2,
			"leave for site", 5, "disconnect", 1,
			"begin first", 6, "change", 1, "leave", 1, "remove first", 1, "send again", 2, "first verify", 2),
			r.IntN(60)
	}
}

// leads continues with a passkey: it responds to this browser's challenge or requests one.
func (w *world) leads(r *rand.Rand, s *step, who *session, p *pending) bool {
	open := func(kind string) bool {
		q := w.newest(kind, 0)
		return q != nil && w.questions[q.owner] == q && w.now.Before(q.until) && r.IntN(8) > 0
	}
	second := p != nil && p.state == "ready" && p.factor.soft != nil && r.IntN(4) > 0
	switch {
	case second && open(fmt.Sprint("second ", p.id)):
		s.what = map[bool]string{true: "passkey", false: "passkey again"}[who == nil]
	case second:
		s.what = map[bool]string{true: "ask passkey", false: "ask again"}[who == nil]
	case who != nil && open(fmt.Sprint("create ", who.id)):
		s.what = "add passkey"
	case who != nil && open(fmt.Sprint("verify ", who.id)):
		s.what = "passkey again"
	case who == nil && open("invite ") && w.invites(w.newest("invite ", 0).link):
		s.what = "accept by passkey"
	case who == nil && open("first "+w.browsers[s.b][askedCookie]+" "):
		s.what = "passkey"
	case who == nil && p == nil && len(w.firstKeys()) > 0 && r.IntN(3) == 0:
		s.what = "ask passkey"
	default:
		return false
	}
	return true
}

// begins starts a sign-in with a code instead of a password, if some account allows it.
func (w *world) begins(r *rand.Rand, s *step) bool {
	var can []int
	for i, a := range w.accounts {
		if a.firstOf("email") != nil || a.firstOf("sms") != nil || a.firstOf("authenticator") != nil {
			can = append(can, i)
		}
	}
	if len(can) == 0 {
		return false
	}
	s.u = can[r.IntN(len(can))]
	s.what, s.v = "unified", rightCode
	for _, channel := range []string{"email", "sms"} { // a code lies ready
		if c := w.codes[firstKey(w.browsers[s.b][askedCookie], channel)]; c != nil &&
			slices.Contains(w.accounts, c.of) && !c.taken && w.now.Before(c.until) {
			s.u = slices.Index(w.accounts, c.of)
			return true
		}
	}
	if f := w.accounts[s.u].firstOf("authenticator"); f == nil || r.IntN(2) == 0 {
		s.what = "send first"
		if w.accounts[s.u].firstOf("email") == nil {
			s.v = 1
		}
	}
	return true
}

// followed lists the steps that follow links.
var followed = map[string]string{
	"us_code": "follow", "reset": "reset by link", "change_email": "change by link", "recovery": "recover",
	"confirm": "confirm by link", "invite": "accept", "delete": "stay",
}

// recovers reports whether the account has a pending recovery.
func (w *world) recovers(a *account) bool {
	return a.recovery != nil && w.waits(a.recovery.link) != nil
}

// firstKeys returns all passkeys that are first factors.
func (w *world) firstKeys() (out []*factor) {
	for _, a := range w.accounts {
		out = append(out, a.passkeys(useFirst)...)
	}
	return out
}

// trusts returns the account whose trusted device a cookie is, or nil.
func (w *world) trusts(cookie string) *account {
	if d := w.devices[cookie]; d != nil && !d.dead && d.version == d.of.version {
		return d.of
	}
	return nil
}

// idle reports whether no browser has a session or a pending step.
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
