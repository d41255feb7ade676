package explore

import (
	"maps"
	"strings"

	"github.com/twofold-auth/twofold/internal/storage"
)

// read runs the step that an audit row describes.
func (r *reader) read(row storage.Event) {
	switch kind := kindOf(row.Method); row.Name {
	case "first-factor-proven":
		r.begun |= set(thing(kind, Ann))
	case "user-authenticated":
		r.signsIn(kind, row.Reason == "trusted device")
	case "user-reauthenticated":
		r.step(r.like(func(l Label) bool { return l.Verb == "proves again who they are" && l.last().kind() == kind }))
	case "device-trusted":
		r.step((*turn).isTrusted)
	case "tf-enrolled":
		r.setsUp(kind, "signs in")
	case "tf-profile-changed":
		r.setsUp(kind, "sets up")
	case "wan-registered":
		r.registers(row.Reason == storage.UseFirst)
	case "us-profile-changed":
		verb := "adds a way in"
		if row.Reason == "removed" {
			verb = "removes a way in"
		}
		r.changes(r.way(verb, kind))
	case "tf-factor-removed":
		r.removes(kind, false)
		r.removed = kind == Passkey
	case "wan-deleted":
		told := map[packed]bool{}
		if r.removed { // the row before may have recorded it
			told = r.states
		}
		r.removed = false
		r.removes(kind, true)
		maps.Copy(r.states, told)
	case "tf-disabled":
		clear(r.sets)
		r.removed = true
		r.changes(r.switchesOff)
	case "connection-added":
		r.sites++
		r.changes(r.way("adds a way in", Site))
	case "connection-removed":
		r.disconnects()
	case "recovery-codes-made":
		r.changes(r.verb("makes recovery codes"))
	case "token-minted":
		r.step(func(t *turn) { t.makesToken(row.Method == "personal") })
	case "user-logged-out":
		r.step(r.verb("signs out"))
	case "session-ended":
		if row.Reason == "all others" {
			r.step(r.verb(endsOthers))
		}
	default:
		r.readMailed(row)
	}
}

// readMailed is read for steps that use the mailbox.
func (r *reader) readMailed(row storage.Event) {
	switch row.Name {
	case "user-confirmed":
		r.since = row.At
		r.step((*turn).confirms)
	case "password-reset":
		r.since = row.At
		r.changes(r.verb(resetsByMail))
	case "password-changed":
		r.changes(r.verb("changes the password"))
	case "change-email-instructions-sent":
		r.moves = true
		r.step(r.could(func(l Label) bool { return strings.HasPrefix(l.Verb, "changes the address") }))
	case "change-email-confirmed":
		if !r.moves {
			r.states = nil
			return
		}
		r.changes(func(t *turn) { t.moves() })
	case "tf-rescue-requested":
		if row.Method == "recovery_request" {
			r.since = row.At
			r.step(func(t *turn) { t.waits(r.begun) })
		}
	case "tf-rescued":
		r.repairs = true
		r.step(func(t *turn) { t.rescued(row.Method == "recovery_request", r.begun) })
	case "recovery-ended":
		if row.Reason == "cancelled" {
			r.step(r.verb("cancels a recovery"))
		}
	default:
		r.readOthers(row)
	}
}

