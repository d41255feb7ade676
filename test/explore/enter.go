package explore

import "github.com/twofold-auth/twofold/internal/policy"

// enter signs in with every first factor that the browser's person can prove.
func (t *turn) enter(i int) {
	s, p := &t.was, t.was.Browsers[i].Of
	begin := func(first Thing) {
		if t.can(s, p, first) {
			t.after(i, first)
		}
	}
	waits := s.AtFormer
	s.AtFormer = false          // the confirmation of the former system is stored
	begin(thing(Password, Ann)) // Ann's, also if another person chose it: Knows says who can type it
	s.AtFormer = waits
	if t.MailBegins {
		t.byMail(i)
	}
	(s.Firsts&^ofKind(Mail) | s.Sites).each(begin)
	if t.Fault == SiteOpensByAddress {
		(ofKind(Site) &^ s.Sites).each(begin)
	}
}

// byMail starts with a mailed code. It proves the address of an account for which the mailbox has
// always been the only first factor.
func (t *turn) byMail(i int) {
	was, p := t.was, t.was.Browsers[i].Of
	defer func() { t.was = was }()
	s := &t.was
	switch {
	case !t.reads(p, s.Mailbox):
		return
	case s.Proven, s.HasPassword:
	case !s.EverProven:
		t.proves(s, p)
	default: // at a new address that is not proven
		known := s.Browsers[i]
		t.chooses(s, p)
		s.HasPassword, s.Knows, s.Browsers[i] = false, [people]bool{}, Browser{Of: known.Of, Known: known.Known}
	}
	t.after(i, thing(Mail, s.Mailbox))
}

// after runs the step that policy.Next names after a first factor.
func (t *turn) after(i int, first Thing) {
	s := t.was
	p, r := s.Browsers[i].Of, t.rules(&s)
	if first.kind() == Passkey && r.PasskeyIsBoth && t.owns(p, first) { // only they have its PIN
		t.in(s, i, Session{First: first, Second: first}, "signs in by a passkey alone")
		if !t.Alone { // the passkey of a trail may have been used without its PIN
			return
		}
	}
	next := t.next(&s, first)
	switch next.Do {
	case policy.SignIn:
		t.in(s, i, Session{First: first}, "signs in")
	case policy.Enroll:
		t.enroll(i, first, 0, "signs in and sets up the factor that is required")
	case policy.ProveMailbox:
		if t.reads(p, s.Mailbox) {
			was := t.was
			t.provesBy(&t.was, p, first)
			t.enroll(i, first, 0, "signs in, proves the mailbox and sets up the factor that is required")
			t.was = was
		}
	case policy.Prove:
		if t.Fault == SetUpInPlaceOfProof {
			t.enroll(i, first, 0, "signs in and sets up one more factor")
		}
		if next.BrowserDoes && t.vouches(&s, &s.Browsers[i]) {
			t.in(s, i, Session{First: first, Trusted: true}, inTrusted)
		}
		if b := &s.Browsers[i]; !s.Blocked || b.Known {
			for _, f := range next.Factors {
				if second := thingOf(f); t.can(&s, p, second) {
					t.second(i, first, second)
				}
			}
		}
		t.withoutFactor(i, first)
	}
}

// second completes a sign-in with a second factor.
func (t *turn) second(i int, first, second Thing) {
	s := t.was
	p := s.Browsers[i].Of
	if k := second.kind(); k == Mail || k == Mended {
		t.provesBy(&s, p, first)
	}
	if !t.counts(&s, second) {
		was, lost := t.was, t.was.lost()
		if t.was = s; second.kind() != Mended {
			lost = second
		}
		t.before = second
		t.enroll(i, first, lost, "signs in and sets up another factor in the place of one")
		t.was, t.before = was, 0
		return
	}
	if second.kind() == Mended {
		s.endTrust()
	} else if second.kind() != Sheet && t.Fault != RecoveryIsNotStopped {
		s.Recovery = NotAsked
	}
	t.in(s, i, Session{First: first, Second: second}, "signs in")
	if t.Trust && !s.Distrusts && second.kind() != Mended {
		b := &s.Browsers[i]
		b.TrustFirst, b.TrustSecond = first, second
		t.in(s, i, Session{First: first, Second: second}, "signs in and has the browser trusted")
	}
}

