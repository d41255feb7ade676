package explore

import (
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// own is a turn of a signed-in person.
func (t *turn) own(i int) {
	s, b := t.was, t.was.Browsers[i]
	if s.Recovery != NotAsked && t.Fault != RecoveryIsNotStopped {
		s.Recovery = NotAsked
		t.then(By(b.Of), "cancels a recovery", s)
	}
	if s = t.was; !s.Proven && t.reads(b.Of, s.Mailbox) {
		t.provesBy(&s, b.Of, b.Session.First)
		t.then(By(b.Of), "proves the address while signed in", s)
	}
	minting{t}.makesTokens(i)
	t.reauthenticate(i)
	if b.Session.Fresh { // any one factor is enough to remove access
		s = t.was
		trust := s.Browsers[i]
		if t.Fault != OthersAreNotEnded {
			t.end(&s, i)
		}
		s.Browsers[i].TrustFirst, s.Browsers[i].TrustSecond = trust.TrustFirst, trust.TrustSecond
		t.then(By(b.Of), endsOthers, s)
		if s = t.was; t.Trust {
			s.endTrust()
			t.then(By(b.Of), "ends all trust", s)
		}
	}
	if b.Session.Fresh && !b.Session.Trusted && t.full(&t.was, &b) || t.Fault == StaleSessionsChange {
		t.changeSeconds(i)
		t.changeFirsts(i)
		t.changeIdentity(i)
		life{t}.asksForDeletion(i)
	} else if t.Fault == AnyoneAsksForDeletion {
		life{t}.asksForDeletion(i)
	}
}

// reauthenticate makes a session fresh, with any first factor, or with only a passkey that counts
// as both factors.
func (t *turn) reauthenticate(i int) {
	s, b := t.was, t.was.Browsers[i]
	if b.Session.Fresh && !b.Session.Trusted || t.Fault == NothingIsFresh {
		return
	}
	done := func(first, second Thing) {
		s.Browsers[i].Session = Session{First: first, Second: second, Fresh: true, Copied: b.Session.Copied}
		t.then(By(b.Of), "proves again who they are", s, first, second)
	}
	(s.Firsts | s.Sites | s.Seconds&ofKind(Passkey) | set(thing(Password, Ann))).each(func(first Thing) {
		if !t.can(&s, b.Of, first) {
			return
		}
		if first.kind() == Passkey && t.PasskeyIsBoth && t.owns(b.Of, first) {
			done(first, first)
		}
		switch next := t.again(&s, first); next.Do {
		case policy.SignIn:
			done(first, 0)
		case policy.Prove:
			for _, f := range next.Factors {
				if second := thingOf(f); t.can(&s, b.Of, second) {
					done(first, second)
				}
			}
		}
	})
}

// changeSeconds adds, replaces and removes second factors, and creates recovery codes.
func (t *turn) changeSeconds(i int) {
	b := t.was.Browsers[i]
	for _, k := range t.Seconds {
		second := thing(k, b.Of)
		if k == Mail {
			second = thing(Mail, t.was.Mailbox)
		}
		t.add(i, second, 0)
		t.was.Seconds.each(func(lost Thing) { t.add(i, second, lost) })
	}
	t.was.Seconds.each(func(old Thing) {
		s := t.was
		s.Seconds &^= set(old)
		last := s.Seconds == 0
		if last && t.Required || !t.opens(&s, t.ways(&s)) {
			return
		}
		if n := &s.Browsers[i].Session; last {
			n.Second, s.Sheet = 0, 0
		}
		s.Blocked = false
		t.end(&s, i)
		t.then(By(b.Of), "removes a second factor", s, old)
	})
	if s := t.was; s.Seconds&(s.Seconds-1) != 0 && !t.Required && t.without(s) {
		s.Seconds, s.Sheet, s.Blocked, s.Browsers[i].Session.Second = 0, 0, false, 0
		t.end(&s, i)
		t.then(By(b.Of), "switches all second factors off", s)
	}
	if s := t.was; t.Codes && s.Seconds != 0 && t.mayEnroll(&s) {
		s.Sheet = set(thing(Sheet, b.Of))
		if t.Fault != CodesEndNothing {
			t.end(&s, i)
		}
		t.then(By(b.Of), "makes recovery codes", s)
	}
}

// without reports whether the account opens without a second factor.
func (t *turn) without(s State) bool {
	s.Seconds = 0
	return t.opens(&s, t.ways(&s))
}

// add adds a second factor or replaces another one. Several of a kind, such as two phones, count as
// one here.
func (t *turn) add(i int, second, lost Thing) {
	s, b, r := t.was, t.was.Browsers[i], t.rules(&t.was)
	c := storage.FactorChange{Add: &storage.Factor{Method: methods[second.kind()]}}
	if lost != 0 {
		c.Remove = []string{"lost"}
	}
	first := b.Session.First
	switch {
	case !t.can(&s, b.Of, second), r.Refuses(methods[second.kind()]):
		return
	case !r.AreIndependent(proofs[first], proofs[second]):
		return
	case !t.mayChange(&s, c):
		return
	}
	s.Seconds = s.Seconds&^set(lost)&^set(0) | set(second)
	if !t.opens(&s, t.ways(&s)) {
		return
	}
	if second.kind() == Mail {
		t.provesBy(&s, b.Of, first)
	}
	s.Blocked = false
	t.end(&s, i)
	s.Browsers[i].Session.Second = second
	t.then(By(b.Of), "sets up a second factor", s, second, lost)
}

// ways returns the possible first factors.
func (t *turn) ways(s *State) (w policy.Ways) {
	w.Password = s.HasPassword
	if t.MailBegins {
		w.Others = append(w.Others, proofs[thing(Mail, s.Mailbox)])
	}
	(s.Firsts | s.Sites).each(func(x Thing) {
		if x.kind() == Passkey {
			w.Passkey = true
		} else {
			w.Others = append(w.Others, proofs[x])
		}
	})
	return w
}

// opener returns the first factor of a kind. If one person has everything, that passkey differs
// from the second factor.
func (t *turn) opener(k Kind, p Person) Thing {
	if t.Alone && k == Passkey {
		p = Ben
	}
	return thing(k, p)
}

// changeFirsts adds and removes first factors.
func (t *turn) changeFirsts(i int) {
	b := t.was.Browsers[i]
	for _, k := range t.Firsts {
		s, first := t.was, t.opener(k, b.Of)
		switch {
		case k == Mail:
			first = thing(Mail, s.Mailbox)
			t.provesBy(&s, b.Of, b.Session.First)
		case !t.mayEnroll(&s):
			continue
		}
		if k == Site {
			s.Sites |= set(first)
		} else {
			s.Firsts |= set(first)
		}
		t.end(&s, i)
		t.then(By(b.Of), "adds a way in", s, first)
	}
	(t.was.Firsts | t.was.Sites).each(func(first Thing) {
		s := t.was
		s.Firsts, s.Sites = s.Firsts&^set(first), s.Sites&^set(first)
		if t.opens(&s, t.ways(&s)) {
			t.end(&s, i)
			t.then(By(b.Of), "removes a way in", s, first)
		}
	})
}

// changeIdentity changes the password and the address.
func (t *turn) changeIdentity(i int) {
	s, b := t.was, t.was.Browsers[i]
	if !s.HasPassword || t.can(&s, b.Of, thing(Password, Ann)) {
		s.HasPassword, s.AtFormer, s.Knows = true, false, [people]bool{}
		s.Knows[b.Of] = true
		t.end(&s, i)
		t.then(By(b.Of), "changes the password", s)
	}
	for to := range people {
		if s = t.was; to == s.Mailbox || t.OwnTable || !t.reads(b.Of, to) {
			continue
		}
		t.moveTo(&s, to, b.Of)
		t.end(&s, i)
		t.then(By(b.Of), "changes the address to "+to.String()+"'s", s)
	}
}