// readOthers is read for steps of the application or an operator, and for the link of a notice.
func (r *reader) readOthers(row storage.Event) {
	what := row.Name
	if what == "account-changed" {
		what = row.Reason
	}
	switch what {
	case "created", "user-registered", "user-invitation-accepted":
		r.begins(what, row.Reason)
	case "user-deletion-requested":
		r.leaves = true
		r.changes(r.verb("asks for the deletion of the account"))
	case "user-deletion-stopped":
		if !r.leaves {
			r.states = nil
			return
		}
		r.leaves = false
		r.step(func(t *turn) { // the row of a sign-in has recorded it already
			if t.was.Exists && !t.was.Leaves {
				t.doesNothing()
			}
			life{t}.stopsDeletion(Ann)
		})
	case "password_changed":
		r.changes(func(t *turn) { outside{t}.changesPassword() })
	case "identity_changed":
		r.changes(func(t *turn) {
			outside{t}.changesIdentity((t.was.Mailbox + 1) % people)
			outside{t}.switches() // it was the name, and that change ends everything too
		})
	case "access_reset":
		clear(r.sets)
		r.changes(func(t *turn) { outside{t}.resetsAccess() })
	case "activated", "deactivated":
		r.changes(func(t *turn) { outside{t}.switches() })
	case "user-disowned": // the trail does not say what is recent
		r.changes(func(t *turn) {
			recent := t.was.openers()
			gone, by := recent, outside{t}
			for by.disowns(Ann, gone); gone != 0; by.disowns(Ann, gone) {
				gone = (gone - 1) & recent
			}
		})
	case "recovery-started":
		r.changes(func(t *turn) { outside{t}.startsRecovery() })
	default:
		if !changesNothing(what) {
			r.unknown = what
		}
	}
}

// changesNothing reports whether a row describes something that the model does not have: messages,
// views, names, refusals, counts and roles. All other rows must be read.
func changesNothing(name string) bool {
	switch name {
	case "us-security-token-sent", "tf-security-token-sent", "tf-code-confirmed", "tf-factor-edited", "tf-paused",
		"confirm-instructions-sent", "password-reset-instructions-sent", "login-instructions-sent",
		"username-recovery-email-sent", "username-changed", "profile-changed",
		"user-invited", "user-invitation-revoked", "user-failed-authn", "user-not-registered", "user-paused",
		"user-deleted", "token-revoked", "token-copied", "device-copied", "device-revoked", "new-browser",
		"browser-stays", "staying-copied", "wan-refused", "news-seen", "passwords-guessed",
		"roles_changed", "unlocked":
		return true
	}
	return false
}

// begins adds an account. If another person creates it for its owner, they may vouch for the
// address.
func (r *reader) begins(what, provider string) {
	if what == "user-registered" && provider != "" {
		r.sites++
	}
	r.step(func(t *turn) {
		switch {
		case t.was.Exists:
		case what == "user-invitation-accepted":
			t.was.Invitation = Invited // that row is not about an account
			life{t}.accept(Ann)
		case what == "created":
			for _, opened := range []bool{false, true} {
				s := life{t}.born()
				s.HasPassword, s.Knows[Ann] = opened, opened
				t.then(By(Ann), what, s)
				t.proves(&s, Ann)
				t.then(By(Ann), what, s)
			}
		case provider != "":
			life{t}.signUp(Ann)
		default:
			life{t}.register(Ann)
			life{t}.arrive(Ann)
		}
	})
}

// registers handles a new passkey: of an account that was created with it, or an additional one.
func (r *reader) registers(first bool) {
	switch {
	case r.invited:
		r.step(func(t *turn) {
			if t.was.Firsts&ofKind(Passkey) != 0 {
				t.doesNothing()
			}
		})
	case first:
		r.changes(r.way("adds a way in", Passkey))
	default:
		r.setsUp(Passkey, "") // in a sign-in or by a session
	}
}

// like runs the actions that satisfy such.
func (r *reader) like(such func(l Label) bool) func(t *turn) {
	return func(t *turn) {
		if !t.was.Exists {
			return
		}
		r.all(t.was, func(l Label, s State) {
			if l.By == By(Ann) && such(l) {
				t.emit(l, s)
			}
		})
	}
}

func (r *reader) verb(verb string) func(t *turn) {
	return r.like(func(l Label) bool { return l.Verb == verb })
}

func (r *reader) way(verb string, k Kind) func(t *turn) {
	return r.like(func(l Label) bool { return l.Verb == verb && l.With[0].kind() == k })
}