// withoutFactor runs the actions that help a person who lost the second factor, and that an
// attacker with the first factor may misuse.
func (t *turn) withoutFactor(i int, first Thing) {
	s := t.was
	p, r := s.Browsers[i].Of, t.rules(&s)
	t.was.Sheet.each(func(sheet Thing) {
		if t.can(&s, p, sheet) {
			t.second(i, first, sheet)
		}
	})
	rescues := t.mayRescue(&s, first)
	if rescues && r.RescueByMail && !r.StrongOnly && t.reads(p, s.Mailbox) {
		t.second(i, first, thing(Mended, s.Mailbox))
	}
	if rescues && t.Recovers && t.Mails && s.HasPassword && s.Recovery == NotAsked {
		s.Recovery = Waits
		if t.Fault == RecoveryDoesNotWait {
			s.Recovery = Opens
		}
		t.then(By(p), "asks for a recovery", s, first)
	}
	if s = t.was; t.Guesses && p == Eve && !s.Blocked {
		s.Blocked = true
		t.then(By(p), "uses up the guesses at the second factor", s, first)
	}
	t.recover(i, first)
}

// recover follows the link of a recovery with the password.
func (t *turn) recover(i int, first Thing) {
	was := t.was
	if p := was.Browsers[i].Of; was.Recovery != Opens || first.kind() != Password || !t.reads(p, was.Mailbox) {
		return
	}
	t.follows(&t.was, was.Browsers[i].Of)
	t.then(By(was.Browsers[i].Of), "follows the link of a recovery and goes no further", t.was)
	t.before = thing(Mended, was.Mailbox)
	t.enroll(i, first, was.lost(), "follows the link of a recovery and sets up another factor")
	t.was, t.before = was, 0
}

// follows takes the link of a recovery, which is single-use.
func (t *turn) follows(s *State, p Person) {
	s.endTrust()
	if t.Fault != RecoveryWorksTwice {
		s.Recovery = NotAsked
	}
	t.proves(s, p)
}

// lost returns the factor that a new one replaces.
func (s *State) lost() (out Thing) {
	s.Seconds.each(func(t Thing) {
		if out == 0 {
			out = t
		}
	})
	return out
}

func (s *State) endTrust() {
	for i := range s.Browsers {
		s.Browsers[i].TrustFirst, s.Browsers[i].TrustSecond = 0, 0
	}
	s.ended = max(s.ended, trusts)
}

// enroll enrolls a second factor during a sign-in, or in a session that requires one: any factor
// that its person can prove.
func (t *turn) enroll(i int, first, lost Thing, verb string) {
	for _, k := range t.Seconds {
		p := t.was.Browsers[i].Of
		second := thing(k, p)
		if k == Mail {
			second = thing(Mail, t.was.Mailbox)
		}
		r := t.rules(&t.was)
		switch {
		case !t.can(&t.was, p, second), r.Refuses(methods[k]), !r.AreIndependent(proofs[first], proofs[second]):
		case k != Mail && lost == 0 && !t.mayEnroll(&t.was):
		default:
			s := t.was
			if k == Mail {
				t.provesBy(&s, p, first)
			}
			s.Seconds = s.Seconds&^set(lost)&^set(0) | set(second)
			if t.before.kind() == Mended && t.Fault != CodesOutliveARescue {
				s.Sheet = 0
			}
			s.Blocked = false
			t.end(&s, i)
			t.in(s, i, Session{First: first, Second: second}, verb)
		}
	}
}

// in issues the session of a sign-in.
func (t *turn) in(s State, i int, n Session, verb string) {
	n.Fresh = t.Fault != NothingIsFresh
	if t.Fault != SignInStopsNoDeletion {
		s.Leaves = false
	}
	b := &s.Browsers[i]
	b.Session, b.Known = n, t.Guesses
	t.then(By(b.Of), verb, s, n.First, n.Second)
}
