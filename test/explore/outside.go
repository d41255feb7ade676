package explore

// outside is a turn of actors without a browser: the application and the operator, with their
// programs, and the owner, with the link of a notice.
type outside struct{ *turn }

func (t outside) acts() {
	if t.Acts {
		t.changesPassword()
		t.resetsAccess()
		t.switches()
	}
	if t.OwnTable {
		t.changesRow()
	}
}

// changesPassword sets the account's password for the person whose address it has. The address must
// be proven, because otherwise the application does not know whose account it is.
func (t outside) changesPassword() {
	s, of := t.was, t.was.Mailbox
	switch {
	case t.Alone:
		of = Ann
	case !s.Proven:
		return
	}
	s.HasPassword, s.AtFormer, s.ResetLately, s.Knows = true, false, false, [people]bool{}
	s.Knows[of] = true
	t.end(&s, -1)
	t.then(Application, "changes the password to one that "+of.String()+" knows", s)
}

// resetsAccess keeps the password, or the mailbox, and removes everything else that opens the
// account.
func (t outside) resetsAccess() {
	s := t.was
	s.Seconds, s.Firsts, s.Sites, s.Sheet, s.Blocked = 0, s.Firsts&ofKind(Mail), 0, 0, false
	if t.Fault == ResetLeavesWaysIn {
		s.Firsts, s.Sites = t.was.Firsts, t.was.Sites
	}
	t.end(&s, -1)
	t.then(Operator, "resets the access to the account", s)
}

// switches deactivates the account and activates it again.
func (t outside) switches() {
	s := t.was
	if t.Fault != DeactivationEndsNothing {
		t.end(&s, -1)
	}
	t.then(Operator, "deactivates the account and activates it again", s)
}

// changesIdentity changes the address, as an operator does to return an account to its owner. The
// new address is unproven.
func (t outside) changesIdentity(to Person) { t.changesAddress(Operator, givesBack, to) }

// changesRow changes an address in the application's own table.
func (t outside) changesRow() {
	for _, to := range []Person{Ann, Ben} {
		if to != t.was.Mailbox {
			t.changesAddress(Application, "changes the address to "+to.String()+inOwnTable, to)
		}
	}
}

// changesAddress changes the address and proves nothing. First factors are removed if there is a
// password. If the mailbox replaces the password, they are removed or kept: the model does not know
// whether the account was made with the mailbox.
func (t outside) changesAddress(by By, verb string, to Person) {
	s := t.was
	t.takesMailTo(&s, to)
	if t.Fault == OperatorProves && by == Operator {
		t.proves(&s, people)
	}
	t.end(&s, -1)
	if !s.HasPassword || t.Fault == NewAddressLeavesWaysIn {
		t.then(by, verb, s)
	}
	if s.HasPassword && t.Fault != NewAddressLeavesWaysIn || s.Firsts&ofKind(Mail) != 0 || t.MailBegins {
		s.Firsts, s.Sites = s.Firsts&ofKind(Mail), 0
		t.then(by, verb, s)
	}
}

// disowns follows the link "this was not me" of a notice. Everything that was issued ends, and
// first factors added in the last days are removed.
func (t outside) disowns(p Person, gone Things) {
	s := t.was
	s.Firsts, s.Sites = s.Firsts&^gone, s.Sites&^gone
	if !t.opens(&s, t.ways(&s)) { // then everything stays
		s.Firsts, s.Sites = t.was.Firsts, t.was.Sites
	}
	t.end(&s, -1)
	t.then(By(p), "answers a notice: it was not they", s)
}

// openers are the first factors that a notice may remove.
func (s *State) openers() Things { return (s.Firsts | s.Sites) &^ ofKind(Mail) }

// setUpMail enables mail, where no mail was sent before.
func (t outside) setsUpMail() {
	if s := t.was; !t.Mails {
		s.SendsMail = true
		t.then(Operator, "sets up mail", s)
	}
}

// startsRecovery starts a recovery, as an operator does for an owner who asked by other means.
func (t outside) startsRecovery() {
	if s := t.was; t.Mails && s.Seconds != 0 && s.HasPassword && t.Fault != OperatorStartsNothing {
		s.Recovery = Opens
		t.then(Operator, "starts a recovery", s)
	}
}
