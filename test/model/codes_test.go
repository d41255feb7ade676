package model_test

import (
	"slices"
	"strings"
)

// Recovery codes: a new set replaces the former one, and each code replaces the second factor once.

const codesInSet = 10

func (m *model) newCodes(who *session, cookie string) *want {
	switch {
	case who == nil, !m.fresh(who, freshForUs):
		return refused(401)
	case who.of.unproven:
		return m.proofFirst(who, cookie)
	case len(who.of.factors) == 0:
		return refused(400)
	}
	of := who.of
	of.former, of.codes = append(of.former, of.codes...), nil
	m.change(of)
	w := &want{status: 200}
	m.announce(w, of, "codes_made")
	m.carry(w, who)
	w.of = nil
	return w
}

// endCodes removes the codes of a user who was rescued.
func (m *model) endCodes(w *want, of *account) {
	if len(of.codes) > 0 {
		m.announce(w, of, "codes_ended")
	}
	of.former, of.codes = append(of.former, of.codes...), nil
}

// useCode completes a sign-in with a recovery code. It trusts no browser, and a user excluded from
// rescue stays excluded.
func (m *model) useCode(who *session, cookie, typed string) *want {
	p := m.waiting(cookie, nil)
	enrolls := p != nil && (p.state == "setup" || p.state == "owner")
	if who != nil || p == nil || enrolls || p.session != 0 || recoveryCode(typed) == "" {
		return refused(400)
	}
	of := p.of
	pause := m.recoveryCode(of)
	if !m.reserve(pause) {
		return refused(429)
	}
	i := slices.Index(of.codes, recoveryCode(typed))
	if i < 0 {
		return m.warn(of)
	}
	m.giveBack(map[string]int{pause.key: secondFailures})
	of.former = append(of.former, of.codes[i])
	of.codes = slices.Delete(of.codes, i, i+1)
	p.dead = true
	w := &want{status: 200}
	m.announce(w, of, "code_used")
	m.issue(w, of, grant{level: 2, proofs: m.proven(p.how, p.made)})
	return w
}

// recoveryCode returns the code without case and spacing, or "" if the input is not a recovery
// code.
func recoveryCode(typed string) string {
	code := strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(typed))
	if len(code) != 16 || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return ""
	}
	return code
}

func (t *turn) newCodes() *want {
	t.post("/mf-recovery-codes", nil)
	t.q.form = false // a page's codes are for people
	x := t.w.newCodes(t.who, t.cookie)
	if x.status == 200 {
		of := t.who.of
		x.learn = func(a answer) error {
			list, _ := a.body["recovery_codes"].([]any)
			for _, c := range list {
				text, _ := c.(string)
				of.codes = append(of.codes, recoveryCode(text))
				t.w.handOut("paper", text)
			}
			if len(of.codes) != codesInSet {
				return wrong("a set of %d recovery codes: %s", len(of.codes), a.text)
			}
			return nil
		}
	}
	return x
}

func (t *turn) useCode() *want {
	typed := t.typedCode()
	t.apart(typed)
	t.post("/mf-recovery", map[string]any{"code": typed})
	x := t.w.useCode(t.who, t.cookie, typed)
	if x.status == 200 {
		left := float64(len(x.of.codes))
		x.learn = func(a answer) error {
			if a.body["recovery_codes_left"] != left {
				return wrong("%v recovery codes are left, the model says %v", a.body["recovery_codes_left"], left)
			}
			return nil
		}
	}
	return x
}

// typedCode returns a code of the set in some spelling, a spent one, one of a former set, another
// user's, or one that never existed.
func (t *turn) typedCode() string {
	of := t.a
	if p := t.w.pendings[t.cookie]; p != nil && t.v != othersCode {
		of = p.of
	}
	from := of.codes
	switch t.v {
	case usedCode:
		if from = of.former; t.n%2 == 0 && len(from) > 1 {
			from = from[len(from)-1:] // the one spent last
		}
	case neverCode:
		return "aaaa-bbbb-cccc-dddd"
	case emptyCode:
		return ""
	case nextCode:
		return t.w.code(t.step, t.who, t.w.pendings[t.cookie], nil)
	case anyCode:
		return t.w.of("paper", t.n%20)
	}
	if len(from) == 0 {
		return "aaaa-bbbb-cccc-dddd"
	}
	code := from[t.n%len(from)]
	if t.v == spacedCode {
		code = strings.ToUpper(code[:5]) + " " + code[5:] + "-"
	}
	return code
}
