package model_test

import (
	"fmt"

	"github.com/twofold-auth/twofold/internal/testkit"
)

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

// code returns the code that a person types: the right one according to the model, or another. It
// also returns a correct code when the code has expired.
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
		a := w.accounts[s.u%len(w.accounts)]
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
		return testkit.App(d.secret).At(now)
	case d != nil:
		if c := w.codes[fmt.Sprint("setup ", d.id)]; c != nil {
			return c.code
		}
		return "123456"
	case p != nil && p.state == "owner" && w.codes[p.key()] != nil:
		return w.codes[p.key()].code
	case p == nil || p.factor == nil:
		return "123456"
	}
	if c := w.codes[fmt.Sprint("rescue ", p.id)]; c != nil && p.rescue && off == 0 {
		return c.code
	}
	if p.factor.method == "authenticator" {
		for s := now - 1; s <= now+1 && off == 0; s++ {
			if s > p.factor.last {
				return testkit.App(p.factor.secret).At(s)
			}
		}
		return testkit.App(p.factor.secret).At(now)
	}
	if c := w.codes[p.key()]; c != nil {
		return c.code
	}
	return "123456"
}

// othersCode returns a code that is right for another user.
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
				return testkit.App(f.secret).At(w.now.Unix() / 30)
			}
		}
	}
	return w.of("code", s.n%5)
}