// could runs a step that changes nothing, where an action that satisfies such is possible.
func (r *reader) could(such func(l Label) bool) func(t *turn) {
	return func(t *turn) {
		can := false
		r.all(t.was, func(l Label, _ State) { can = can || l.By == By(Ann) && such(l) })
		if can {
			t.doesNothing()
		}
	}
}

// signsIn adds a session. A second factor follows a first one in the trail.
func (r *reader) signsIn(last Kind, trusted bool) {
	entered := map[packed]bool{}
	if r.entered != 0 && r.entered.kind() == last { // the row before has recorded it, or may have
		entered = r.states
	}
	r.entered = 0
	r.step(r.like(func(l Label) bool {
		two := l.With[1] != 0 && l.With[0] != l.With[1]
		return strings.HasPrefix(l.Verb, "signs in") && !strings.Contains(l.Verb, "sets up") &&
			!strings.HasSuffix(l.Verb, "has the browser trusted") && l.last().kind() == last &&
			trusted == (l.Verb == inTrusted) && (!two || r.hasBegun(l))
	}))
	maps.Copy(r.states, entered)
}

func (r *reader) hasBegun(l Label) bool { return r.begun.has(thing(l.With[0].kind(), Ann)) }

// last returns the proof for which a session was issued.
func (l Label) last() Thing {
	if l.With[1] != 0 {
		return l.With[1]
	}
	return l.With[0]
}

// setsUp handles a new second factor, which is set up in a sign-in, whose session is the next row, or in a
// session.
func (r *reader) setsUp(k Kind, verb string) {
	if verb == "signs in" && r.entered.kind() == k { // a passkey has two rows
		return
	}
	r.sets[k]++
	repairs := r.repairs && verb != "sets up"
	r.changes(func(t *turn) {
		r.like(func(l Label) bool {
			set := l.With[1] // after the first factor
			if l.Verb == "sets up a second factor" {
				set = l.With[0]
			}
			inside := strings.HasPrefix(l.Verb, "sets up")
			enters := strings.HasPrefix(l.Verb, "signs in") && strings.Contains(l.Verb, "sets up") && r.hasBegun(l)
			return set.kind() == k && strings.HasPrefix(l.Verb, verb) && (enters || inside)
		})(t)
		if repairs {
			t.repairs(k)
		}
	})
	if verb != "sets up" {
		r.entered = thing(k, Ann)
	}
}

// switchesOff removes all second factors, if there are any.
func (r *reader) switchesOff(t *turn) {
	off := *t
	off.emit = func(l Label, s State) {
		if s.Seconds == 0 {
			t.emit(l, s)
		}
	}
	r.verb("removes a second factor")(&off)
	r.verb("switches all second factors off")(&off)
	if t.was.Seconds == 0 && t.isFull() {
		t.doesNothing()
	}
}

// disconnects removes a connection. Several count as one here, and another one may be left.
func (r *reader) disconnects() {
	several := r.sites > 1
	r.sites = max(0, r.sites-1)
	r.changes(func(t *turn) {
		r.way("removes a way in", Site)(t)
		if s := t.was; several && s.Sites != 0 && t.isFull() {
			t.end(&s, 0)
			t.then(By(Ann), "removes one of several", s)
		}
	})
}

// removes removes a second factor or a passkey of any use.
func (r *reader) removes(k Kind, passkey bool) {
	several := r.sets[k] > 1 // another one of the kind may be left
	r.sets[k] = max(0, r.sets[k]-1)
	such := func(l Label) bool {
		second := l.Verb == "removes a second factor"
		return l.With[0].kind() == k && (second || passkey && l.Verb == "removes a way in")
	}
	r.changes(func(t *turn) {
		r.like(such)(t)
		if s := t.was; several && s.Seconds.has(thing(k, Ann)) && t.isFull() {
			t.end(&s, 0)
			t.then(By(Ann), "removes one of several", s)
		}
	})
}
