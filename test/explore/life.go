package explore

// life is a turn in which an account may begin or end.
type life struct{ *turn }

// Invitation is the state of the operator's last invitation to Ann's address.
type Invitation uint8

// The states of an invitation.
const (
	NotInvited Invitation = iota
	Invited               // its link works
	Spent                 // its link was used, was revoked or has expired
)

// begins calls emit with every account that can be created while the address has none.
func (t life) begins() {
	for p := range people {
		if !t.acts(p) {
			continue
		}
		t.register(p)
		t.accept(p)
		t.signUp(p)
		t.arrive(p)
	}
	if s := t.was; t.Invites && t.Mails && s.Invitation != Invited {
		s.Invitation = Invited
		t.then(Operator, "invites Ann's address", s)
	}
	t.revoke()
	if s := t.born(); t.Arrives {
		s.HasPassword, s.AtFormer = true, true
		s.Knows[Ann] = true
		t.proves(&s, Ann)
		t.then(Operator, "imports Ann's account, whose password only the former system knows", s)
	}
}

// revoke ends the invitation, even while its address has an account.
func (t life) revoke() {
	if s := t.was; s.Invitation == Invited {
		s.Invitation = Spent
		t.then(Operator, "revokes the invitation", s)
		t.then(Time, "the invitation expires", s)
	}
}

// born returns an account with Ann's address and nothing else.
func (t life) born() State {
	s := State{Exists: true, Mailbox: Ann, Invitation: t.was.Invitation, Browsers: t.was.Browsers}
	s.Stolen, s.Strict, s.Distrusts, s.SendsMail = t.was.Stolen, t.was.Strict, t.was.Distrusts, t.was.SendsMail
	return s
}

// register creates an account with Ann's address, which every person can enter.
func (t life) register(p Person) {
	s := t.born()
	s.HasPassword = true
	s.Knows[p] = true
	t.then(By(p), "registers Ann's address", s)
	if t.MailBegins {
		t.then(By(p), "registers Ann's address without a password", t.born())
	}
}

// accept follows the link of an invitation. It was mailed to the address, so the
// address is proven.
func (t life) accept(p Person) {
	link := t.reads(p, Ann) || p == Eve && t.EveHasTheLink
	if !link || !t.mayAccept(&t.was) {
		return
	}
	s := t.born()
	if t.was.Exists {
		s = t.was
	}
	if t.Fault != InvitationWorksTwice {
		s.Invitation = Spent
	}
	t.proves(&s, p)
	const verb = "accepts the invitation"
	if t.MailBegins {
		t.then(By(p), verb+" without a password", s)
	}
	for _, k := range t.Firsts {
		if key := s; k == Passkey {
			key.Firsts = set(t.opener(Passkey, p))
			t.then(By(p), verb+" with a passkey", key)
		}
	}
	s.HasPassword = true
	s.Knows[p] = true
	t.then(By(p), verb+" with a password", s)
}

// signUp creates an account with a provider. Every person can enter Ann's address there.
func (t life) signUp(p Person) {
	if !t.SignsUp {
		return
	}
	for q := range people {
		site, s := thing(Site, q), t.born()
		if t.Alone && q != p || !t.can(&s, p, site) || !t.provesAddress(p, site) {
			continue
		}
		s.Sites = set(site)
		t.proves(&s, p)
		t.then(By(p), "signs up through another site", s, site)
	}
}

// arrive is the first sign-in of a user of the former system. Ann is one with her address. The
// others are users too, and have entered Ann's address there without proving it.
func (t life) arrive(p Person) {
	if !t.Arrives {
		return
	}
	s := t.born()
	s.HasPassword = true
	s.Knows[p] = true
	if p == Ann && t.FormerProves {
		t.proves(&s, Ann)
	}
	t.then(By(p), "arrives from the former system", s)
}

// claim is arrive for an address that has an account here.
func (t life) claim(p Person) {
	if s := t.was; t.Arrives && p != Ann && t.mayClaim(&s) {
		s.AtFormer, s.Knows[p] = false, true
		t.then(By(p), "arrives from the former system with Ann's address", s)
	}
}

// asksForDeletion requests the deletion of the account, which happens days later.
func (t life) asksForDeletion(i int) {
	if s := t.was; t.Deletes && !s.Leaves {
		s.Leaves = true
		t.end(&s, -1)
		t.then(By(t.was.Browsers[i].Of), "asks for the deletion of the account", s)
	}
}

// stopsDeletion stops it with the mailed link. A sign-in also stops it.
func (t life) stopsDeletion(p Person) {
	if s := t.was; s.Leaves && t.Mails && t.Fault != LinkStopsNoDeletion {
		s.Leaves = false
		t.then(By(p), "stops the deletion by the mailed link", s)
	}
}

// deletes deletes the account when the wait is over or on the operator's request.
func (t life) deletes() {
	s := t.gone()
	if t.was.Leaves {
		t.then(Time, "the deletion happens", s)
	}
	if t.Deletes {
		t.then(Operator, "deletes the account", s)
	}
}

// gone returns the state after a deletion.
func (t life) gone() State {
	s := State{Stolen: t.was.Stolen, Strict: t.was.Strict, Distrusts: t.was.Distrusts, SendsMail: t.was.SendsMail}
	s.Invitation = t.was.Invitation
	if s.Invitation == Invited && t.Fault != DeletionLeavesTheInvitation {
		s.Invitation = Spent
	}
	if t.Fault == DeletionLeavesSessions {
		s.Browsers = t.was.Browsers
	}
	s.ended = everything
	return s
}
